import type { RegisteredWorker, WorkerRecord, WorkerRegistry } from "../stores/worker-registry.js";
import type { Database } from "./database.js";
import type { OpenSession, Session } from "./session.js";
import { isRunsealError } from "../errors/error.js";
import { present } from "../errors/invariant.js";
import { integerIn } from "../sql/row.js";
import { WORKER_COLUMNS, workerOfRow, workerValues } from "../sql/worker-row.js";
import { assertStorable } from "../stores/storable-name.js";
import { GONE_SHOWN_MS } from "../stores/worker-registry.js";
import { Statement } from "./statement.js";

/** Judged by what was there before: whoever is new is the last. A worker whose session has ended is gone, whatever its row says. */
const BEAT = `WITH clock AS MATERIALIZED (SELECT {{schema}}.now_ms() AS now),
  beat AS (
    INSERT INTO {{schema}}.worker_rows (${WORKER_COLUMNS}, session, pid)
    SELECT $1, $2, $3, $4, $5, $6, $7, c.now, c.now, c.now + $8::bigint, $9, $10 FROM clock c
    ON CONFLICT (worker_id) DO UPDATE SET active = excluded.active, concurrency = excluded.concurrency,
      last_seen_at = excluded.last_seen_at, alive_until = excluded.alive_until, session = excluded.session, pid = excluded.pid
  ),
  held AS MATERIALIZED (SELECT h.pid, h.lock FROM {{schema}}.held_locks() h),
  mine AS MATERIALIZED (
    SELECT coalesce((SELECT w.started_at FROM {{schema}}.worker_rows w WHERE w.worker_id = $1), c.now) AS started_at, c.now FROM clock c
  )
  SELECT NOT EXISTS (
    SELECT FROM {{schema}}.worker_rows w, mine m
    WHERE w.alive_until > m.now AND (w.started_at, w.worker_id) < (m.started_at, $1)
      AND (w.session IS NULL OR EXISTS (SELECT FROM held h WHERE h.pid = w.pid AND h.lock = w.session))
  ) AS is_janitor`;
const LEAVE = "DELETE FROM {{schema}}.worker_rows WHERE worker_id = $1";
const LIST = `SELECT ${WORKER_COLUMNS} FROM {{schema}}.worker_rows ORDER BY started_at, worker_id`;
/** Rows of locks whose session has ended keep nobody out; they are only in the way of whoever looks. */
const SWEEP = `WITH held AS MATERIALIZED (SELECT h.pid, h.lock FROM {{schema}}.held_locks() h),
  clock AS MATERIALIZED (SELECT {{schema}}.now_ms() AS now),
  workers AS (DELETE FROM {{schema}}.worker_rows w USING clock c WHERE w.alive_until <= c.now - $1::bigint RETURNING 1),
  locks AS (
    DELETE FROM {{schema}}.lock_rows r WHERE NOT EXISTS (SELECT FROM held h WHERE h.pid = r.pid AND h.lock = r.session) RETURNING 1
  )
  SELECT (SELECT count(*) FROM workers) + (SELECT count(*) FROM locks) AS removed`;

/**
 * Workers in PostgreSQL: those of every machine.
 *
 * A worker notes the session of its process beside its row, so that one whose process has died is no janitor from that moment on. Behind a
 * pooler, where there are no sessions, it is none when its last sign of life has run out.
 */
export class PostgresWorkerRegistry implements WorkerRegistry {
  readonly #database: Database;
  readonly #session: Session;
  readonly #beat: Statement;
  readonly #leave: Statement;
  readonly #list: Statement;
  readonly #sweep: Statement;

  constructor(database: Database, session: Session) {
    this.#database = database;
    this.#session = session;
    this.#beat = new Statement(database.schema, BEAT);
    this.#leave = new Statement(database.schema, LEAVE);
    this.#list = new Statement(database.schema, LIST);
    this.#sweep = new Statement(database.schema, SWEEP);
  }

  async beat(worker: WorkerRecord, termMs: number): Promise<{ readonly isJanitor: boolean }> {
    for (const name of [worker.workerId, worker.owner]) assertStorable(name);
    const session = await this.#openSession();
    // the times are the database's
    const said = workerValues(worker, 0, termMs).slice(0, -3);
    const values = [...said, termMs, session?.mark ?? null, session?.pid ?? null];
    const { rows } = await this.#database.query("workers.beat", this.#beat, values);
    return { isJanitor: rows[0]?.["is_janitor"] === true };
  }

  async leave(workerId: string): Promise<void> {
    assertStorable(workerId);
    await this.#database.query("workers.leave", this.#leave, [workerId]);
  }

  async list(): Promise<readonly RegisteredWorker[]> {
    const { rows } = await this.#database.query("workers.list", this.#list, []);
    return rows.map(workerOfRow);
  }

  async sweep(): Promise<{ readonly removed: number }> {
    const { rows } = await this.#database.query("workers.sweep", this.#sweep, [GONE_SHOWN_MS]);
    return { removed: integerIn(present(rows[0], "sweeping is answered"), "removed") };
  }

  async #openSession(): Promise<OpenSession | undefined> {
    try {
      return await this.#session.open("workers.beat");
    } catch (error) {
      if (isRunsealError(error, "lock.pooler_unsupported")) return undefined;
      throw error;
    }
  }
}
