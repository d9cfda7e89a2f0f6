import type { Clock } from "../time/clock.js";
import type { Scope, StreamName } from "../model/ids.js";
import type { LeaseStore } from "../stores/lease-store.js";
import type { Database } from "./database.js";

const RENEW = "UPDATE runseal_heads SET lease_until = ? WHERE scope = ? AND stream = ? AND owner = ? AND epoch = ?";

/** Leases in SQLite, by the clock of this machine, which every process of the file shares. */
export class SqliteLeaseStore implements LeaseStore {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async renew(
    scope: Scope,
    stream: StreamName,
    lease: { readonly owner: string; readonly epoch: number; readonly leaseMs: number },
  ): Promise<boolean> {
    const changes = await this.#database.write("leases.renew", (transaction) =>
      transaction.run(RENEW, this.#clock.now() + lease.leaseMs, scope, stream, lease.owner, lease.epoch),
    );
    return changes === 1;
  }

  async now(): Promise<number> {
    this.#database.handle.use("leases.now");
    return this.#clock.now();
  }
}
