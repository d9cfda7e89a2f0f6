import type { PgPool } from "./pg-types.js";
import type { Access } from "../model/schema-description.js";
import type { RunbookId, RunId, Scope } from "../model/ids.js";
import { RunsealError } from "../errors/error.js";
import { systemClock } from "../time/clock.js";
import { ANYTHING, MILLISECONDS, checkOptions, checkPool } from "./checked-options.js";
import { Database } from "./database.js";
import { schemaName } from "./schema-name.js";
import { Statement } from "./statement.js";

/** The locks of one run, or of host code, as they are held now. */
export interface LockListing {
  readonly scope: Scope;
  readonly runId: RunId;
  readonly runbookId: RunbookId;
  /** The process that holds them. */
  readonly holder: string;
  /** The backend of its session, and what that calls itself. */
  readonly pid: number;
  readonly applicationName: string;
  /** When they were taken, milliseconds since the epoch by the server, and for how long they have been held. */
  readonly since: number;
  readonly heldMs: number;
  /** Whether they are taken in stripes, which keep out others too. */
  readonly isStriped: boolean;
  readonly entities: readonly { readonly kind: string; readonly id: string; readonly access: Access }[];
}

/** What {@link postgresLocks} may be told. */
export interface LockAdminOptions {
  /** Default `runseal`. */
  readonly schema?: string;
  /** How long a call tries while the server is away, milliseconds. Default 5,000. */
  readonly busyMs?: number;
}

/** Looks at locks and, where nobody else can, frees them. */
export interface LockAdmin {
  /** Everything that is held now, the oldest first; what sessions that have ended left behind is not. */
  list(): Promise<readonly LockListing[]>;
  /**
   * Ends the session that holds the locks of a process, so that the server frees all of them. For a process that hangs or whose machine
   * is gone without a word; a living one notices, stops its runs, and opens another session.
   *
   * Only sessions that call themselves ours are ended, and only when their process renews no lease any more.
   *
   * @param holder - as {@link LockListing.holder}
   * @returns how many locks were freed; 0 when the process holds none
   * @throws {@link RunsealError} `lease.held` while the process drives a run: cancel that, or wait until its lease has run out;
   * `lock.not_ours` when the session is not one of this package; `store.permission` when the role may not end it
   */
  release(holder: string): Promise<{ readonly locks: number }>;
}

const BUSY_MS_DEFAULT = 5_000;
const STATEMENT_MS = 10_000;
/** How long a session may take to end, and the pause between two looks, milliseconds. */
const END_MS = 5_000;
const LOOK_MS = 20;

const LIST = `WITH held AS MATERIALIZED (SELECT h.pid, h.lock FROM {{schema}}.held_locks() h), now AS (SELECT {{schema}}.now_ms() AS ms)
  SELECT r.scope, r.run_id, r.runbook_id, r.holder, r.pid, coalesce(a.application_name, '') AS name, min(r.at)::float8 AS since,
    (SELECT ms FROM now)::float8 - min(r.at)::float8 AS held_ms, r.is_striped,
    json_agg(json_build_object('kind', r.kind, 'id', r.id, 'access', r.access) ORDER BY r.kind, r.id)::text AS entities
  FROM {{schema}}.lock_rows r
  JOIN held s ON s.pid = r.pid AND s.lock = r.session
  JOIN held l ON l.pid = r.pid AND l.lock = CASE WHEN r.is_striped THEN r.stripe ELSE r.key END
  LEFT JOIN pg_stat_activity a ON a.pid = r.pid
  GROUP BY r.session, r.hold, r.scope, r.run_id, r.runbook_id, r.holder, r.pid, a.application_name, r.is_striped
  ORDER BY since, r.run_id`;
const LEASES = `SELECT substr(h.stream, 5) AS run_id FROM {{schema}}.heads h
  WHERE h.owner = $1 AND h.lease_until > {{schema}}.now_ms() ORDER BY h.id LIMIT 1`;
