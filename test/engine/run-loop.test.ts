import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../src/json/value.js";
import { Rig, rested } from "./rig.js";
import { buildRunbook, resultOf } from "./build-runbook.js";
import { driveRun } from "../../src/engine/drive-run.js";
import { sha256Hex } from "../../src/json/digest.js";

const echo = { run: async (args: unknown) => args as JsonValue };

describe("a run", () => {
  test("executes steps in plan order, hands results on and completes with the output (A-120, A-123, D-071, D-074)", async () => {
    const seen: unknown[] = [];
    const rig = new Rig({
      verbs: {
        "math.add": {
          run: async (args) => {
            seen.push(args);
            const { a, b } = args as { a: number; b: number };
            return { sum: a + b };
          },
        },
      },
    });
    const runbook = buildRunbook({
      steps: [
        { id: "one", verb: "math.add", args: { a: 1, b: 2 } },
        { id: "two", verb: "math.add", args: { a: resultOf("one", "sum"), b: 10 }, dependsOn: ["one"] },
      ],
      output: { total: resultOf("two", "sum") },
    });
    const runId = await rig.submit(runbook);
    const { result, view } = rested(await rig.drive(runbook, runId));
    expect(result).toEqual({ status: "completed", runId, output: { total: 13 } });
    expect(view.counts).toEqual({ total: 2, completed: 2, failed: 0, skipped: 0 });
    expect(seen).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 10 },
    ]);
    expect(await rig.story(runId)).toEqual([
      "run.submitted",
      "lease.taken",
      "run.started",
      "step.entered one 1",
      "step.completed one 1",
      "step.entered two 1",
      "step.completed two 1",
      "run.completed",
    ]);
  });

  test("keeps late arguments in the entry of their step, and sealed ones only in the runbook", async () => {
    const rig = new Rig({ verbs: { "test.echo": echo } });
    const runbook = buildRunbook({
      steps: [
        { id: "one", verb: "test.echo", args: { n: 1 } },
        { id: "two", verb: "test.echo", args: { of: resultOf("one", "n") }, dependsOn: ["one"] },
      ],
    });
    const runId = await rig.submit(runbook);
    await rig.drive(runbook, runId);
    const entered = (await rig.events(runId)).filter((event) => event.kind === "step.entered").map((event) => event.payload);
    expect(entered).toEqual([
      { stepId: "one", attempt: 1 },
      { stepId: "two", attempt: 1, args: { of: 1 } },
    ]);
  });

  test("of no step completes at once", async () => {
    const rig = new Rig();
    const runbook = buildRunbook({ steps: [], output: "nothing to do" });
    expect(rested(await rig.execute(runbook)).result).toMatchObject({ status: "completed", output: "nothing to do" });
  });

  test("leaves commits to the steps that touch the world: one for each sequential writing step, none for pure ones", async () => {
    const count = async (effect: "pure" | "read" | "write"): Promise<number> => {
      const rig = new Rig({ verbs: { "test.work": { run: async () => 1 } } });
      const commits: number[] = [];
      const { events } = rig.stores;
      const stores = {
        ...rig.stores,
        events: {
          commit: (...args: Parameters<typeof events.commit>) => {
            commits.push(args[0][0]?.events.length ?? 0);
            return events.commit(...args);
          },
          commitMany: events.commitMany.bind(events),
        },
      };
      const watched = new Rig({ stores, env: rig.env, verbs: { "test.work": { run: async () => 1 } } });
      const ids = Array.from({ length: 20 }, (_, index) => `s${index}`);
      const runbook = buildRunbook({
        steps: ids.map((id, index) => ({ id, effect, dependsOn: index === 0 ? [] : [`s${index - 1}`] })),
      });
      const runId = await watched.submit(runbook);
      const run = await watched.claim(runbook, runId);
      commits.length = 0;
      await watched.env.until(driveRun(watched.parts, run));
      return commits.length;
    };
    // the first entry is part of the commit that started the run
    expect(await count("write")).toBe(20);
    expect(await count("read")).toBe(20);
    expect(await count("pure")).toBe(1);
  });

  test("makes an entry durable before a writing handler is called, and a completion before the next step's", async () => {
    const durable: string[][] = [];
    const rig: Rig = new Rig({
      verbs: {
        "test.write": {
          run: async (_, ctx) => {
            durable.push((await rig.story(ctx.runId)).slice(3));
            return null;
          },
        },
      },
    });
    const runbook = buildRunbook({
      steps: [
        { id: "a", verb: "test.write", effect: "write" },
        { id: "b", verb: "test.write", effect: "write", dependsOn: ["a"] },
      ],
    });
    await rig.execute(runbook);
    expect(durable).toEqual([["step.entered a 1"], ["step.entered a 1", "step.completed a 1", "step.entered b 1"]]);
  });

  test("is durable up to a writing step before the pure step behind it is called", async () => {
    const durable: string[] = [];
    const rig: Rig = new Rig({
      verbs: {
        "test.write": { run: async () => null },
        "test.pure": {
          run: async (_, ctx) => {
            durable.push(...(await rig.story(ctx.runId)));
            return null;
          },
        },
      },
    });
    const runbook = buildRunbook({
      steps: [
        { id: "a", verb: "test.write", effect: "write" },
        { id: "b", verb: "test.pure", dependsOn: ["a"] },
      ],
    });
    await rig.execute(runbook);
    expect(durable).toContain("step.completed a 1");
  });

  test("makes finished pure steps durable after a while, although the next one is slow", async () => {
    let finish: (() => void) | undefined;
    const rig = new Rig({
      verbs: {
        "test.fast": { run: async () => 1 },
        "test.slow": {
          run: () =>
            new Promise((resolve) => {
              finish = () => resolve(2);
            }),
        },
      },
    });
    const runbook = buildRunbook({
      steps: [
        { id: "fast", verb: "test.fast" },
        { id: "slow", verb: "test.slow", dependsOn: ["fast"] },
      ],
    });
    const runId = await rig.submit(runbook);
    const { end } = await rig.begin(runbook, runId);
    expect(await rig.story(runId)).not.toContain("step.completed fast 1");
    await rig.env.advance(100);
    expect(await rig.story(runId)).toContain("step.completed fast 1");
    finish?.();
    await rig.env.settle();
    expect(rested(await rig.env.until(end)).result.status).toBe("completed");
  });

  test("runs independent steps together as far as its concurrency allows, and never more (D-035)", async () => {
    let open = 0;
    let most = 0;
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: async () => {
            open += 1;
            most = Math.max(most, open);
            await Promise.resolve();
            await Promise.resolve();
            open -= 1;
            return null;
          },
        },
      },
    });
    const steps = Array.from({ length: 9 }, (_, index) => ({ id: `s${index}` }));
    for (const [concurrency, expected] of [
      [null, 1],
      [3, 3],
      [100, 9],
    ] as const) {
      most = 0;
      const runbook = buildRunbook({ steps, uses: "many" });
      expect(rested(await rig.execute(runbook, { concurrency })).result.status).toBe("completed");
      expect(most).toBe(expected);
    }
  });

  test("of handlers that never wait lets the process do other things meanwhile", async () => {
    const rig = new Rig({ verbs: { "test.work": { run: async () => null } } });
    const runbook = buildRunbook({ steps: Array.from({ length: 500 }, (_, index) => ({ id: `s${index}` })) });
    const runId = await rig.submit(runbook);
    const run = await rig.claim(runbook, runId);
    const heard: string[] = [];
    const end = driveRun(rig.parts, run).then(() => heard.push("end"));
    setImmediate(() => heard.push("other"));
    await end;
    expect(heard).toEqual(["other", "end"]);
  });

  test("starts ready steps in plan order, whatever order they became ready in", async () => {
    const order: string[] = [];
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: async (_, ctx) => {
            order.push(ctx.stepId);
            return null;
          },
        },
      },
    });
    const runbook = buildRunbook({
      steps: [{ id: "a" }, { id: "b", dependsOn: ["a"] }, { id: "c" }, { id: "d", dependsOn: ["b"] }, { id: "e" }],
    });
    await rig.execute(runbook);
    expect(order).toEqual(["a", "b", "c", "d", "e"]);
  });
});

