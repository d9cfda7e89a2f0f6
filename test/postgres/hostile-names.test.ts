import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { allowAll, createRunseal, createWorker, memoryStores } from "runseal";
import type { Runseal, Stores } from "runseal";
import { migrate, postgresLocks, postgresStores } from "runseal/postgres";
import { stubHandlers } from "runseal/testing";
import { answers, shop } from "../instance/shop.js";
import { OpenSchema } from "./open-schema.js";

const schema = new OpenSchema();
const pool = schema.pool();
const NUL = "\0";

/** An instance over stores, as a host has it. */
function open(stores: Stores): Runseal<typeof shop> {
  const { "order.confirm": _gate, ...handlers } = stubHandlers(shop, answers).handlers as Record<string, unknown>;
  return createRunseal({ catalog: shop, handlers: handlers as never, stores, policy: allowAll() });
}
const overPostgres = postgresStores(pool, { schema: schema.name });
const runseal = open(overPostgres);

beforeAll(async () => {
  await migrate(pool, { schema: schema.name });
});
afterAll(async () => {
  await runseal.close();
  await schema.drop();
});

describe("names that no text column keeps (22021, 22P05, reliability section 1)", () => {
  test.each([NUL, "\ud800", `01a1${NUL}`])("a run id %j is that of no run, over every store", async (runId) => {
    const inMemory = open(memoryStores());
    for (const each of [runseal, inMemory]) {
      await expect(each.status(runId)).rejects.toMatchObject({ code: "run.not_found" });
      await expect(each.verify(runId)).rejects.toMatchObject({ code: "run.not_found" });
      await expect(each.cancel(runId, "why")).rejects.toMatchObject({ code: "run.not_found" });
    }
    expect(await overPostgres.reader.head("default", `run/${runId}`)).toBeUndefined();
    await inMemory.close();
  });

  test("do not disturb who asks in the same statement", async () => {
    const run = await runseal.submit(await sealed("beside"));
    const asked = ["run/\0", `run/${run.runId}`, "run/\udc00", `run/${run.runId}`] as const;
    const heads = await Promise.all(asked.map((stream) => overPostgres.reader.head("default", stream)));
    expect(heads.map((head) => head?.run?.runId)).toEqual([undefined, run.runId, undefined, run.runId]);
  });

  test("an entity whose id holds NUL is locked like any other, and shown with a sign for it", async () => {
    const id = `o${NUL}1`;
    await runseal.withLocks([{ kind: "order", id }], async () => {
      const [held] = await postgresLocks(pool, { schema: schema.name }).list();
      expect(held?.entities).toEqual([{ kind: "order", id: "o\u24001", access: "write" }]);
      const run = await runseal.submit(await sealed(id));
      expect((await run.status()).status).toBe("queued");
    });
    const [run] = await runseal.list({ limit: 1 });
    await createWorker(runseal).tick();
    expect((await runseal.status(run?.runId ?? "")).status).toBe("completed");
  });
});

/** A sealed runbook that writes an order. */
async function sealed(order: string): Promise<string> {
  const outcome = await runseal.compile({ name: "order.buy", args: { order, items: ["tea"] } }, { intent: "hostile" });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  return outcome.runbook.id;
}
