import { describe, expect, test } from "vitest";
import type { EngineParts } from "../../src/engine/parts.js";
import type { StepContext } from "../../src/model/step-context.js";
import type { StepSketch } from "./build-runbook.js";
import type { StreamWrite } from "../../src/stores/event-store.js";
import { CRASHES_MAX } from "../../src/engine/decide.js";
import { MemoryTransaction } from "../../src/stores/memory/memory-transaction.js";
import { Rig, rested } from "./rig.js";
import { RunsealError } from "../../src/errors/error.js";
import { buildRunbook, resultOf } from "./build-runbook.js";
import { cancelMessage } from "../../src/engine/inbox-message.js";
import { memoryStores } from "../../src/stores/memory/memory-stores.js";

type Run = (args: unknown, ctx: StepContext) => Promise<unknown>;

const RETRY = { attemptsMax: 2, baseMs: 10, maxMs: 20 };
const forever = (): Promise<never> => new Promise(() => undefined);

/** The host's own table. */
const tables = (): Map<string, number> => new Map();

function txOf(ctx: StepContext): MemoryTransaction {
  if (!(ctx.tx instanceof MemoryTransaction)) throw new TypeError("no transaction");
  return ctx.tx;
}

function add(ctx: StepContext, table: Map<string, number>, key: string): void {
  txOf(ctx).set(table, key, (table.get(key) ?? 0) + 1);
}

function transactional(step: Partial<StepSketch> = {}): StepSketch {
  return { id: "a", effect: "write", transactional: true, retry: RETRY, ...step };
}

async function executeOne(
  run: Run,
  step: Partial<StepSketch> = {},
): Promise<{ rig: Rig; runId: string; end: ReturnType<typeof rested> }> {
  const rig = new Rig({ verbs: { "test.work": { run } } });
  const runbook = buildRunbook({ steps: [transactional(step)], output: resultOf("a") });
  const runId = await rig.submit(runbook);
  return { rig, runId, end: rested(await rig.drive(runbook, runId)) };
}

/** The commits of stores: kinds of their events, and whether they were part of a transaction. */
function watched(stores: EngineParts["stores"]): { stores: EngineParts["stores"]; commits: string[] } {
  const commits: string[] = [];
  const { events } = stores;
  const tell = (writes: readonly StreamWrite[], isInside: boolean): void => {
    commits.push(`${isInside ? "inside: " : ""}${writes.flatMap((write) => write.events.map(({ kind }) => kind)).join(" ")}`);
  };
  return {
    commits,
    stores: {
      ...stores,
      events: {
        commit: (writes, options) => {
          tell(writes, options?.tx !== undefined);
          return events.commit(writes, options);
        },
        commitMany: (commits) => events.commitMany(commits),
      },
    },
  };
}