describe("results", () => {
  test("of more than 32 KiB become artifacts, and are read again where they are named", async () => {
    const big = "x".repeat(40_000);
    const rig = new Rig({ verbs: { "test.big": { run: async () => ({ big }) }, "test.echo": echo } });
    const runbook = buildRunbook({
      steps: [
        { id: "a", verb: "test.big" },
        { id: "b", verb: "test.echo", args: { length: resultOf("a", "big") }, dependsOn: ["a"] },
      ],
      output: { all: resultOf("a") },
    });
    const { result, view } = rested(await rig.execute(runbook));
    expect(result).toMatchObject({ status: "completed", output: { all: { big } } });
    const text = JSON.stringify({ big });
    const [a] = view.steps;
    expect(a).toMatchObject({ status: "completed", resultRef: sha256Hex(text) });
    expect(a?.result).toBeUndefined();
    const artifact = await rig.stores.artifacts.get("default", sha256Hex(text));
    expect(new TextDecoder().decode(artifact?.bytes)).toBe(text);
  });

  test("of more than 4 MiB are refused with the limit", async () => {
    const rig = new Rig({ verbs: { "test.work": { run: async () => "x".repeat(4_194_304) } } });
    const { result } = rested(await rig.execute(buildRunbook({ steps: [{ id: "a" }] })));
    expect(result).toMatchObject({ status: "failed", code: "step.result_invalid", stepId: "a" });
  });

  test("are redacted before they are recorded, and handed on redacted, so that a resumed run sees the same", async () => {
    const seen: unknown[] = [];
    const rig = new Rig({
      verbs: {
        "test.secret": { run: async () => ({ password: "hunter2hunter2" }) },
        "test.see": {
          run: async (args) => {
            seen.push(args);
            return null;
          },
        },
      },
    });
    const runbook = buildRunbook({
      steps: [
        { id: "a", verb: "test.secret" },
        { id: "b", verb: "test.see", args: { got: resultOf("a", "password") }, dependsOn: ["a"] },
      ],
    });
    await rig.execute(runbook);
    expect(seen).toEqual([{ got: "[REDACTED]" }]);
  });
});

