import pg from "pg";
import { describe, expect, test } from "vitest";
import { migrate } from "../../src/postgres/migrate.js";
import { postgresStores } from "../../src/postgres/postgres-stores.js";
import { inSchema, schemaName } from "../../src/postgres/schema-name.js";
import { compiled, openShop } from "../instance/shop.js";
import { freshSchema, ownDatabase, testPool } from "./fresh-schema.js";

const LARGE = "x".repeat(40_000);

function openAt(pool: pg.Pool, schema: string) {
  const stores = postgresStores(pool, { schema });
  return openShop({
    stores,
    answers: { "stock.reserve": ({ item }: { item: string }) => ({ reservation: `${item} ${LARGE}` }) },
  });
}

async function story() {
  const pool = testPool();
  const schema = schemaName(freshSchema(pool));
  await migrate(pool, { schema: schema.name });
  const { runseal } = openAt(pool, schema.name);
  const run = await runseal.execute((await compiled(runseal, "order.buy", { order: "o-1", items: ["pen"] })).id);
  expect((await run.result()).status).toBe("completed");
  const head = await runseal.head(run.runId);
  expect(await runseal.verify(run.runId, { head })).toMatchObject({ isSound: true, integrity: "ok" });
  /** A superuser in a replica's session, with every trigger out of the way. */
  const tamper = async (table: string, sql: string): Promise<void> => {
    const text = `SET session_replication_role = replica; ALTER TABLE {{schema}}.${table} DISABLE TRIGGER ALL; ${sql};
      ALTER TABLE {{schema}}.${table} ENABLE TRIGGER ALL; SET session_replication_role = origin`;
    await pool.query(inSchema(schema, text));
  };
  return { runseal, runId: run.runId, head, tamper };
}

const EVENTS = "UPDATE {{schema}}.event_rows SET";

describe("what a superuser changed in a replica's session without triggers is found by verify, which names the event", () => {
  test.each([
    ["a payload (reliability row 60)", `${EVENTS} payload = replace(payload, '{', '{ ') WHERE seq = 3`, 3],
    ["a payload, blanked (row 60)", `${EVENTS} payload = NULL WHERE kind = 'step.completed' AND seq < 8`, null],
    ["an event out of the middle (row 61)", "DELETE FROM {{schema}}.event_rows WHERE seq = 3", null],
    [
      "two events that changed places (row 62)",
      `${EVENTS} seq = 900 WHERE seq = 3; ${EVENTS} seq = 3 WHERE seq = 4; ${EVENTS} seq = 4 WHERE seq = 900`,
      3,
    ],
  ])("%s", async (_what, sql, seq) => {
    const { runseal, runId, tamper } = await story();
    await tamper("event_rows", sql);
    const verdict = await runseal.verify(runId);
    expect(verdict.isSound).toBe(false);
    expect(verdict.integrity).toMatchObject({ seq: seq ?? (expect.any(Number) as number) });
    await runseal.close();
  });

  test.each([
    ["a byte", "bytes = set_byte(bytes, 20, get_byte(bytes, 20) # 1)"],
    ["all of it", "bytes = ''"],
    ["its end", "bytes = substring(bytes FROM 1 FOR length(bytes) - 1)"],
  ])("an artifact that lacks or changed %s (rows 58 and 59)", async (_what, set) => {
    const { runseal, runId, tamper } = await story();
    await tamper("artifacts", `UPDATE {{schema}}.artifacts SET ${set} WHERE length(bytes) > 30000`);
    const verdict = await runseal.verify(runId);
    expect(verdict.isSound).toBe(false);
    expect(verdict.problems.map(({ rule }) => rule)).toContain("artifact_damaged");
    expect(verdict.integrity).toMatchObject({ seq: expect.any(Number) as number });
    await runseal.close();
  });

  test("an end that was cut off is found by a head kept elsewhere (row 61)", async () => {
    const { runseal, runId, head, tamper } = await story();
    await tamper(
      "event_rows",
      `DELETE FROM {{schema}}.event_rows WHERE seq = ${head.seq}
      AND stream_id = (SELECT id FROM {{schema}}.heads WHERE stream = 'run/${runId}')`,
    );
    const verdict = await runseal.verify(runId, { head });
    expect(verdict.isSound).toBe(false);
    expect(verdict.problems.map(({ rule }) => rule)).toContain("log_truncated");
    await runseal.close();
  });
});

test("a database that was restored from an older copy is sound in itself, and found by a head kept elsewhere (reliability row 38)", async () => {
  const admin = testPool();
  const url = await ownDatabase(admin);
  const name = new URL(url).pathname.slice(1);
  const first = new pg.Pool({ connectionString: url });
  await migrate(first, {});
  const before = openShop({ stores: postgresStores(first) });
  const runbook = await compiled(before.runseal, "order.deliver", { order: "o-1" });
  const run = await before.runseal.execute(runbook.id);
  expect((await run.result()).status).toBe("parked");
  const older = await before.runseal.head(run.runId);
  await before.runseal.close();
  await first.end();
  await admin.query(`CREATE DATABASE ${name}_old TEMPLATE ${name}`);
  try {
    const going = new pg.Pool({ connectionString: url });
    const { runseal } = openShop({ stores: postgresStores(going) });
    await runseal.cancel(run.runId);
    const newer = await (await runseal.resume(run.runId)).result().then(() => runseal.head(run.runId));
    expect(newer.seq).toBeGreaterThan(older.seq);
    expect((await runseal.verify(run.runId, { head: newer })).isSound).toBe(true);
    await runseal.close();
    await going.end();
    const restored = new pg.Pool({ connectionString: `${url}_old` });
    const after = openShop({ stores: postgresStores(restored) }).runseal;
    expect(await after.verify(run.runId, { head: older })).toMatchObject({ isSound: true, integrity: "ok" });
    const verdict = await after.verify(run.runId, { head: newer });
    expect(verdict.isSound).toBe(false);
    expect(verdict.problems.map(({ rule }) => rule)).toEqual(["log_truncated"]);
    await after.close();
    await restored.end();
  } finally {
    await admin.query(`DROP DATABASE ${name}_old WITH (FORCE)`);
  }
});
