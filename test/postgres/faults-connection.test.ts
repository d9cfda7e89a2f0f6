import { once } from "node:events";
import { isDeepStrictEqual } from "node:util";
import type { Pool } from "pg";
import { afterAll, afterEach, beforeEach, describe, expect, inject, onTestFinished, test } from "vitest";
import { isRunsealError } from "../../src/errors/error.js";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { entered, SampleRun } from "../../src/testing/store-contract/sample-run.js";
import { postgresStores } from "../../src/postgres/postgres-stores.js";
import { compiled, openShop } from "../instance/shop.js";
import { adminPool, intactEvents, openProxy, openStores } from "./fault-ground.js";
import { OpenSchema } from "./open-schema.js";

const SLOW = { timeout: 40_000 };
const url = inject("databaseUrl");
/** Where a transaction finds that nobody answers, and whether that is within its work. */
const silentAt = [
  ["BEGIN", false],
  ["the work, so that ROLLBACK never answers", true],
] as const;
const schemas: OpenSchema[] = [];
const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);

function schemaOf(): string {
  const schema = new OpenSchema();
  schemas.push(schema);
  return schema.name;
}

/** Makes a schema, which takes longer than the statements of a test may. */
async function prepared(schema: string): Promise<string> {
  await openStores(url, schema).stores.leases.now();
  return schema;
}

/** Ends every session of a pool, and waits until they are gone. */
async function endSessions(admin: Pool, name: string): Promise<void> {
  const left = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
  expect((await admin.query(left, [name])).rowCount).toBeGreaterThan(0);
  await eventually("the sessions are gone", async () => (await admin.query(left, [name])).rowCount === 0);
}

beforeEach(() => {
  process.on("uncaughtException", note).on("unhandledRejection", note);
});
afterEach(() => {
  process.off("uncaughtException", note).off("unhandledRejection", note);
  expect(unhandled.splice(0)).toEqual([]);
});
afterAll(async () => {
  for (const schema of schemas) await schema.drop();
});

describe("a pool", () => {
  test(
    "whose only connection the host keeps: store.pool_exhausted, and all is well when it comes back (reliability row 25)",
    SLOW,
    async () => {
      const schema = schemaOf();
      const { stores, pool } = openStores(url, schema, {}, { max: 1 });
      const run = new SampleRun(1);
      await run.submit(stores);
      const hasty = postgresStores(pool, { schema, busyMs: 60, owner: stores.owner });
      onTestFinished(() => hasty.close());
      const stuck = await pool.connect();
      await expect(run.start(hasty)).rejects.toMatchObject({ code: "store.pool_exhausted", details: { waitedMs: 60 } });
      await expect(hasty.leases.now()).rejects.toMatchObject({ code: "store.pool_exhausted" });
      stuck.release();
      await eventually("the connection is free", () => pool.waitingCount === 0);
      await run.start(stores);
      expect(await intactEvents(stores, run)).toHaveLength(3);
    },
  );

  test("of one connection is enough for a run: handlers hold none (reliability rows 25 and 34)", SLOW, async () => {
    const admin = adminPool(url);
    const name = `one ${schemaOf()}`.slice(0, 60);
    const { stores, pool } = openStores(url, schemaOf(), {}, { max: 1, application_name: name });
    const seen: unknown[] = [];
    const reserve = async ({ item }: { item: string }): Promise<unknown> => {
      const text = "SELECT state, xact_start FROM pg_stat_activity WHERE application_name = $1";
      seen.push(...(await admin.query<object>(text, [name])).rows);
      expect(pool.idleCount).toBe(1);
      return { reservation: item };
    };
    const { runseal } = openShop({ stores, answers: { "stock.reserve": reserve } });
    onTestFinished(() => runseal.close());
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["a", "b", "c"] });
    const { runId } = await runseal.submit(runbook.id);
    await runseal.resume(runId);
    const statusOf = async (): Promise<unknown> => (await stores.reader.head("default", `run/${runId}`))?.run?.status;
    await eventually("it is completed", async () => (await statusOf()) === "completed");
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(seen.filter((session) => !isDeepStrictEqual(session, { state: "idle", xact_start: null }))).toEqual([]);
  });
});

describe("a backend that is ended", () => {
  test(
    "between two statements is replaced, and the run goes on; the process hears no stray error (reliability row 26)",
    SLOW,
    async () => {
      const admin = adminPool(url);
      const schema = schemaOf();
      const { stores } = openStores(url, schema, {}, { application_name: schema });
      const run = new SampleRun(1);
      await run.submit(stores);
      await run.start(stores);
      await endSessions(admin, schema);
      await run.commit(stores, [entered("a")]);
      expect(await intactEvents(stores, run)).toHaveLength(4);
    },
  );

  test(
    "under a transaction that is idle in our hands costs that transaction alone, with a code (reliability row 26)",
    SLOW,
    async () => {
      const admin = adminPool(url);
      const schema = schemaOf();
      const { stores, pool } = openStores(url, schema, {}, { application_name: schema, max: 2 });
      const run = new SampleRun(1);
      await run.submit(stores);
      const lost = stores.transactions.run(async (tx) => {
        await stores.events.commit([run.claim(stores)], { tx });
        await endSessions(admin, schema);
      });
      await expect(lost).rejects.toMatchObject({ code: "store.connection_lost" });
      expect(await intactEvents(stores, run)).toHaveLength(1);
      await run.start(stores);
      expect(pool.totalCount).toBeLessThanOrEqual(2);
    },
  );
});

