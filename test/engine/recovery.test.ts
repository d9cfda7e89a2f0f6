import { describe, expect, test } from "vitest";
import type { HandlerEntry } from "../../src/model/handler-entry.js";
import type { StepSketch } from "./build-runbook.js";
import { CRASHES_MAX } from "../../src/engine/decide.js";
import { Rig, rested } from "./rig.js";
import { buildRunbook, resultOf } from "./build-runbook.js";
import { cancelMessage } from "../../src/engine/inbox-message.js";

const forever = (): Promise<never> => new Promise(() => undefined);

/** A run whose process is gone while the first step's handler runs; returns a second process and what it sees. */
async function cutOff(
  step: Partial<StepSketch>,
  verb: { run: HandlerEntry["run"]; reconcile?: HandlerEntry["reconcile"] },
): Promise<{ rig: Rig; runId: string; runbook: ReturnType<typeof buildRunbook> }> {
  const runbook = buildRunbook({
    steps: [
      { id: "a", ...step },
      { id: "b", dependsOn: ["a"] },
    ],
    output: resultOf("a"),
  });
  const gone = new Set<string>();
  const first = new Rig({ verbs: { "test.work": { run: forever } }, ownerAlive: (owner) => !gone.has(owner) });
  const runId = await first.submit(runbook);
  const abandon = new AbortController();
  const { end } = await first.begin(runbook, runId, { abandon: abandon.signal });
  gone.add(first.stores.owner);
  abandon.abort();
  expect((await end).kind).toBe("lost");
  const verbs = { "test.work": verb as { run: NonNullable<HandlerEntry["run"]> } };
  return { rig: new Rig({ sharedWith: first, verbs }), runId, runbook };
}

