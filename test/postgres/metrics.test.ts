import { expect, test } from "vitest";
import { postgresStores } from "../../src/postgres/postgres-stores.js";
import { applicationName } from "../../src/postgres/session.js";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { completed, entered, SampleRun } from "../../src/testing/store-contract/sample-run.js";
import { compiled, openShop } from "../instance/shop.js";
import { freshSchema, testPool } from "./fresh-schema.js";
import { accounts } from "./lock-process.js";

const END = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1";

test("stores count what they do: round trips, commits and refusals of them, locks, sessions", async () => {
  const pool = testPool();
  const stores = postgresStores(pool, { schema: freshSchema(pool), migrate: "auto", owner: "counting/1/2/3" });
  expect(new Set(Object.values(stores.metrics()))).toEqual(new Set([0]));
  const [run, other] = [new SampleRun(1), new SampleRun(2)];
  await run.submit(stores);
  await run.start(stores);
  const before = stores.metrics();
  expect(before).toMatchObject({ commits: 2, commitsBatched: 0, conflicts: 0, fenced: 0 });
  await run.commit(stores, [entered("a"), completed("a")]);
  expect(stores.metrics()).toEqual({ ...before, statements: before.statements + 1, commits: 3 });
  expect((await stores.events.commit([{ ...run.submission(), expectedSeq: 1 }])).kind).toBe("conflict");
  expect(stores.metrics()).toMatchObject({ commits: 3, conflicts: 1 });
  await other.submit(stores);
  const [third, fourth] = [new SampleRun(3), new SampleRun(4)];
  const atOnce = stores.metrics();
  await Promise.all([stores.events.commit([third.submission()]), stores.events.commit([fourth.submission()])]);
  expect(stores.metrics()).toMatchObject({ commits: atOnce.commits + 2, commitsBatched: 2, statements: atOnce.statements + 1 });

  const ownerOf = (runId: string) => ({ scope: "default", runId, runbookId: `rb_${runId}` as const, holder: stores.owner });
  const held = await stores.locks.acquire(accounts(["a"]), { deadlineMs: 0, owner: ownerOf("r1") });
  await expect(stores.locks.acquire(accounts(["a"]), { deadlineMs: 0, owner: ownerOf("r2") })).rejects.toMatchObject({
    code: "lock.contention",
  });
  expect(stores.metrics()).toMatchObject({ lockGrants: 1, lockTimeouts: 1, reconnects: 0 });
  expect(stores.metrics().lockMisses).toBeGreaterThanOrEqual(1);
  expect(stores.metrics().sessionStatements).toBeGreaterThanOrEqual(1);
  await pool.query(END, [applicationName(stores.owner)]);
  await eventually("the locks are lost", () => held.lost.aborted);
  await stores.locks.acquire(accounts(["a"]), { deadlineMs: 5_000, owner: ownerOf("r2") });
  expect(stores.metrics()).toMatchObject({ lockGrants: 2, reconnects: 1 });
  await stores.close();
});

test("an instance passes on what its stores count; one whose stores count nothing has nothing", async () => {
  const pool = testPool();
  const stores = postgresStores(pool, { schema: freshSchema(pool), migrate: "auto" });
  const { runseal } = openShop({ stores, observers: [{ name: "deaf", onEvent: () => undefined }] });
  const run = await runseal.execute((await compiled(runseal, "order.buy", { order: "o-1", items: ["pen"] })).id);
  expect((await run.result()).status).toBe("completed");
  expect(runseal.metrics()).toEqual(stores.metrics());
  expect(runseal.metrics()).toMatchObject({ lockGrants: 1, conflicts: 0, fenced: 0, outcomesLost: 0 });
  expect(openShop().runseal.metrics()).toBeUndefined();
  await runseal.close();
});
