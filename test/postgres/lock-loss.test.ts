import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { allowAll, createCatalog, createRunseal, defineMacro, defineVerb, isRunsealError, subject } from "runseal";
import { migrate, postgresStores } from "runseal/postgres";
import { lockKeyOf } from "../../src/history/lock-requests.js";
import { OpenSchema } from "./open-schema.js";

const schema = new OpenSchema();
const pool = schema.pool();

const move = defineVerb({
  name: "money.move",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ account: subject("account", "write"), cents: z.int() }),
  result: z.object({ cents: z.int() }),
});
const twice = defineMacro({
  name: "money.twice",
  version: 1,
  params: z.object({ account: subject("account") }),
  body: ({ params, step }) => {
    const first = step("first", move, { account: params.account, cents: 1 });
    step("second", move, { account: params.account, cents: 2 }, { after: [first] });
  },
});

beforeAll(() => migrate(pool, { schema: schema.name }).then(() => undefined));
afterAll(() => schema.drop());

describe("a run whose lock session is ended while it is at work", () => {
  test("ends as lock.lost, and no step is entered after that (X.5-9, X17, decision 3.7)", async () => {
    const owner = `loser/${schema.name}`.slice(0, 60);
    const stores = postgresStores(pool, { schema: schema.name, owner });
    const calls: number[] = [];
    const runseal = createRunseal({
      catalog: createCatalog({ verbs: [move], macros: [twice] }),
      handlers: {
        "money.move": async ({ cents }, ctx) => {
          calls.push(cents);
          const held = await pool.query(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()",
          );
          const mine = await pool.query("SELECT pid FROM pg_stat_activity WHERE application_name = $1", [
            `runseal/${owner}`.slice(0, 63),
          ]);
          const pids = new Set(held.rows.map((row: { pid: number }) => row.pid));
          for (const { pid } of mine.rows as { pid: number }[]) {
            expect(pids.has(pid)).toBe(true);
            await pool.query("SELECT pg_terminate_backend($1)", [pid]);
          }
          await new Promise<void>((resolve) => {
            if (ctx.signal.aborted) resolve();
            else ctx.signal.addEventListener("abort", () => resolve(), { once: true });
          });
          return { cents };
        },
      },
      stores,
      policy: allowAll(),
    });
    const outcome = await runseal.compile({ name: "money.twice", args: { account: "a-1" } }, { intent: "x" });
    if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
    const run = await runseal.execute(outcome.runbook.id);
    expect(await run.result()).toMatchObject({ status: "failed", code: "lock.lost" });
    expect(calls).toEqual([1]);
    const kinds: string[] = [];
    for await (const event of run.events()) kinds.push(event.kind);
    expect(kinds.slice(kinds.indexOf("lock.lost"))).not.toContain("step.entered");
    expect((await runseal.verify(run.runId)).integrity).toBe("ok");
    await runseal.close();
  });
});

describe("locks over PostgreSQL", () => {
  test("have one key for one entity on every machine: the first 8 bytes of a SHA-256 (X14, decision 3.5)", () => {
    expect(lockKeyOf("default", { kind: "account", id: "a-1" })).toBe("c73f5c01b2cd06b8");
    expect(lockKeyOf("other", { kind: "account", id: "a-1" })).not.toBe(lockKeyOf("default", { kind: "account", id: "a-1" }));
  });

  test("share one deadline, however many there are (X16, A-132)", async () => {
    const [holder, waiter] = [postgresStores(pool, { schema: schema.name }), postgresStores(pool, { schema: schema.name })];
    const runbookId = `rb_${"0".repeat(64)}` as const;
    const request = (id: string) => ({ key: lockKeyOf("default", { kind: "k", id }), kind: "k", id, access: "write" as const });
    const requests = ["a", "b", "c", "d"].map(request).sort((a, b) => (a.key < b.key ? -1 : 1));
    const by = (runId: string, stores: typeof holder) => ({ scope: "default", runId, runbookId, holder: stores.owner });
    const held = await holder.locks.acquire(requests, { deadlineMs: 1_000, owner: by("run-1", holder) });
    const error: unknown = await waiter.locks
      .acquire(requests, { deadlineMs: 200, owner: by("run-2", waiter) })
      .catch((thrown: unknown) => thrown);
    if (!isRunsealError(error, "lock.contention")) throw new TypeError(String(error));
    expect(error.details.holder).toBe("run-1");
    expect(error.details.waitedMs).toBeGreaterThanOrEqual(200);
    // four deadlines would be 800 ms, and a full second was the first one's
    expect(error.details.waitedMs).toBeLessThan(800);
    await held.release();
    await holder.close();
    await waiter.close();
  });

  test("what is hashed lies as text or bytes: no truth table has a jsonb column (A-115, decision 4.5)", async () => {
    const { rows } = await pool.query(
      `SELECT table_name, column_name FROM information_schema.columns c WHERE table_schema = $1 AND data_type IN ('json', 'jsonb')
        AND table_name IN (SELECT event_object_table FROM information_schema.triggers WHERE trigger_schema = $1)`,
      [schema.name],
    );
    expect(rows).toEqual([]);
  });
});