describe("a step whose process ended during its handler", () => {
  test.each<[string, Partial<StepSketch>]>([
    ["reads", { effect: "read" }],
    ["writes idempotently", { effect: "write", recovery: "idempotent" }],
  ])("and that %s is closed and run again under the same idempotency key (decision 3.11, D-075)", async (_, step) => {
    const keys: [number, string][] = [];
    const { rig, runId, runbook } = await cutOff(step, {
      run: async (_args, ctx) => {
        keys.push([ctx.attempt, ctx.idempotencyKey]);
        return "done";
      },
    });
    expect(rested(await rig.drive(runbook, runId, {}, "recovered")).result).toMatchObject({
      status: "completed",
      output: "done",
    });
    expect((await rig.story(runId)).slice(1, 10)).toEqual([
      "lease.taken",
      "run.started",
      "step.entered a 1",
      "lease.taken",
      "run.resumed recovered",
      "step.failed a 1 orphan_attempt_recovered again",
      "step.entered a 2",
      "step.completed a 2",
      "step.entered b 1",
    ]);
    expect(keys[0]?.[0]).toBe(2);
    expect(keys[0]?.[1]).toMatch(/^[0-9a-f]{64}$/);
  });

  test("and that is pure is simply run: its entry was never durable", async () => {
    const { rig, runId, runbook } = await cutOff({ effect: "pure" }, { run: async (_, ctx) => ctx.attempt });
    expect(rested(await rig.drive(runbook, runId, {}, "recovered")).result).toMatchObject({ status: "completed", output: 1 });
  });

  test("and that a person must settle parks the run in doubt, and nothing is called (decision 3.11)", async () => {
    let calls = 0;
    const { rig, runId, runbook } = await cutOff(
      { effect: "write", recovery: "manual" },
      {
        run: async () => {
          calls += 1;
          return null;
        },
      },
    );
    const { result, view } = rested(await rig.drive(runbook, runId, {}, "recovered"));
    expect(result).toMatchObject({ status: "parked", reason: "in_doubt", stepId: "a", until: null });
    expect(view.steps.map((step) => step.status)).toEqual(["in_doubt", "pending"]);
    expect(calls).toBe(0);
    // and again: it stays in doubt
    expect(rested(await rig.drive(runbook, runId, {}, "requested")).result).toMatchObject({ reason: "in_doubt" });
    expect(calls).toBe(0);
  });

  const reconciling = { effect: "write", recovery: "reconcile" } as const;

  test("and that can be asked is done with the result it tells (reconcile: done)", async () => {
    const { rig, runId, runbook } = await cutOff(reconciling, {
      run: forever,
      reconcile: async (_, ctx) => ({ kind: "done", result: `found ${ctx.attempt}` }),
    });
    const runs: string[] = [];
    const verbs = {
      run: async (_: unknown, ctx: { stepId: string }) => runs.push(ctx.stepId),
      reconcile: rig.parts.handlers("test.work@1")?.reconcile,
    };
    const again = new Rig({ sharedWith: rig, verbs: { "test.work": verbs } });
    expect(rested(await again.drive(runbook, runId, {}, "recovered")).result).toMatchObject({
      status: "completed",
      output: "found 1",
    });
    expect(runs).toEqual(["b"]);
    const completed = (await rig.events(runId)).find((event) => event.kind === "step.completed");
    expect(completed?.payload).toMatchObject({ stepId: "a", attempt: 1, by: "reconcile" });
  });

  test("and that can be asked is run again when nothing has happened (reconcile: not_done)", async () => {
    const { rig, runId, runbook } = await cutOff(reconciling, {
      run: async (_, ctx) => ctx.attempt,
      reconcile: async () => ({ kind: "not_done" }),
    });
    expect(rested(await rig.drive(runbook, runId, {}, "recovered")).result).toMatchObject({ status: "completed", output: 2 });
  });

  test.each<[string, () => Promise<unknown>]>([
    ["does not know", async () => ({ kind: "unknown" })],
    ["throws", async () => Promise.reject(new Error("down"))],
    ["never answers", forever],
    ["answers nonsense", async () => "yes"],
    ["says done without a result", async () => ({ kind: "done" })],
    ["has a result that can't be stored", async () => ({ kind: "done", result: 1n })],
  ])("and that can be asked is in doubt when the answer %s", async (_, reconcile) => {
    let runs = 0;
    const { rig, runId, runbook } = await cutOff(reconciling, {
      run: async () => {
        runs += 1;
        return null;
      },
      reconcile: reconcile as HandlerEntry["reconcile"],
    });
    expect(rested(await rig.drive(runbook, runId, {}, "recovered")).result).toMatchObject({
      status: "parked",
      reason: "in_doubt",
    });
    expect(runs).toBe(0);
  });

  test("and that should be asked but has nobody to answer here is in doubt", async () => {
    const { rig, runId, runbook } = await cutOff(reconciling, { run: async () => null });
    expect(rested(await rig.drive(runbook, runId, {}, "recovered")).result).toMatchObject({
      status: "parked",
      reason: "in_doubt",
    });
    const without = new Rig({ sharedWith: rig });
    expect(rested(await without.drive(runbook, runId)).result).toMatchObject({ reason: "in_doubt" });
  });

  test("is fenced when its run was canceled meanwhile; it is not asked about any more", async () => {
    let asked = 0;
    const { rig, runId, runbook } = await cutOff(reconciling, {
      run: forever,
      reconcile: async () => {
        asked += 1;
        return { kind: "not_done" };
      },
    });
    await rig.put(cancelMessage("default", runId, { reason: "enough", by: null }));
    expect(rested(await rig.drive(runbook, runId, {}, "recovered")).result.status).toBe("canceled");
    expect(asked).toBe(0);
    expect((await rig.story(runId)).slice(-2)).toEqual(["step.fenced a 1 canceled", "run.canceled enough"]);
  });

  test("can be canceled while the verb is being asked", async () => {
    const { rig, runId, runbook } = await cutOff(reconciling, { run: forever, reconcile: forever });
    const { end } = await rig.begin(runbook, runId);
    await rig.put(cancelMessage("default", runId, { reason: "enough", by: null }));
    expect(rested(await rig.env.until(end)).result.status).toBe("canceled");
  });

  test("is given up when it takes its process with it again and again (reliability 15)", async () => {
    const runbook = buildRunbook({ steps: [{ id: "a", effect: "read" }] });
    const gone = new Set<string>();
    const first = new Rig({ ownerAlive: (owner) => !gone.has(owner) });
    const runId = await first.submit(runbook);
    let attempts = 0;
    for (let crash = 0; crash < CRASHES_MAX; crash += 1) {
      const run = (): Promise<never> => {
        attempts += 1;
        return forever();
      };
      const rig = new Rig({ sharedWith: first, verbs: { "test.work": { run } } });
      const abandon = new AbortController();
      const { end } = await rig.begin(runbook, runId, { abandon: abandon.signal });
      gone.add(rig.stores.owner);
      abandon.abort();
      expect((await end).kind).toBe("lost");
    }
    const last = new Rig({ sharedWith: first, verbs: { "test.work": { run: async () => null } } });
    expect(rested(await last.drive(runbook, runId, {}, "recovered")).result).toMatchObject({
      status: "failed",
      code: "orphan_attempt_recovered",
      stepId: "a",
    });
    expect(attempts).toBe(CRASHES_MAX);
  });
});

