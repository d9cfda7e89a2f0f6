import type { Clock } from "../time/clock.js";
import type { Scope } from "../model/ids.js";
import type { StreamHead } from "../model/run.js";
import type { RunFilter, RunIndex } from "../stores/event-store.js";
import type { Database } from "./database.js";
import type { Transaction } from "./transaction.js";
import type { SqlRow, SqlValue } from "./driver.js";
import { runStream } from "../model/ids.js";
import { integerOrNullIn, textIn } from "../sql/row.js";
import { byPriority, RUNS_LISTED_DEFAULT } from "../stores/run-order.js";
import { SELECT_HEADS, shownHead } from "./heads.js";
import { livenessOf } from "./owner.js";

/** When a parked run wants to be looked at: the words of the index on it. */
const PARKED_WAKE = "CASE WHEN pending > 0 THEN 0 ELSE wake_at END";

/** A condition and what goes into its question marks. */
interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

interface WorkQuery {
  readonly scope: Scope | null;
  readonly queues: readonly string[] | null;
}

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

  async due(query: WorkQuery & { readonly limit: number }): Promise<readonly StreamHead[]> {
    const now = this.#clock.now();
    const rows = await this.#database.read("runs.due", (transaction) =>
      [QUEUED, parkedUntil(now), leasedUntil(now, goneOwners(transaction))].flatMap((state) =>
        dueRows(transaction, state, query),
      ),
    );
    return rows.map(shownHead).sort(byPriority).slice(0, query.limit);
  }

  async nextWake(query: WorkQuery): Promise<{ readonly now: number; readonly at: number | null }> {
    const now = this.#clock.now();
    const wakes = await this.#database.read("runs.nextWake", (transaction) => [
      earliest(transaction, "parked", PARKED_WAKE, now, query),
      earliest(transaction, "running", "lease_until", now, query),
    ]);
    const ahead = wakes.filter((at) => at !== null);
    return { now, at: ahead.length === 0 ? null : Math.min(...ahead) };
  }
}

/** The runs of one state that are due. */
interface State extends Condition {
  readonly status: "queued" | "parked" | "running";
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

function dueRows(transaction: Transaction, state: State, query: WorkQuery & { readonly limit: number }): readonly SqlRow[] {
  const where = and([state, ...within(query)]);
  const sql = `${SELECT_HEADS} ${through(state.status)} WHERE ${where.sql} ORDER BY priority DESC, stream LIMIT ?`;
  return transaction.all(sql, ...where.values, query.limit);
}

function earliest(transaction: Transaction, status: string, at: string, now: number, query: WorkQuery): number | null {
  const where = and([{ sql: `status = '${status}' AND ${at} > ?`, values: [now] }, ...within(query)]);
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

function within({ scope, queues }: WorkQuery): readonly Condition[] {
  return [...(scope === null ? [] : [equal("scope", scope)]), ...(queues === null ? [] : [among("queue", queues)])];
}

function equal(column: string, value: SqlValue): Condition {
  return { sql: `${column} = ?`, values: [value] };
}

function among(column: string, values: readonly string[]): Condition {
  // an empty list would be folded into "false", which leaves the named index nothing to do, and SQLite without a plan
  const marks = values.length === 0 ? "NULL" : values.map(() => "?").join(", ");
  return { sql: `${column} IN (${marks})`, values };
}

function and(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.map(({ sql }) => `(${sql})`).join(" AND "),
    values: conditions.flatMap(({ values }) => values),
  };
}