describe("a transactional step (decision 3.12)", () => {
  test("works in the transaction that records its completion: fenced, then effect and completion together", async () => {
    const table = tables();
    const { stores, commits } = watched(memoryStores());
    const run: Run = async (_, ctx) => {
      add(ctx, table, "row");
      ctx.set("seen", "yes");
      await ctx.emit("row.added", { row: 1 });
      await ctx.progress(1, 1);
      const id = await ctx.putArtifact("note", "kept");
      expect(new TextDecoder().decode(await ctx.getArtifact(id))).toBe("kept");
      return (await ctx.uuid()).length;
    };
    const rig = new Rig({ verbs: { "test.work": { run } }, stores });
    const runbook = buildRunbook({
      steps: [transactional(), { id: "b", dependsOn: ["a"], verb: "test.after" }],
      output: resultOf("a"),
    });
    const after = new Rig({
      env: rig.env,
      stores,
      verbs: { "test.work": { run }, "test.after": { run: async (_, ctx) => ctx.tx ?? "none" } },
    });
    const runId = await after.submit(runbook);
    const { result } = rested(await after.drive(runbook, runId));
    expect(result).toMatchObject({ status: "completed", output: 36 });
    expect(table).toEqual(new Map([["row", 1]]));
    expect(commits).toEqual([
      "run.submitted",
      "lease.taken run.started step.entered",
      "inside: ",
      "inside: domain progress artifact.written fact.recorded step.completed artifact.written",
      "step.entered step.completed artifact.written run.completed",
    ]);
  });

  test("that throws leaves nothing of it: the failure is recorded outside, and the next attempt starts anew", async () => {
    const table = tables();
    const { rig, runId, end } = await executeOne(async (_, ctx) => {
      add(ctx, table, "row");
      if (ctx.attempt === 1) throw new TypeError("changed my mind");
      return table.get("row");
    });
    expect(end.result).toMatchObject({ status: "completed", output: 1 });
    expect(table).toEqual(new Map([["row", 1]]));
    expect((await rig.story(runId)).filter((line) => line.startsWith("step."))).toEqual([
      "step.entered a 1",
      "step.failed a 1 step.handler_threw again",
      "step.retry_scheduled a 2",
      "step.entered a 2",
      "step.completed a 2",
    ]);
  });

  test.each(["manual", "reconcile"] as const)(
    "of recovery class %s is never in doubt: what failed was rolled back, so it is tried again",
    async (recovery) => {
      const table = tables();
      const { rig, runId, end } = await executeOne(
        async (_, ctx) => {
          add(ctx, table, "row");
          if (ctx.attempt === 1) return forever();
          return table.get("row");
        },
        { recovery, timeoutMs: 100 },
      );
      expect(end.result).toMatchObject({ status: "completed", output: 1 });
      expect((await rig.story(runId)).filter((line) => line.startsWith("step.failed"))).toEqual([
        "step.failed a 1 step.timeout again",
      ]);
    },
  );

  test("whose result can't be stored has failed and left nothing, and is not in doubt", async () => {
    const table = tables();
    const { end } = await executeOne(async (_, ctx) => {
      add(ctx, table, "row");
      return Number.NaN;
    });
    expect(end.result).toMatchObject({ status: "failed", code: "step.result_invalid", stepId: "a" });
    expect(table.size).toBe(0);
  });

  test("has less than 5 s whatever its own timeout says, and what it does afterwards is refused", async () => {
    const table = tables();
    let late: unknown;
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: async (_, ctx) => {
            add(ctx, table, "row");
            await held;
            try {
              add(ctx, table, "row");
            } catch (error) {
              late = error;
            }
            return null;
          },
        },
      },
    });
    const runbook = buildRunbook({ steps: [transactional({ retry: { ...RETRY, attemptsMax: 1 } })] });
    const runId = await rig.submit(runbook);
    const before = rig.env.now();
    const { result } = rested(await rig.drive(runbook, runId));
    expect(result).toMatchObject({ status: "failed", code: "store.transaction_timeout" });
    expect(rig.env.now() - before).toBeLessThan(5_000);
    go();
    await rig.env.settle();
    expect(late).toMatchObject({ code: "store.transaction_ended" });
    expect(table.size).toBe(0);
  });

  test.each<[string, (ctx: StepContext) => unknown]>([
    ["park", (ctx) => ctx.park()],
    ["fact", (ctx) => ctx.fact("k", () => 1)],
    ["io.call", (ctx) => ctx.io.call({ namespace: "http", request: {} })],
    ["child", (ctx) => ctx.child("rb_x", { key: "k" })],
  ])("can't call ctx.%s, and goes on when it catches that", async (call, use) => {
    const caught: unknown[] = [];
    const table = tables();
    const { end } = await executeOne(async (_, ctx) => {
      add(ctx, table, "row");
      if (ctx.attempt === 1) await use(ctx);
      try {
        await use(ctx);
      } catch (error) {
        caught.push(error);
      }
      return table.get("row");
    });
    expect(end.result).toMatchObject({ status: "failed", code: "context.in_transaction" });
    expect(caught).toEqual([]);
    expect(table.size).toBe(0);
    const second = await executeOne(async (_, ctx) => {
      try {
        await use(ctx);
      } catch (error) {
        caught.push(error);
      }
      return 1;
    });
    expect(second.end.result).toMatchObject({ status: "completed" });
    expect(caught).toEqual([expect.objectContaining({ code: "context.in_transaction", details: { stepId: "a", call } })]);
  });

  test("that calls the stores beside its transaction is refused at once, and does not wait for itself", async () => {
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: async (_, ctx) => {
            await rig.stores.inbox.put({ scope: "default", runId: ctx.runId, key: "k", kind: "signal", payload: 1 });
            return null;
          },
        },
      },
    });
    const runbook = buildRunbook({ steps: [transactional()] });
    const before = rig.env.now();
    const { result } = rested(await rig.execute(runbook));
    expect(result).toMatchObject({ status: "failed", code: "store.in_transaction" });
    expect(rig.env.now()).toBe(before);
  });

  test("that waits for something that waits for its transaction is ended by the limit, and the other goes on", async () => {
    let told = (): void => undefined;
    const isTold = new Promise<void>((resolve) => {
      told = resolve;
    });
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: async (_, ctx) => {
            if (ctx.attempt === 1) await isTold;
            return "after all";
          },
        },
        "test.tell": {
          run: async (_, ctx) => {
            await ctx.fact("learnt", () => 1);
            told();
            return null;
          },
        },
      },
    });
    const runbook = buildRunbook({
      steps: [transactional(), { id: "b", effect: "read", verb: "test.tell" }],
      output: resultOf("a"),
    });
    const runId = await rig.submit(runbook, { concurrency: 2 });
    const { result } = rested(await rig.drive(runbook, runId));
    expect(result).toMatchObject({ status: "completed", output: "after all" });
    expect((await rig.story(runId)).filter((line) => line.startsWith("step.failed"))).toEqual([
      "step.failed a 1 store.transaction_timeout again",
    ]);
  });

  test("beside others of its run: each has its transaction, and what the others record in between is not lost", async () => {
    const table = tables();
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: async (_, ctx) => {
            add(ctx, table, ctx.stepId);
            await rig.env.sleep(20);
            return table.get(ctx.stepId);
          },
        },
        "test.tell": {
          run: async (_, ctx) => {
            await rig.env.sleep(5);
            await ctx.emit("told.once", {});
            return ctx.fact("learnt", () => 7);
          },
        },
      },
    });
    const steps = [transactional(), transactional({ id: "b" }), { id: "c", effect: "read", verb: "test.tell" } as const];
    const runbook = buildRunbook({ steps, output: resultOf("c") });
    const runId = await rig.submit(runbook, { concurrency: 3 });
    expect(rested(await rig.drive(runbook, runId)).result).toMatchObject({ status: "completed", output: 7 });
    expect(table).toEqual(
      new Map([
        ["a", 1],
        ["b", 1],
      ]),
    );
    const kinds = (await rig.events(runId)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => ["step.completed", "fact.recorded", "domain"].includes(kind)).sort()).toEqual([
      "domain",
      "fact.recorded",
      "step.completed",
      "step.completed",
      "step.completed",
    ]);
  });

  test("of a run that is canceled meanwhile keeps the message waiting, is ended by its limit, and leaves nothing", async () => {
    const table = tables();
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: async (_, ctx) => {
            add(ctx, table, "row");
            return forever();
          },
        },
      },
    });
    const runbook = buildRunbook({ steps: [transactional()] });
    const runId = await rig.submit(runbook);
    const { end } = await rig.begin(runbook, runId);
    expect(table.get("row")).toBe(1);
    const put = rig.put(cancelMessage("default", runId, { reason: "enough", by: null }));
    expect(rested(await rig.env.until(end)).result.status).toBe("canceled");
    expect(await put).toBe("stored");
    expect(table.size).toBe(0);
  });

  test("of a process that has lost the run is not called at all: the fence is checked inside", async () => {
    const calls: number[] = [];
    const gone = new Set<string>();
    const stores = memoryStores({ ownerAlive: (owner) => !gone.has(owner) });
    const { transactions } = stores;
    const other = new Rig({
      stores: memoryStores({ sharedWith: stores }),
      verbs: { "test.work": { run: async () => "by the other" } },
    });
    const runbook = buildRunbook({ steps: [transactional()], output: resultOf("a") });
    const rig = new Rig({
      env: other.env,
      stores: {
        ...stores,
        transactions: {
          run: async (work) => {
            gone.add(stores.owner);
            await other.claim(runbook, runId, "recovered");
            return transactions.run(work);
          },
        },
      },
      verbs: {
        "test.work": {
          run: async () => {
            calls.push(1);
            return null;
          },
        },
      },
    });
    const runId = await rig.submit(runbook);
    expect(await rig.drive(runbook, runId)).toMatchObject({ kind: "lost", error: { code: "lease.stale" } });
    expect(calls).toEqual([]);
  });

  test("whose transaction the store can't begin has failed and may be tried again; nothing was called", async () => {
    const stores = memoryStores();
    let tries = 0;
    const rig = new Rig({
      stores: {
        ...stores,
        transactions: {
          run: (work) => {
            tries += 1;
            if (tries === 1) throw new RunsealError("store.busy", "held by somebody", { waitedMs: 5_000 });
            return stores.transactions.run(work);
          },
        },
      },
      verbs: { "test.work": { run: async (_, ctx) => ctx.attempt } },
    });
    const runbook = buildRunbook({ steps: [transactional()], output: resultOf("a") });
    expect(rested(await rig.execute(runbook)).result).toMatchObject({ status: "completed", output: 2 });
  });

  test("whose commit has an unknown end is not recorded as failed: the run is given up here, and its log says what happened", async () => {
    for (const isCommitted of [true, false]) {
      const table = tables();
      const gone = new Set<string>();
      const stores = memoryStores({ ownerAlive: (owner) => !gone.has(owner) });
      const lost = new RunsealError("store.failed", "the answer was lost", { call: "transactions.run" });
      const verbs = {
        "test.work": {
          run: async (_: unknown, ctx: StepContext) => {
            add(ctx, table, "row");
            return ctx.attempt;
          },
        },
      };
      const rig = new Rig({
        stores: {
          ...stores,
          transactions: {
            run: async (work) => {
              await stores.transactions.run(async (tx) => {
                await work(tx);
                if (!isCommitted) throw lost;
              });
              throw lost;
            },
          },
        },
        verbs,
      });
      const runbook = buildRunbook({ steps: [transactional({ recovery: "manual" })], output: resultOf("a") });
      const runId = await rig.submit(runbook);
      await expect(rig.drive(runbook, runId)).rejects.toBe(lost);
      gone.add(stores.owner);
      const next = new Rig({ env: rig.env, stores: memoryStores({ sharedWith: stores }), verbs });
      const { result } = rested(await next.drive(runbook, runId, {}, "recovered"));
      expect(result).toMatchObject({ status: "completed", output: isCommitted ? 1 : 2 });
      expect(table).toEqual(new Map([["row", 1]]));
    }
  });
});