describe("skipping", () => {
  const counted = (): { rig: Rig; calls: string[] } => {
    const calls: string[] = [];
    const work = (result: JsonValue) => ({
      run: async (_: unknown, ctx: { readonly stepId: string }) => {
        calls.push(ctx.stepId);
        return result;
      },
    });
    const fail = {
      run: async () => {
        throw Object.assign(new Error("no"), { retryable: false });
      },
    };
    return { rig: new Rig({ verbs: { "test.work": work({ flag: false, list: [1] }), "test.fail": fail } }), calls };
  };

  test("by a condition on results skips the step, and whoever needs its result, without failing the run (decision 2.2)", async () => {
    const { rig, calls } = counted();
    const runbook = buildRunbook({
      steps: [
        { id: "a" },
        { id: "b", when: resultOf("a", "flag"), dependsOn: ["a"] },
        { id: "c", args: { from: resultOf("b", "list") }, dependsOn: ["b"] },
        { id: "d", args: { from: resultOf("b", "list") }, optional: ["b"], dependsOn: ["b"] },
        { id: "e", dependsOn: ["b"] },
      ],
      output: { b: resultOf("b"), d: resultOf("d", "flag") },
    });
    const { result, view } = rested(await rig.execute(runbook));
    expect(calls).toEqual(["a", "d", "e"]);
    expect(view.steps.map((step) => step.skipReason ?? step.status)).toEqual([
      "completed",
      "condition",
      "dependency_skipped",
      "completed",
      "completed",
    ]);
    expect(result).toMatchObject({ status: "completed", output: { d: false } });
  });

  test("by a condition that holds runs the step", async () => {
    const { rig, calls } = counted();
    const when = { $: "eq", of: [resultOf("a", "list", "0"), 1] } as const;
    await rig.execute(buildRunbook({ steps: [{ id: "a" }, { id: "b", when, dependsOn: ["a"] }] }));
    expect(calls).toEqual(["a", "b"]);
  });

  test("by a tag does not call the verb (D-030, D-072)", async () => {
    const { rig, calls } = counted();
    const runbook = buildRunbook({
      steps: [{ id: "a", tags: ["mail"] }, { id: "b" }, { id: "c", args: { x: resultOf("a") }, dependsOn: ["a"] }],
      execution: { skipTags: ["mail"] },
    });
    const { view, result } = rested(await rig.execute(runbook));
    expect(calls).toEqual(["b"]);
    expect(view.steps.map((step) => step.skipReason)).toEqual(["tag", undefined, "dependency_skipped"]);
    expect(result.status).toBe("completed");
  });

  test("after a failure is what stop means: the rest is recorded as skipped and the run fails (decision 3.14)", async () => {
    const { rig, calls } = counted();
    const runbook = buildRunbook({ steps: [{ id: "a", verb: "test.fail" }, { id: "b" }, { id: "c", dependsOn: ["a"] }] });
    const { view, result } = rested(await rig.execute(runbook));
    expect(calls).toEqual([]);
    expect(view.steps.map((step) => step.skipReason)).toEqual([undefined, "stopped", "stopped"]);
    expect(result).toMatchObject({ status: "failed", code: "step.handler_threw", message: "no", stepId: "a" });
    expect(view.isVoid).toBe(false);
  });

  test("after a failure leaves independent steps alone where the runbook says so, and still fails (decision 3.14, A-121)", async () => {
    const { rig, calls } = counted();
    const runbook = buildRunbook({
      steps: [
        { id: "a", verb: "test.fail" },
        { id: "b" },
        { id: "c", dependsOn: ["a"] },
        { id: "d", dependsOn: ["c"], optional: ["c"] },
        { id: "e", dependsOn: ["b"] },
      ],
      execution: { onFailure: "continue_independent" },
    });
    const { view, result } = rested(await rig.execute(runbook));
    expect(calls).toEqual(["b", "e"]);
    expect(view.steps.map((step) => step.skipReason ?? step.status)).toEqual([
      "failed",
      "completed",
      "dependency_failed",
      "dependency_failed",
      "completed",
    ]);
    expect(result).toMatchObject({ status: "failed", stepId: "a" });
  });

  test("of parallel failures, the run reports the first in plan order, not the first in time (reliability 50)", async () => {
    const waiting: (() => void)[] = [];
    const rig = new Rig({
      verbs: {
        "test.late": {
          run: () =>
            new Promise((_, reject) => {
              waiting.push(() => reject(Object.assign(new Error("late"), { retryable: false })));
            }),
        },
        "test.early": {
          run: async () => {
            throw Object.assign(new Error("early"), { retryable: false });
          },
        },
      },
    });
    const runbook = buildRunbook({
      steps: [
        { id: "a", verb: "test.late" },
        { id: "b", verb: "test.early" },
      ],
    });
    const runId = await rig.submit(runbook, { concurrency: 2 });
    const { end } = await rig.begin(runbook, runId);
    for (const finish of waiting) finish();
    const { result, view } = rested(await rig.env.until(end));
    expect(view.steps.map((step) => step.status)).toEqual(["failed", "failed"]);
    expect(result).toMatchObject({ status: "failed", message: "late", stepId: "a" });
  });
});