describe("a verb that can be asked", () => {
  const policy = { attemptsMax: 2, baseMs: 10, maxMs: 10 };

  test("is asked after a timeout, before anything else is done", async () => {
    const asked: number[] = [];
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: (_, ctx) => (ctx.attempt === 1 ? forever() : Promise.resolve("second")),
          reconcile: async (_, ctx) => {
            asked.push(ctx.attempt);
            return { kind: "not_done" };
          },
        },
      },
    });
    const step = { id: "a", effect: "write", recovery: "reconcile", timeoutMs: 100, retry: policy } as const;
    const { result } = rested(await rig.execute(buildRunbook({ steps: [step], output: resultOf("a") })));
    expect(result).toMatchObject({ status: "completed", output: "second" });
    expect(asked).toEqual([1]);
  });

  test("is asked when its handler throws, and may say that it happened all the same", async () => {
    const run = async (): Promise<never> => {
      throw new Error("connection lost after sending");
    };
    const reconcile = async (): Promise<{ kind: "done"; result: unknown }> => ({ kind: "done", result: "there" });
    const rig = new Rig({ verbs: { "test.work": { run, reconcile } } });
    const step = { id: "a", effect: "write", recovery: "reconcile" } as const;
    const { result } = rested(await rig.execute(buildRunbook({ steps: [step], output: resultOf("a") })));
    expect(result).toMatchObject({ status: "completed", output: "there" });
  });

  test("is not asked when the handler says that it did nothing", async () => {
    let asked = 0;
    const run = async (): Promise<never> => {
      throw Object.assign(new Error("refused"), { category: "policy" });
    };
    const reconcile = async (): Promise<{ kind: "unknown" }> => {
      asked += 1;
      return { kind: "unknown" };
    };
    const rig = new Rig({ verbs: { "test.work": { run, reconcile } } });
    const step = { id: "a", effect: "write", recovery: "reconcile", retry: policy } as const;
    const { result } = rested(await rig.execute(buildRunbook({ steps: [step] })));
    expect(result).toMatchObject({ status: "failed", message: "refused" });
    expect(asked).toBe(0);
  });
});

describe("a doubt", () => {
  test("stops a run that stops on failures, and only what depends on it elsewhere", async () => {
    const verbs = {
      "test.doubt": { run: async () => 1n },
      "test.work": { run: async () => null },
    };
    const steps = [
      { id: "a", verb: "test.doubt", effect: "write", recovery: "manual" },
      { id: "b" },
      { id: "c", dependsOn: ["a"] },
    ] as const;
    const stop = rested(await new Rig({ verbs }).execute(buildRunbook({ steps })));
    expect(stop.view.steps.map((step) => step.status)).toEqual(["in_doubt", "pending", "pending"]);
    const independent = { onFailure: "continue_independent" } as const;
    const go = rested(await new Rig({ verbs }).execute(buildRunbook({ steps, execution: independent })));
    expect(go.view.steps.map((step) => step.status)).toEqual(["in_doubt", "completed", "pending"]);
    expect(go.result).toMatchObject({ status: "parked", reason: "in_doubt", stepId: "a" });
  });
});