const SESSIONS = `WITH held AS MATERIALIZED (SELECT h.pid, h.lock FROM {{schema}}.held_locks() h)
  SELECT r.pid, r.session::text AS mark, coalesce(max(a.application_name), '') AS name, count(*)::integer AS locks
  FROM {{schema}}.lock_rows r
  JOIN held s ON s.pid = r.pid AND s.lock = r.session
  LEFT JOIN pg_stat_activity a ON a.pid = r.pid
  WHERE r.holder = $1 GROUP BY r.pid, r.session`;
/** Looks once more at the moment of ending: the number of a backend is given out again. */
const END = `SELECT count(pg_terminate_backend(h.pid))::integer AS ended FROM {{schema}}.held_locks() h WHERE h.pid = $1 AND h.lock = $2::bigint`;
const LIVES = "SELECT 1 FROM {{schema}}.held_locks() h WHERE h.pid = $1 AND h.lock = $2::bigint";

/**
 * The locks of a schema, for people and scripts. Does no I/O by itself.
 *
 * @throws {@link RunsealError} `instance.misconfigured` naming the option that can't be right
 */
export function postgresLocks(pool: PgPool, options: LockAdminOptions = {}): LockAdmin {
  checkPool("postgresLocks", pool);
  checkOptions("postgresLocks", options, { schema: ANYTHING, busyMs: MILLISECONDS });
  const schema = schemaName(options.schema ?? "runseal");
  const busyMs = options.busyMs ?? BUSY_MS_DEFAULT;
  const database = new Database({ pool, schema, busyMs, statementMs: STATEMENT_MS, prepare: asItIs });
  return Object.freeze({ list: () => listLocks(database), release: (holder: string) => releaseLocks(database, holder) });
}

/** Whoever looks at locks changes no schema; a wrong one is told by the statements. */
async function asItIs(): Promise<void> {
  await Promise.resolve();
}

/** What is held now, over a database that is open: one statement, linear in what is held. */
export async function listLocks(database: Database): Promise<readonly LockListing[]> {
  const { rows } = await database.query("locks.list", new Statement(database.schema, LIST), []);
  return Object.freeze(
    rows.map((row) =>
      Object.freeze({
        scope: String(row["scope"]),
        runId: String(row["run_id"]),
        runbookId: String(row["runbook_id"]) as RunbookId,
        holder: String(row["holder"]),
        pid: Number(row["pid"]),
        applicationName: String(row["name"]),
        since: Number(row["since"]),
        heldMs: Number(row["held_ms"]),
        isStriped: row["is_striped"] === true,
        entities: JSON.parse(String(row["entities"])) as LockListing["entities"],
      }),
    ),
  );
}

async function releaseLocks(database: Database, holder: string): Promise<{ readonly locks: number }> {
  const { schema } = database;
  const leases = await database.query("locks.release", new Statement(schema, LEASES), [holder]);
  const runId = leases.rows[0]?.["run_id"];
  if (typeof runId === "string") {
    const message = `"${holder}" drives run "${runId}": cancel the run, or wait until its lease has run out`;
    throw new RunsealError("lease.held", message, { runId, owner: holder });
  }
  const { rows } = await database.query("locks.release", new Statement(schema, SESSIONS), [holder]);
  for (const row of rows) {
    const name = String(row["name"]);
    if (name.startsWith("runseal/")) continue;
    const message = `the session ${Number(row["pid"])} calls itself "${name}", which is none of ours; look at it in pg_stat_activity`;
    throw new RunsealError("lock.not_ours", message, { pid: Number(row["pid"]), applicationName: name });
  }
  let locks = 0;
  for (const row of rows) {
    await endSession(database, [row["pid"], row["mark"]]);
    locks += Number(row["locks"]);
  }
  return { locks };
}

async function endSession(database: Database, session: readonly unknown[]): Promise<void> {
  const lives = new Statement(database.schema, LIVES);
  const since = systemClock.now();
  await database.query("locks.release", new Statement(database.schema, END), session);
  while ((await database.query("locks.release", lives, session)).rows.length > 0 && systemClock.now() - since < END_MS) {
    await systemClock.sleep(LOOK_MS);
  }
}
