import type { Scope, StreamName } from "../model/ids.js";
import type { LeaseStore } from "../stores/lease-store.js";
import type { Database } from "./database.js";
import { present } from "../errors/invariant.js";
import { integerIn } from "../sql/row.js";
import { assertStorable } from "../stores/storable-name.js";
import { Statement } from "./statement.js";

const RENEW = `UPDATE {{schema}}.heads SET lease_until = {{schema}}.now_ms() + $5
  WHERE scope = $1 AND stream = $2 AND owner = $3 AND epoch = $4`;
const NOW = "SELECT {{schema}}.now_ms() AS now";

/** Leases in PostgreSQL, by the clock of the server, which every process shares. */
export class PostgresLeaseStore implements LeaseStore {
  readonly #database: Database;
  readonly #renew: Statement;
  readonly #now: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#renew = new Statement(database.schema, RENEW);
    this.#now = new Statement(database.schema, NOW);
  }

  async renew(
    scope: Scope,
    stream: StreamName,
    lease: { readonly owner: string; readonly epoch: number; readonly leaseMs: number },
  ): Promise<boolean> {
    const { owner, epoch, leaseMs } = lease;
    for (const name of [scope, stream, owner]) assertStorable(name);
    const renewed = await this.#database.query("leases.renew", this.#renew, [scope, stream, owner, epoch, leaseMs]);
    return renewed.rowCount === 1;
  }

  async now(): Promise<number> {
    const { rows } = await this.#database.query("leases.now", this.#now, []);
    return integerIn(present(rows[0], "the server tells its time"), "now");
  }
}
