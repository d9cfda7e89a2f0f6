import { randomUUID } from "node:crypto";
import { setTimeout as later } from "node:timers/promises";
import pg from "pg";

/** How the world behind a verb treats being told the same thing twice. */
export type WorldClass = "idempotent" | "reconcile" | "manual";

/** One call of a handler that reached the world. */
export interface WorldCall {
  readonly cls: WorldClass | "transactional";
  readonly run: string;
  readonly step: string;
  readonly attempt: number;
  /** Idempotency key. */
  readonly key: string;
  readonly worker: string;
}

/** What the world was told, and what it did about it. */
export interface WorldRow extends WorldCall {
  /** Whether it had an effect: a repeated key of an idempotent verb and an attempt that was declared dead have none. */
  readonly applied: boolean;
}

/**
 * The world outside: a service with its own tables, which knows nothing of runs.
 *
 * `effect` is told a call once, however often a lost connection makes the caller repeat it: `call` names it. An idempotent key takes
 * effect once. The other classes know no keys, but whoever asks whether an attempt took effect (`settle`) and hears that it did not
 * can rely on it: from then on that attempt is refused. Without that, a process that was frozen in the middle of a call could wake up
 * after everybody agreed that nothing had happened, and make it happen.
 */
const TABLES = `
  CREATE SCHEMA world;
  CREATE TABLE world.keys (key text PRIMARY KEY);
  CREATE TABLE world.effects (
    call uuid PRIMARY KEY, cls text NOT NULL, run text NOT NULL, step text NOT NULL, attempt integer NOT NULL, key text NOT NULL,
    worker text NOT NULL, applied boolean NOT NULL, ord bigint GENERATED ALWAYS AS IDENTITY
  );
  CREATE INDEX ON world.effects (key);
  CREATE TABLE world.dead (key text NOT NULL, attempt integer NOT NULL, PRIMARY KEY (key, attempt));

  CREATE TABLE world.disk (is_full boolean NOT NULL);
  INSERT INTO world.disk VALUES (false);
  CREATE FUNCTION world.refuse_when_full() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF (SELECT is_full FROM world.disk) THEN
      RAISE EXCEPTION 'could not extend file: no space left on device' USING ERRCODE = '53100';
    END IF;
    RETURN NULL;
  END $$;

  CREATE FUNCTION world.effect(c uuid, class text, r text, s text, a integer, k text, w text) RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE
    done boolean;
  BEGIN
    INSERT INTO world.keys VALUES (k) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM world.keys WHERE key = k FOR UPDATE;
    SELECT applied INTO done FROM world.effects WHERE call = c;
    IF FOUND THEN RETURN done; END IF;
    done := CASE
      WHEN class = 'idempotent' THEN NOT EXISTS (SELECT 1 FROM world.effects WHERE key = k AND applied)
      ELSE NOT EXISTS (SELECT 1 FROM world.dead WHERE key = k AND attempt >= a)
    END;
    INSERT INTO world.effects VALUES (c, class, r, s, a, k, w, done);
    RETURN done;
  END $$;

  CREATE FUNCTION world.settle(k text, a integer) RETURNS boolean LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO world.keys VALUES (k) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM world.keys WHERE key = k FOR UPDATE;
    IF EXISTS (SELECT 1 FROM world.effects WHERE key = k AND applied) THEN RETURN true; END IF;
    INSERT INTO world.dead VALUES (k, a) ON CONFLICT DO NOTHING;
    RETURN false;
  END $$;
`;

/** A client of the world: every call is repeated until it is answered, whatever the server goes through. */
export class World {
  readonly #pool: pg.Pool;

  constructor(url: string) {
    this.#pool = new pg.Pool({ connectionString: url, max: 4, application_name: "world", connectionTimeoutMillis: 5_000 });
    this.#pool.on("error", () => undefined);
  }

  async create(): Promise<void> {
    await this.#pool.query(TABLES);
  }

