import type { Scope, StreamName } from "../model/ids.js";
import type { LeaseStore } from "../stores/lease-store.js";
import type { Database } from "./database.js";
import { present } from "../errors/invariant.js";
import { integerIn } from "../sql/row.js";
import { assertStorable } from "../stores/storable-name.js";
import { systemClock } from "../time/clock.js";
import { Statement } from "./statement.js";

/** How long a renewal waits for others to share its statement, milliseconds: nothing beside a term. */
const GATHER_MS = 10;
/** Renewals of one statement. */
const RENEWALS_MAX = 500;

const RENEW = `UPDATE {{schema}}.heads SET lease_until = {{schema}}.now_ms() + $5
  WHERE scope = $1 AND stream = $2 AND owner = $3 AND epoch = $4`;
/** Rows that somebody holds at this moment are left out: one run's transaction must not cost the others their leases. */
const RENEW_MANY = `WITH mine AS (
    SELECT h.id, r.o, r.ms FROM json_to_recordset($1::json) AS r(o integer, s text, t text, ow text, ep integer, ms bigint)
    JOIN {{schema}}.heads h ON h.scope = r.s AND h.stream = r.t AND h.owner = r.ow AND h.epoch = r.ep
    ORDER BY h.id FOR UPDATE OF h SKIP LOCKED
  ), renewed AS (
    UPDATE {{schema}}.heads h SET lease_until = {{schema}}.now_ms() + mine.ms FROM mine WHERE h.id = mine.id RETURNING mine.o
  ) SELECT array_agg(o) AS done FROM renewed`;
const NOW = "SELECT {{schema}}.now_ms() AS now";

/** A renewal that waits for its statement. */
interface Renewal {
  readonly scope: Scope;
  readonly stream: StreamName;
  readonly owner: string;
  readonly epoch: number;
  readonly leaseMs: number;
  readonly resolve: (isRenewed: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** Leases in PostgreSQL, by the clock of the server, which every process shares. Renewals that come together share a statement. */
export class PostgresLeaseStore implements LeaseStore {
  readonly #database: Database;
  readonly #renew: Statement;
  readonly #renewMany: Statement;
  readonly #now: Statement;
  #waiting: Renewal[] = [];

  constructor(database: Database) {
    this.#database = database;
    this.#renew = new Statement(database.schema, RENEW);
    this.#renewMany = new Statement(database.schema, RENEW_MANY);
    this.#now = new Statement(database.schema, NOW);
  }

  async renew(
    scope: Scope,
    stream: StreamName,
    lease: { readonly owner: string; readonly epoch: number; readonly leaseMs: number },
  ): Promise<boolean> {
    this.#database.handle.use("leases.renew");
    for (const name of [scope, stream, lease.owner]) assertStorable(name);
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) systemClock.schedule(GATHER_MS, () => void this.#renewWaiting());
      this.#waiting.push({ scope, stream, ...lease, resolve, reject });
    });
  }

  async now(): Promise<number> {
    const { rows } = await this.#database.query("leases.now", this.#now, []);
    return integerIn(present(rows[0], "the server tells its time"), "now");
  }

  async #renewWaiting(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let from = 0; from < waiting.length; from += RENEWALS_MAX) {
      await this.#renewTogether(waiting.slice(from, from + RENEWALS_MAX));
    }
  }

  async #renewTogether(renewals: readonly Renewal[]): Promise<void> {
    const done = renewals.length === 1 ? new Set<unknown>() : await this.#renewedOf(renewals);
    // a row that was left out is either held by somebody for a moment or not this owner's any more: asked for by itself it tells which
    const left = renewals.filter((_, place) => !done.has(place));
    for (const [place, renewal] of renewals.entries()) if (done.has(place)) renewal.resolve(true);
    await Promise.all(left.map(async (renewal) => this.#renewAlone(renewal).then(renewal.resolve, renewal.reject)));
  }

  async #renewedOf(renewals: readonly Renewal[]): Promise<ReadonlySet<unknown>> {
    const asked = renewals.map(({ scope, stream, owner, epoch, leaseMs }, o) => ({
      o,
      s: scope,
      t: stream,
      ow: owner,
      ep: epoch,
      ms: leaseMs,
    }));
    try {
      const { rows } = await this.#database.query("leases.renew", this.#renewMany, [JSON.stringify(asked)]);
      const done: unknown = rows[0]?.["done"];
      return new Set<unknown>(Array.isArray(done) ? done : []);
    } catch {
      // each hears for itself why
      return new Set();
    }
  }

  async #renewAlone({ scope, stream, owner, epoch, leaseMs }: Renewal): Promise<boolean> {
    const renewed = await this.#database.query("leases.renew", this.#renew, [scope, stream, owner, epoch, leaseMs]);
    return renewed.rowCount === 1;
  }
}