describe("a network that swallows everything", () => {
  test(
    "costs a statement its limit, no more, and the commit is settled over another connection (reliability row 28)",
    SLOW,
    async () => {
      const schema = schemaOf();
      const { proxy, url: through } = await openProxy(url);
      await prepared(schema);
      const { stores, pool } = openStores(through, schema, { statementMs: 2_000 }, { max: 1 });
      const run = new SampleRun(1);
      await run.submit(stores);
      await run.start(stores, 600_000);
      proxy.blackHole(true);
      const givenUp = once(pool, "remove");
      const committing = run.commit(stores, [entered("a")]);
      await givenUp;
      proxy.blackHole(false);
      await committing;
      expect(await intactEvents(stores, run)).toHaveLength(4);
    },
  );

  test.each(silentAt)("under a transaction is noticed: at %s (reliability rows 27 and 28)", SLOW, async (_what, inWork) => {
    const { proxy, url: through } = await openProxy(url);
    const schema = await prepared(schemaOf());
    const { stores, pool } = openStores(through, schema, { statementMs: 1_500, busyMs: 1_500 }, { max: 1 });
    await stores.leases.now();
    if (!inWork) proxy.blackHole(true);
    const thrown: unknown = await stores.transactions
      .run(async () => {
        proxy.blackHole(true);
        await Promise.reject(new TypeError("the work gives up"));
      })
      .catch((error: unknown) => error);
    if (inWork) expect(thrown).toEqual(new TypeError("the work gives up"));
    else expect(isRunsealError(thrown, "store.connection_lost") && thrown.details.sqlState).toBe("ETIMEDOUT");
    proxy.blackHole(false);
    await eventually("the connection is thrown away", () => pool.totalCount === 0);
    expect(await stores.leases.now()).toBeGreaterThan(0);
  });

  test(
    "at COMMIT, and for longer than we try, leaves a transaction of unknown outcome (reliability rows 20 and 28)",
    SLOW,
    async () => {
      const schema = schemaOf();
      const { proxy, url: through } = await openProxy(url);
      await prepared(schema);
      const { stores } = openStores(through, schema, { busyMs: 2_000 });
      const run = new SampleRun(1);
      await run.submit(stores);
      const away = proxy.trap("COMMIT\0", "drop_reply").then(() => {
        proxy.refuse(true);
        proxy.cut();
      });
      const ending = stores.transactions.run(async (tx) => stores.events.commit([run.claim(stores)], { tx }));
      await expect(ending).rejects.toMatchObject({ code: "store.outcome_unknown" });
      await away;
      proxy.refuse(false);
      expect(await intactEvents(stores, run)).toHaveLength(3);
    },
  );

  test.each(["drop_reply", "drop_request"] as const)(
    "at COMMIT (%s), briefly: the server is asked what became of it (reliability rows 18 and 19)",
    SLOW,
    async (verdict) => {
      const { proxy, url: through } = await openProxy(url);
      const { stores } = openStores(through, schemaOf());
      const run = new SampleRun(1);
      await run.submit(stores);
      const trapped = proxy.trap("COMMIT\0", verdict);
      const ending = stores.transactions.run(async (tx) => (await stores.events.commit([run.claim(stores)], { tx })).kind);
      if (verdict === "drop_reply") expect(await ending).toBe("committed");
      else await expect(ending).rejects.toMatchObject({ code: "store.connection_lost" });
      await trapped;
      expect(await intactEvents(stores, run)).toHaveLength(verdict === "drop_reply" ? 3 : 1);
    },
  );
});

describe("a statement_timeout of the server", () => {
  test(
    "in our statement is told by its code, nothing is written, and the connection serves on (reliability row 33)",
    SLOW,
    async () => {
      const admin = adminPool(url);
      const schema = schemaOf();
      const { stores } = openStores(url, schema, {}, { statement_timeout: 1_000, max: 1 });
      const unlimited = openStores(url, schema).stores;
      const run = new SampleRun(1);
      await run.submit(unlimited);
      const holder = await admin.connect();
      await holder.query(`BEGIN; LOCK TABLE ${schema}.event_rows IN SHARE MODE`);
      await expect(run.start(stores)).rejects.toMatchObject({ code: "store.canceled", details: { sqlState: "57014" } });
      await holder.query("ROLLBACK");
      holder.release();
      await run.start(stores);
      expect(await intactEvents(stores, run)).toHaveLength(3);
    },
  );
});