  /** Tells the world to do something: once, however often the connection is lost under it. */
  async effect(call: WorldCall, signal?: AbortSignal): Promise<boolean> {
    const { cls, run, step, attempt, key, worker } = call;
    const rows = await this.#ask(
      "SELECT world.effect($1, $2, $3, $4, $5, $6, $7) AS answer",
      [randomUUID(), cls, run, step, attempt, key, worker],
      signal,
    );
    return rows[0]?.["answer"] === true;
  }

  /** Whether an attempt, or one before it, took effect; when not, it never will. */
  async settle(key: string, attempt: number, signal?: AbortSignal): Promise<boolean> {
    return (await this.#ask("SELECT world.settle($1, $2) AS answer", [key, attempt], signal))[0]?.["answer"] === true;
  }

  /** Does to the database what a test likes. */
  async statement(sql: string): Promise<void> {
    await this.#ask(sql, []);
  }

  /** Makes a table of events refuse rows while the disk is said to be full. */
  async watchDisk(table: string): Promise<void> {
    await this.#ask(
      `CREATE TRIGGER disk BEFORE INSERT ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION world.refuse_when_full()`,
      [],
    );
  }

  async fillDisk(isFull: boolean): Promise<void> {
    await this.#ask("UPDATE world.disk SET is_full = $1", [isFull]);
  }

  /** Ends every session that holds an advisory lock. */
  async endLockSessions(): Promise<void> {
    await this.#ask("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()", []);
  }

  /** Advisory locks that anybody holds. */
  async locksHeld(): Promise<number> {
    return Number((await this.#ask("SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory'", []))[0]?.["n"]);
  }

  /** Sessions of clients other than the world's, by application name. */
  async sessions(): Promise<readonly string[]> {
    const rows = await this.#ask(
      "SELECT application_name FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'world'",
      [],
    );
    return rows.map((row) => String(row["application_name"]));
  }

  /** Every stream as its table has it: `seq:hash` of each event, in order. */
  async streams(schema: string, stream?: string): Promise<ReadonlyMap<string, readonly string[]>> {
    const rows = await this.#ask(
      `SELECT s.stream, e.seq || ':' || encode(e.hash, 'hex') AS value
         FROM ${schema}.event_rows e JOIN ${schema}.streams s ON s.id = e.stream_id
         WHERE $1::text IS NULL OR s.stream = $1 ORDER BY s.stream, e.seq`,
      [stream ?? null],
    );
    const streams = new Map<string, string[]>();
    for (const row of rows) {
      const name = String(row["stream"]);
      const list = streams.get(name) ?? [];
      list.push(String(row["value"]));
      streams.set(name, list);
    }
    return streams;
  }

  /** All that it was told, in order. */
  async rows(): Promise<readonly WorldRow[]> {
    const rows = await this.#ask<WorldRow & pg.QueryResultRow>(
      "SELECT cls, run, step, attempt, key, worker, applied FROM world.effects ORDER BY ord",
      [],
    );
    return rows;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #ask<R extends pg.QueryResultRow>(text: string, values: readonly unknown[], signal?: AbortSignal): Promise<readonly R[]> {
    for (;;) {
      signal?.throwIfAborted();
      try {
        return (await this.#pool.query<R>(text, [...values])).rows;
      } catch (error) {
        // 22, 23, 42: what was asked is wrong, and will be wrong again
        const state = error instanceof pg.DatabaseError ? (error.code ?? "") : "";
        if (/^(2|42)/.test(state)) throw error;
        await later(20);
      }
    }
  }
}

/** Insert of a transactional verb, through the transaction of the log. */
export const TRANSACTIONAL_EFFECT =
  "INSERT INTO world.effects VALUES (gen_random_uuid(), 'transactional', $1, $2, $3, $4, $5, true)";

/** What a class forbids and happened all the same. */
export function doubledEffects(rows: readonly WorldRow[]): readonly string[] {
  const problems: string[] = [];
  for (const [name, calls] of byStep(rows)) {
    const applied = calls.filter((call) => call.applied);
    const [first] = calls;
    if (applied.length > 1) problems.push(`${name} (${first?.cls ?? ""}) took effect ${applied.length} times`);
    const keys = new Set(calls.map((call) => call.key));
    if (keys.size > 1) problems.push(`${name} was called under ${keys.size} idempotency keys`);
  }
  return problems;
}

function byStep(rows: readonly WorldRow[]): ReadonlyMap<string, readonly WorldRow[]> {
  const groups = new Map<string, WorldRow[]>();
  for (const row of rows) {
    const name = `${row.run}/${row.step}`;
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  return groups;
}
