import type { Pool } from "pg";
import type { StoredEvent } from "../../src/model/event.js";
import { describe, expect, test } from "vitest";
import { eventOf } from "../../src/history/read-event.js";
import { verifyChain } from "../../src/history/verify-chain.js";
import { migrate } from "../../src/postgres/migrate.js";
import { PostgresProjections } from "../../src/postgres/postgres-projections.js";
import { PostgresRetention } from "../../src/postgres/postgres-retention.js";
import { dropPayloads } from "../../src/stores/drop-payloads.js";
import type { MemoryStores } from "../../src/stores/memory/memory-stores.js";
import { memoryStores } from "../../src/stores/memory/memory-stores.js";
import { completed, entered, runCompleted, SampleRun } from "../../src/testing/store-contract/sample-run.js";
import { bareDatabase, freshSchema, refusal, testPool } from "./fresh-schema.js";
import { makeRoles } from "./roles.js";

interface Copied {
  readonly pool: Pool;
  readonly schema: string;
  readonly run: SampleRun;
  readonly stores: MemoryStores;
  /** Brings events that are new in memory to PostgreSQL. */
  readonly copy: () => Promise<void>;
  /** What PostgreSQL has. */
  readonly read: () => Promise<readonly StoredEvent[]>;
}

/** A run in memory whose log is copied to PostgreSQL row by row. */
async function copied(isEnded: boolean): Promise<Copied> {
  const pool = testPool();
  const schema = freshSchema(pool);
  await migrate(pool, { schema });
  const stores = memoryStores();
  const run = new SampleRun(1);
  await run.submit(stores);
  await run.start(stores);
  await run.commit(stores, [entered("a"), completed("a"), entered("b"), completed("b"), ...(isEnded ? [runCompleted] : [])]);
  const { rows } = await pool.query<{ id: string }>(
    `INSERT INTO "${schema}".streams (scope, stream) VALUES ('default', $1) RETURNING id`,
    [run.stream],
  );
  const id = rows[0]?.id;
  const copy = async (): Promise<void> => {
    for await (const e of stores.reader.read("default", run.stream)) {
      const values = [id, e.at, e.seq, e.epoch, e.v, e.kind, e.payloadDigest, e.hash, e.payloadText];
      const row = "$1, $2, $3, $4, $5, $6, decode($7, 'hex'), decode($8, 'hex'), $9";
      await pool.query(`INSERT INTO "${schema}".event_rows SELECT ${row} ON CONFLICT DO NOTHING`, values);
    }
    await new PostgresProjections(bareDatabase(pool, schema)).rebuild("default");
  };
  const read = async (): Promise<readonly StoredEvent[]> => {
    const found = await pool.query<{ seq: number; payload: string | null }>(
      `SELECT seq, payload FROM "${schema}".event_rows ORDER BY seq`,
    );
    const events: StoredEvent[] = [];
    for await (const event of stores.reader.read("default", run.stream)) {
      const row = found.rows[event.seq - 1];
      events.push({ ...event, payloadText: row?.payload ?? "" });
    }
    expect(found.rows).toHaveLength(events.length);
    return events;
  };
  await copy();
  return { pool, schema, run, stores, copy, read };
}

