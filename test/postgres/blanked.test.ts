import { describe, expect, test } from "vitest";
import { postgresStores } from "../../src/postgres/postgres-stores.js";
import { inSchema, schemaName } from "../../src/postgres/schema-name.js";
import { dropPayloads } from "../../src/stores/drop-payloads.js";
import { compiled, openShop } from "../instance/shop.js";
import { freshSchema, testPool } from "./fresh-schema.js";

function open() {
  const pool = testPool();
  const schema = schemaName(freshSchema(pool));
  const stores = postgresStores(pool, { schema: schema.name, migrate: "auto" });
  const ask = (sql: string) => pool.query(inSchema(schema, sql));
  return { ask, ...openShop({ stores }) };
}

describe("a run over PostgreSQL", () => {
  test("whose payloads retention has dropped verifies with integrity ok and completeness partial (decisions 4.2 and 4.3)", async () => {
    const { stores, runseal } = open();
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["pen", "ink"] });
    const run = await runseal.execute(runbook.id);
    const { status } = await run.result();
    expect(status).toBe("completed");
    const kept = await runseal.head(run.runId);
    expect(await runseal.verify(run.runId, { head: kept })).toMatchObject({
      isSound: true,
      integrity: "ok",
      completeness: "full",
    });
    const range = { scope: "default", runId: run.runId, fromSeq: 1, toSeq: kept.seq, reason: "30 days" };
    expect(await dropPayloads(stores, range)).toBeGreaterThan(3);
    expect(await runseal.verify(run.runId, { head: kept })).toMatchObject({
      integrity: "ok",
      completeness: "partial",
      head: { seq: kept.seq + 1 },
    });
    expect((await runseal.status(run.runId)).status).toBe("completed");
    // it would look as if there were nothing to undo, or nothing done yet
    const gone = { code: "run.payload_dropped", details: { runId: run.runId } };
    await expect(runseal.undoPlan(run.runId)).rejects.toMatchObject(gone);
    await runseal.close();
  });

  test("is not gone on with when the end of a step was blanked: the step would be done again", async () => {
    const { runseal, calls, ask } = open();
    const runbook = await compiled(runseal, "order.deliver", { order: "o-2" });
    const run = await runseal.execute(runbook.id);
    expect((await run.result()).status).toBe("parked");
    await runseal.decide(run.runId, "confirm", {
      verdict: "approve",
      payload: { note: "fine" },
      principal: { issuer: "desk", subject: "ines" },
    });
    const parked = await runseal.resume(run.runId);
    expect((await parked.result()).status).toBe("parked");
    const seq = (await ask("SELECT seq FROM {{schema}}.event_rows WHERE kind = 'step.completed'")).rows[0] as { seq: number };
    await ask(`ALTER TABLE {{schema}}.event_rows DISABLE TRIGGER USER; UPDATE {{schema}}.event_rows SET payload = NULL
      WHERE kind = 'step.completed'`);
    const before = calls.length;
    await expect(runseal.resume(run.runId)).rejects.toMatchObject({
      code: "run.payload_dropped",
      details: { runId: run.runId, seq: seq.seq, kind: "step.completed" },
    });
    expect(calls).toHaveLength(before);
    const verdict = await runseal.verify(run.runId);
    expect(verdict).toMatchObject({ isSound: false, integrity: { seq: seq.seq } });
    await runseal.close();
  });
});