describe("a transactional step that a crash cut off", () => {
  test.each(["idempotent", "reconcile", "manual"] as const)(
    "of recovery class %s is run again without asking anybody: without its completion there is no effect (decision 3.11)",
    async (recovery) => {
      const table = tables();
      const gone = new Set<string>();
      const runbook = buildRunbook({ steps: [transactional({ recovery })], output: resultOf("a") });
      const first = new Rig({
        ownerAlive: (owner) => !gone.has(owner),
        verbs: {
          "test.work": {
            run: async (_, ctx) => {
              add(ctx, table, "row");
              return forever();
            },
          },
        },
      });
      const runId = await first.submit(runbook);
      const abandon = new AbortController();
      const { end } = await first.begin(runbook, runId, { abandon: abandon.signal });
      gone.add(first.stores.owner);
      abandon.abort();
      expect((await end).kind).toBe("lost");
      expect(table.size).toBe(0);
      const verbs = {
        "test.work": {
          run: async (_: unknown, ctx: StepContext) => {
            add(ctx, table, "row");
            return table.get("row");
          },
        },
      };
      const second = new Rig({ sharedWith: first, verbs });
      expect(rested(await second.drive(runbook, runId, {}, "recovered")).result).toMatchObject({
        status: "completed",
        output: 1,
      });
      expect((await second.story(runId)).filter((line) => line.startsWith("step."))).toEqual([
        "step.entered a 1",
        "step.failed a 1 orphan_attempt_recovered again",
        "step.entered a 2",
        "step.completed a 2",
      ]);
      expect(CRASHES_MAX).toBeGreaterThan(1);
    },
  );
});
