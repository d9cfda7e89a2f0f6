import type { Clock } from "../time/clock.js";
import type { Scope } from "../model/ids.js";
import type { StreamHead } from "../model/run.js";
import type { DueQuery, RunFilter, RunIndex, WorkQuery } from "../stores/event-store.js";
import type { Condition } from "./condition.js";
import type { Database } from "./database.js";
import type { Transaction } from "./transaction.js";
import type { SqlRow } from "./driver.js";
import { runStream } from "../model/ids.js";
import { integerOrNullIn, textIn } from "../sql/row.js";
import { inTurns, RUNS_LISTED_DEFAULT } from "../stores/run-order.js";
import { among, and, equal } from "./condition.js";
import { SELECT_HEADS, shownHead } from "./heads.js";
import { roomAt, roomFor } from "./sqlite-room.js";
import { livenessOf } from "../sql/owner.js";

/** When a parked run wants to be looked at: the words of the index on it. */
const PARKED_WAKE = "CASE WHEN pending > 0 THEN 0 ELSE wake_at END";

/** Finds runs by their heads, through partial indexes: runs that have ended are not looked at. */
export class SqliteRunIndex implements RunIndex {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async list(scope: Scope, filter: RunFilter): Promise<readonly StreamHead[]> {
    const where = and([equal("scope", scope), { sql: "status IS NOT NULL", values: [] }, ...narrowed(filter)]);
    const sql = `${SELECT_HEADS} WHERE ${where.sql} ORDER BY stream DESC LIMIT ?`;
    const limit = filter.limit ?? RUNS_LISTED_DEFAULT;
    const rows = await this.#database.read("runs.list", (transaction) => transaction.all(sql, ...where.values, limit));
    return rows.map(shownHead);
  }

  async due(query: DueQuery): Promise<readonly StreamHead[]> {
    const now = this.#clock.now();
    const rows = await this.#database.read("runs.due", (transaction) => {
      const states = statesOf(transaction, query.states ?? OPEN, now);
      return scopesIn(transaction, query, query.states ?? OPEN).flatMap((scope) =>
        states.flatMap((state) => dueRows(transaction, state, scope, query, now)),
      );
    });
    return inTurns(rows.map(shownHead), query.after).slice(0, query.limit);
  }

  async nextWake(query: WorkQuery): Promise<{ readonly now: number; readonly at: number | null }> {
    const now = this.#clock.now();
    const wakes = await this.#database.read("runs.nextWake", (transaction) => [
      ...scopesIn(transaction, query, ["parked", "running"]).flatMap((scope) => [
        earliest(transaction, "parked", PARKED_WAKE, now, scope, query),
        earliest(transaction, "running", "lease_until", now, scope, query),
      ]),
      ...(query.limits ?? []).map((limit) => roomAt(transaction, limit, now)),
    ]);
    const ahead = wakes.filter((at) => at !== null);
    return { now, at: ahead.length === 0 ? null : Math.min(...ahead) };
  }
}

type OpenStatus = "queued" | "parked" | "running";

const OPEN: readonly OpenStatus[] = ["queued", "parked", "running"];

/** The runs of one state that are due. */
interface State extends Condition {
  readonly status: OpenStatus;
}

const QUEUED: State = { status: "queued", sql: "status = 'queued'", values: [] };

function parkedUntil(now: number): State {
  return { status: "parked", sql: `status = 'parked' AND ${PARKED_WAKE} <= ?`, values: [now] };
}

function leasedUntil(now: number, gone: readonly string[]): State {
  const status = "running";
  const expired = "owner IS NULL OR lease_until <= ?";
  if (gone.length === 0) return { status, sql: `status = 'running' AND (${expired})`, values: [now] };
  return { status, sql: `status = 'running' AND (${expired} OR ${among("owner", gone).sql})`, values: [now, ...gone] };
}

/** Owners of running runs whose process is gone. */
function goneOwners(transaction: Transaction): readonly string[] {
  const owners = transaction.all(
    `SELECT DISTINCT owner FROM runseal_heads ${through("running")} WHERE status = 'running' AND owner IS NOT NULL`,
  );
  return owners.map((row) => textIn(row, "owner")).filter((owner) => livenessOf(owner) === "gone");
}