describe("retention by tombstone (decisions 4.2 and 4.3)", () => {
  test("says first what goes, drops the payloads, keeps digests and hashes: integrity ok, completeness partial", async () => {
    const { pool, schema, run, stores, copy, read } = await copied(true);
    const inPostgres = new PostgresRetention(bareDatabase(pool, schema));
    const drop = async (scope: string, stream: StoredEvent["stream"]): Promise<number> => {
      await copy();
      return inPostgres.drop(scope, stream);
    };
    const range = { scope: "default", runId: run.runId, fromSeq: 1, toSeq: 5, reason: "30 days" };
    expect(await dropPayloads({ ...stores, retention: { drop } }, range)).toBe(2);
    const events = await read();
    const gone = events.filter(({ payloadText }) => payloadText === "").map(({ seq, kind }) => [seq, kind]);
    expect(gone).toHaveLength(2);
    expect(gone.every(([, kind]) => String(kind).startsWith("step."))).toBe(true);
    const last = events.at(-1);
    expect(last).toMatchObject({ kind: "payload.dropped", payloadText: '{"fromSeq":1,"reason":"30 days","toSeq":5}' });
    expect(verifyChain("default", run.stream, events)).toMatchObject({
      integrity: "ok",
      completeness: "partial",
      head: { hash: last?.hash },
    });
    const dropped = events.find(({ payloadText }) => payloadText === "");
    expect(dropped === undefined ? null : eventOf(dropped)).toMatchObject({ kind: "unknown:step.entered", payload: null });
    // again: nothing is left to drop, and heads are computed from what stayed
    expect(await inPostgres.drop("default", run.stream)).toBe(0);
    expect(await new PostgresProjections(bareDatabase(pool, schema)).rebuild("default")).toEqual({ streams: 1 });
    const { rows } = await pool.query(`SELECT status, queue, labels->>'team' AS team FROM "${schema}".runs`);
    expect(rows).toEqual([{ status: "completed", queue: "default", team: "blue" }]);
    const shown = await pool.query(`SELECT seq FROM "${schema}".events WHERE is_dropped AND payload IS NULL`);
    expect(shown.rows).toHaveLength(2);
  });

  test("leaves a run that has not ended alone", async () => {
    const { pool, schema, run, stores } = await copied(false);
    const inPostgres = new PostgresRetention(bareDatabase(pool, schema));
    expect(await inPostgres.drop("default", run.stream)).toBe(-1);
    expect(await inPostgres.drop("default", "run/none")).toBe(-1);
    const range = { scope: "default", runId: run.runId, fromSeq: 1, toSeq: 5, reason: "30 days" };
    await expect(dropPayloads({ ...stores, retention: inPostgres }, range)).rejects.toMatchObject({ code: "run.not_at_rest" });
  });

  test("lets nothing else through, whatever a transaction says of itself, and nothing at all for the application's role", async () => {
    const { pool, schema, run, stores, copy } = await copied(true);
    const table = `"${schema}".event_rows`;
    const asRetention = (sql: string): Promise<string | null> =>
      refusal(
        pool
          .query(`BEGIN; SELECT set_config('runseal.retention', '${schema}', true); ${sql}; COMMIT`)
          .finally(() => pool.query("ROLLBACK")),
      );
    const attempts = [
      `UPDATE ${table} SET payload = NULL WHERE seq = 4`,
      `UPDATE ${table} SET payload = '{}' WHERE seq = 4`,
      `UPDATE ${table} SET hash = payload_digest WHERE seq = 4`,
      `UPDATE ${table} SET payload = NULL, kind = 'step.failed' WHERE seq = 4`,
      `UPDATE ${table} SET payload = NULL WHERE kind = 'run.submitted'`,
      `DELETE FROM ${table}`,
      `TRUNCATE ${table}`,
    ];
    for (const sql of attempts) expect(await asRetention(sql), sql).toBe("RS001");
    const none = { drop: (): Promise<number> => copy().then(() => 0) };
    await dropPayloads({ ...stores, retention: none }, { scope: "default", runId: run.runId, fromSeq: 1, toSeq: 5, reason: "x" });
    for (const sql of attempts.slice(1)) expect(await asRetention(sql), sql).toBe("RS001");
    expect(await refusal(pool.query(attempts[0] ?? ""))).toBe("RS001");
    expect(await asRetention(attempts[0] ?? "")).toBeNull();
    const { app } = await makeRoles(pool, schema);
    expect(await refusal(app.query(attempts[0] ?? ""))).toBe("42501");
    const asApp = new PostgresRetention(bareDatabase(app, schema));
    await expect(asApp.drop("default", run.stream)).rejects.toMatchObject({ code: "store.permission" });
  });

  test.each([
    [{ fromSeq: 0 }, "fromSeq"],
    [{ fromSeq: 1.5 }, "fromSeq"],
    [{ toSeq: 0 }, "toSeq"],
    [{ toSeq: 1_000 }, "toSeq"],
  ])("refuses the range %j", async (over, option) => {
    const stores = memoryStores();
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.start(stores);
    await run.commit(stores, [runCompleted]);
    const retention = { drop: (): Promise<number> => Promise.resolve(0) };
    const range = { scope: "default", runId: run.runId, fromSeq: 1, toSeq: 1, reason: "x", ...over };
    const refused = { code: "run.invalid_option", details: { option } };
    await expect(dropPayloads({ ...stores, retention }, range)).rejects.toMatchObject(refused);
    await expect(dropPayloads(stores, range)).rejects.toMatchObject({ details: { option: "stores" } });
    await expect(dropPayloads({ ...stores, retention }, { ...range, runId: new SampleRun(2).runId })).rejects.toMatchObject({
      code: "run.not_found",
    });
  });
});