/**
 * Names the index of a state. Left to itself, SQLite takes the primary key as soon as a scope is asked for, and reads every run of the
 * scope that ever was.
 */
function through(status: string): string {
  return `INDEXED BY runseal_heads_${status}`;
}

function statesOf(transaction: Transaction, wanted: readonly OpenStatus[], now: number): readonly State[] {
  const all = [QUEUED, parkedUntil(now), leasedUntil(now, wanted.includes("running") ? goneOwners(transaction) : [])];
  return all.filter(({ status }) => wanted.includes(status));
}

/** The scopes to look into: those that are named, or those that have runs in one of these states, found by skipping through the indexes. */
function scopesIn(transaction: Transaction, { scope }: WorkQuery, states: readonly OpenStatus[]): readonly Scope[] {
  if (typeof scope === "string") return [scope];
  if (scope !== null) return [...new Set(scope)];
  return [...new Set(states.flatMap((status) => scopesWith(transaction, status)))];
}

function scopesWith(transaction: Transaction, status: OpenStatus): readonly Scope[] {
  const next = `SELECT scope FROM runseal_heads ${through(status)} WHERE status = '${status}'`;
  const sql = `WITH RECURSIVE found (scope) AS (
      SELECT * FROM (${next} ORDER BY scope LIMIT 1)
      UNION ALL SELECT (${next} AND scope > found.scope ORDER BY scope LIMIT 1) FROM found WHERE found.scope IS NOT NULL
    ) SELECT scope FROM found WHERE scope IS NOT NULL`;
  return transaction.all(sql).map((row) => textIn(row, "scope"));
}

function dueRows(transaction: Transaction, state: State, scope: Scope, query: DueQuery, now: number): readonly SqlRow[] {
  const { limits = [], serves } = query;
  const room = roomFor(state.status, limits, now);
  const where = and([state, ...within(scope, query), ...(serves === undefined ? [] : [servable(serves)]), ...room]);
  const sql = `${SELECT_HEADS} ${through(state.status)} WHERE ${where.sql} ORDER BY priority DESC, stream LIMIT ?`;
  return transaction.all(sql, ...where.values, query.limit);
}

/** Every contract that a run requires is among these. */
function servable(serves: readonly string[]): Condition {
  const known = "SELECT value FROM json_each(?)";
  return {
    sql: `NOT EXISTS (SELECT 1 FROM json_each(requires) AS need WHERE need.value NOT IN (${known}))`,
    values: [JSON.stringify(serves)],
  };
}

function earliest(
  transaction: Transaction,
  status: "parked" | "running",
  at: string,
  now: number,
  scope: Scope,
  query: WorkQuery,
): number | null {
  const where = and([{ sql: `status = '${status}' AND ${at} > ?`, values: [now] }, ...within(scope, query)]);
  const sql = `SELECT ${at} AS at FROM runseal_heads ${through(status)} WHERE ${where.sql} ORDER BY ${at} LIMIT 1`;
  const row = transaction.get(sql, ...where.values);
  return row === undefined ? null : integerOrNullIn(row, "at");
}

function narrowed(filter: RunFilter): readonly Condition[] {
  const { status, runbookId, queue, dedupKey, useKey, parent, after } = filter;
  return [
    ...(status === undefined ? [] : [among("status", status)]),
    ...(runbookId === undefined ? [] : [equal("runbook_id", runbookId)]),
    ...(queue === undefined ? [] : [equal("queue", queue)]),
    ...(dedupKey === undefined ? [] : [equal("dedup_key", dedupKey)]),
    ...(useKey === undefined ? [] : [equal("use_key", useKey)]),
    ...(parent === undefined ? [] : [equal("parent", parent)]),
    ...(after === undefined ? [] : [{ sql: "stream < ?", values: [runStream(after)] }]),
  ];
}

function within(scope: Scope, { queues }: WorkQuery): readonly Condition[] {
  return [equal("scope", scope), ...(queues === null ? [] : [among("queue", queues)])];
}
