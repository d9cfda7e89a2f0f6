import { describe, expect, test } from "vitest";
import type { StepContext } from "../../src/model/step-context.js";
import type { StepSketch } from "./build-runbook.js";
import { Rig, rested } from "./rig.js";
import { RunsealError } from "../../src/errors/error.js";
import { buildRunbook, written } from "./build-runbook.js";
import { idempotencyKeyOf, signalKeyOf } from "../../src/engine/step-keys.js";
import { parkUntil } from "../../src/model/park.js";

type Run = (args: unknown, ctx: StepContext) => Promise<unknown>;

async function executeOne(
  run: Run,
  step: Partial<StepSketch> = {},
): Promise<{ rig: Rig; end: ReturnType<typeof rested>; runId: string }> {
  const rig = new Rig({ verbs: { "test.work": { run } } });
  const runbook = buildRunbook({ steps: [{ id: "a", retry: { attemptsMax: 1, baseMs: 200, maxMs: 30_000 }, ...step }] });
  const runId = await rig.submit(runbook);
  return { rig, runId, end: rested(await rig.drive(runbook, runId)) };
}

function throwing(value: unknown): Run {
  return async () => {
    throw value;
  };
}

describe("whatever a handler throws is recorded as a failure (reliability 70)", () => {
  const cyclic: { self?: unknown; message: string } = { message: "round" };
  cyclic.self = cyclic;
  const loop = new Error("outer");
  loop.cause = loop;
  const hostile = {
    get message(): string {
      throw new Error("no");
    },
    get code(): string {
      throw new Error("no");
    },
  };
  const proxy = new Proxy(
    {},
    {
      get() {
        throw new Error("trap");
      },
    },
  );
  test.each<[string, unknown, { code: string; category: string; message: string }]>([
    ["a string", "boom", { code: "step.handler_threw", category: "unknown", message: "boom" }],
    ["null", null, { code: "step.handler_threw", category: "unknown", message: "threw null" }],
    ["undefined", undefined, { code: "step.handler_threw", category: "unknown", message: "threw undefined" }],
    ["a number", 7, { code: "step.handler_threw", category: "unknown", message: "threw 7" }],
    ["a symbol", Symbol("s"), { code: "step.handler_threw", category: "unknown", message: "threw Symbol(s)" }],
    [
      "a frozen object",
      Object.freeze({ a: 1 }),
      { code: "step.handler_threw", category: "unknown", message: "threw a value that is not an error" },
    ],
    [
      "throwing getters",
      hostile,
      { code: "step.handler_threw", category: "unknown", message: "threw a value that is not an error" },
    ],
    [
      "a Proxy that throws",
      proxy,
      { code: "step.handler_threw", category: "unknown", message: "threw a value that is not an error" },
    ],
    ["a cycle", cyclic, { code: "step.handler_threw", category: "unknown", message: "round" }],
    ["a cause that is itself", loop, { code: "step.handler_threw", category: "unknown", message: "outer" }],
    [
      "an AggregateError",
      new AggregateError([new Error("first"), new Error("second")]),
      { code: "step.handler_threw", category: "unknown", message: "first" },
    ],
    [
      "a code of its own",
      Object.assign(new Error("x"), { code: "bank.closed", category: "policy" }),
      { code: "bank.closed", category: "policy", message: "x" },
    ],
    [
      "a code that is no code",
      Object.assign(new Error("x"), { code: "Not A Code" }),
      { code: "step.handler_threw", category: "unknown", message: "x" },
    ],
    [
      "a network error",
      Object.assign(new Error("x"), { code: "ECONNREFUSED" }),
      { code: "step.handler_threw", category: "network", message: "x" },
    ],
    [
      "an abort",
      Object.assign(new Error("x"), { name: "AbortError" }),
      { code: "step.handler_threw", category: "canceled", message: "x" },
    ],
    [
      "a timeout",
      Object.assign(new Error("x"), { name: "TimeoutError" }),
      { code: "step.handler_threw", category: "timeout", message: "x" },
    ],
    [
      "a mistake",
      new ReferenceError("x is not defined"),
      { code: "step.handler_threw", category: "bug", message: "x is not defined" },
    ],
    ["half a surrogate pair", new Error("a\ud800b"), { code: "step.handler_threw", category: "unknown", message: "a\ufffdb" }],
    [
      "an error of ours",
      new RunsealError("instance.closed", "shut", { call: "x" }),
      { code: "instance.closed", category: "policy", message: "shut" },
    ],
  ])("%s", async (_, thrown, expected) => {
    const { end } = await executeOne(throwing(thrown));
    expect(end.result).toMatchObject({ status: "failed", stepId: "a", code: expected.code, failure: expected });
  });

  test("a synchronous throw is no different", async () => {
    const { end } = await executeOne(() => {
      throw new Error("sync");
    });
    expect(end.result).toMatchObject({ status: "failed", code: "step.handler_threw", message: "sync" });
  });

  test("a thenable whose then throws is no different", async () => {
    const { end } = await executeOne((() => ({
      get then(): unknown {
        throw new Error("then");
      },
    })) as unknown as Run);
    expect(end.result).toMatchObject({ status: "failed", message: "then" });
  });

  test("messages are bounded and redacted, and no stack is kept (D-040)", async () => {
    const secret = `AKIAABCDEFGHIJKLMNOP`;
    const { rig, runId } = await executeOne(throwing(new Error(`${secret} ${"y".repeat(10_000)}`)));
    const [failed] = (await rig.events(runId)).filter((event) => event.kind === "step.failed");
    const text = JSON.stringify(failed?.payload);
    expect(text).not.toContain(secret);
    expect(text).not.toContain("attempt.test");
    expect(text.length).toBeLessThan(2_400);
  });
});

describe("whatever a handler returns is checked (reliability 76, 77)", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  const cases: [string, unknown][] = [
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("s")],
    ["a bigint", 1n],
    ["NaN", Number.NaN],
    ["a fraction", { a: [1, 0.5] }],
    ["a Date", new Date(0)],
    ["a Map", new Map([[1, 2]])],
    ["an accessor", Object.defineProperty({}, "a", { enumerable: true, get: () => 1 })],
    ["a class instance", new (class Thing {})()],
    ["a cycle", cyclic],
    ["100,000 levels", deep],
    ["a lone surrogate", "\ud800"],
    ["a park of a verb that is not durable", parkUntil("k", null)],
  ];
  test.each(cases)("%s fails a pure step, and is not tried again", async (_, value) => {
    const { end } = await executeOne(async () => value);
    expect(end.result).toMatchObject({ status: "failed", code: "step.result_invalid", stepId: "a" });
  });

  test.each(cases)("%s leaves a writing step in doubt, with a picture of the value (decision 2.1b)", async (_, value) => {
    const { end, rig, runId } = await executeOne(async () => value, { effect: "write" });
    expect(end.result).toMatchObject({ status: "parked", reason: "in_doubt", stepId: "a" });
    const doubt = (await rig.events(runId)).find((event) => event.kind === "step.in_doubt");
    if (doubt?.kind !== "step.in_doubt") throw new Error("no doubt");
    const artifact = await rig.stores.artifacts.get("default", doubt.payload.rawRef ?? "");
    expect(artifact?.kind).toBe("raw_result");
  });

  test("what the verb's schema refuses is no result either", async () => {
    const rig = new Rig({
      verbs: { "test.work": { run: async () => 1, checkResult: () => ({ ok: false, issues: ["/n: not a string"] }) } },
    });
    const { result } = rested(await rig.execute(buildRunbook({ steps: [{ id: "a" }] })));
    expect(result).toMatchObject({ status: "failed", code: "step.result_invalid", message: "/n: not a string" });
  });

  test("a schema that throws is no way out", async () => {
    const checkResult = (): never => {
      throw new Error("schema");
    };
    const rig = new Rig({ verbs: { "test.work": { run: async () => 1, checkResult } } });
    const { result } = rested(await rig.execute(buildRunbook({ steps: [{ id: "a" }] })));
    expect(result).toMatchObject({ status: "failed", code: "step.result_invalid" });
  });
});

describe("arguments", () => {
  test("that the schema refuses at dispatch fail the step before the handler, and no other attempt is made (decision 2.1b)", async () => {
    let calls = 0;
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: async () => {
            calls += 1;
            return null;
          },
          checkArgs: () => ({ ok: false, issues: ["/n: not an integer", "/m: missing"] }),
        },
      },
    });
    const runbook = buildRunbook({ steps: [{ id: "a", effect: "write" }] });
    const runId = await rig.submit(runbook);
    const { result } = rested(await rig.drive(runbook, runId));
    expect(result).toMatchObject({ code: "step.args_invalid", message: "/n: not an integer; /m: missing", stepId: "a" });
    expect(calls).toBe(0);
    expect((await rig.story(runId)).slice(3, 5)).toEqual(["step.entered a 1", "step.failed a 1 step.args_invalid"]);
  });

  test("can't be changed by a handler, so that the next attempt gets the same (reliability 75)", async () => {
    const seen: string[] = [];
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: async (args, ctx) => {
            seen.push(JSON.stringify(args));
            const { list } = args as { list: number[] };
            expect(() => list.push(4)).toThrow(TypeError);
            if (ctx.attempt === 1) throw new Error("again");
            return null;
          },
          checkArgs: (value) => ({ ok: true, value: JSON.parse(JSON.stringify(value)) as unknown }),
        },
      },
    });
    const runbook = buildRunbook({ steps: [{ id: "a", args: { list: [1, 2, 3] } }] });
    expect(rested(await rig.execute(runbook)).result.status).toBe("completed");
    expect(seen).toEqual(['{"list":[1,2,3]}', '{"list":[1,2,3]}']);
  });

  test("of a verb that this process does not have fail the step", async () => {
    const rig = new Rig();
    const { result } = rested(await rig.execute(buildRunbook({ steps: [{ id: "a" }] })));
    expect(result).toMatchObject({ status: "failed", code: "admission.handler_missing" });
  });
});

describe("retries", () => {
  test("follow each other with the time of the next one in the log, and keep the idempotency key (decisions 3.13, 4.6a)", async () => {
    const keys: string[] = [];
    const { rig, end, runId } = await executeOne(
      async (_, ctx) => {
        keys.push(ctx.idempotencyKey);
        if (ctx.attempt < 3) throw new Error("again");
        return "done";
      },
      { retry: { attemptsMax: 3, baseMs: 200, maxMs: 30_000 } },
    );
    expect(end.result.status).toBe("completed");
    expect(await rig.story(runId)).toEqual([
      "run.submitted",
      "lease.taken",
      "run.started",
      "step.entered a 1",
      "step.failed a 1 step.handler_threw again",
      "step.retry_scheduled a 2",
      "step.entered a 2",
      "step.failed a 2 step.handler_threw again",
      "step.retry_scheduled a 3",
      "step.entered a 3",
      "step.completed a 3",
      "run.completed",
    ]);
    expect(new Set(keys)).toEqual(new Set([idempotencyKeyOf("default", runId, "a")]));
    const delays = (await rig.events(runId)).flatMap((event) =>
      event.kind === "step.retry_scheduled" ? [event.payload.at - 1_000_000] : [],
    );
    // half of the bound that doubles: 200, 400
    expect(delays).toEqual([100, 300]);
  });

  test("end when the attempts are used up", async () => {
    const { end } = await executeOne(throwing(new Error("never")), { retry: { attemptsMax: 2, baseMs: 200, maxMs: 30_000 } });
    expect(end.result).toMatchObject({ status: "failed", message: "never" });
    expect(end.view.steps[0]).toMatchObject({ attempt: 2, status: "failed" });
  });

  test("are not made where the error says that they don't help, or its category does", async () => {
    const policy = { attemptsMax: 5, baseMs: 200, maxMs: 30_000 };
    for (const error of [
      Object.assign(new Error("x"), { retryable: false }),
      Object.assign(new Error("x"), { category: "input" }),
      new ReferenceError("x"),
    ]) {
      const { end } = await executeOne(throwing(error), { retry: policy });
      expect(end.view.steps[0]?.attempt).toBe(1);
    }
  });

  test("that are far away park the run until then, if there is nothing else to do", async () => {
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: async (_, ctx) => {
            if (ctx.attempt === 1) throw new Error("again");
            return null;
          },
        },
      },
    });
    const runbook = buildRunbook({ steps: [{ id: "a", retry: { attemptsMax: 2, baseMs: 60_000, maxMs: 60_000 } }] });
    const runId = await rig.submit(runbook);
    const { result } = rested(await rig.drive(runbook, runId));
    expect(result).toEqual({ status: "parked", runId, reason: "retry", stepId: "a", key: null, until: 1_030_000 });
    const head = await rig.stores.reader.head("default", `run/${runId}`);
    expect(head?.run).toMatchObject({ status: "parked", reason: "retry", wakeAt: 1_030_000 });
    expect(head?.owner).toBeNull();
    await rig.env.advance(30_000);
    expect(rested(await rig.drive(runbook, runId, {}, "wake")).result.status).toBe("completed");
  });

  test("of a manual verb are made only where the handler says that nothing has happened", async () => {
    const step = { effect: "write", recovery: "manual", retry: { attemptsMax: 3, baseMs: 10, maxMs: 10 } } as const;
    const plain = await executeOne(throwing(new Error("x")), step);
    expect(plain.end.view.steps[0]).toMatchObject({ attempt: 1, status: "failed" });
    const said = await executeOne(throwing(Object.assign(new Error("x"), { retryable: true })), step);
    expect(said.end.view.steps[0]).toMatchObject({ attempt: 3, status: "failed" });
  });
});

describe("timeouts", () => {
  const never: Run = () => new Promise(() => undefined);

  test("end an attempt whose handler never does; its signal is aborted", async () => {
    let aborted = false;
    const { end } = await executeOne(
      (_, ctx) =>
        new Promise(() => {
          ctx.signal.addEventListener("abort", () => {
            aborted = true;
          });
        }),
      { timeoutMs: 1_000 },
    );
    expect(aborted).toBe(true);
    expect(end.result).toMatchObject({ status: "failed", code: "step.timeout", failure: { category: "timeout" } });
  });

  test("of an idempotent writing step are followed by the next attempt, of a manual one by doubt (decision 3.11)", async () => {
    const retry = { attemptsMax: 2, baseMs: 10, maxMs: 10 };
    const idempotent = await executeOne(never, { effect: "write", recovery: "idempotent", timeoutMs: 1_000, retry });
    expect(idempotent.end.view.steps[0]).toMatchObject({ attempt: 2, status: "failed" });
    const manual = await executeOne(never, { effect: "write", recovery: "manual", timeoutMs: 1_000, retry });
    expect(manual.end.result).toMatchObject({ status: "parked", reason: "in_doubt" });
    expect(manual.end.view.steps[0]).toMatchObject({ attempt: 1, status: "in_doubt" });
  });

  test("make a late result count for nothing: it is recorded as fenced (decision 3.15, reliability 71)", async () => {
    const finish: ((value: unknown) => void)[] = [];
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: (_, ctx) =>
            new Promise((resolve) => {
              finish.push(resolve);
              if (ctx.attempt === 2) resolve("second");
            }),
        },
        "test.wait": { run: () => new Promise((resolve) => finish.push(resolve)) },
      },
    });
    const runbook = buildRunbook({
      steps: [
        { id: "a", timeoutMs: 1_000 },
        { id: "b", verb: "test.wait", dependsOn: ["a"] },
      ],
      output: resultA,
    });
    const runId = await rig.submit(runbook);
    const { end } = await rig.begin(runbook, runId);
    await rig.env.advance(1_500);
    finish[0]?.("first, too late");
    await rig.env.settle();
    finish[2]?.(null);
    const { result } = rested(await rig.env.until(end));
    expect(result).toMatchObject({ status: "completed", output: "second" });
    expect(await rig.story(runId)).toContain("step.fenced a 1 timeout");
  });

  test("leave an attempt open while its verb is asked what happened, although its handler has ended meanwhile (reliability 71)", async () => {
    const run = async (_: unknown, ctx: { readonly signal: AbortSignal; readonly attempt: number }): Promise<unknown> => {
      if (ctx.attempt > 1) return "second";
      return new Promise((_resolve, reject) => ctx.signal.addEventListener("abort", () => reject(new TypeError("aborted"))));
    };
    const rig: Rig = new Rig({
      verbs: {
        "test.work": {
          run,
          reconcile: async () => {
            await rig.env.sleep(500);
            return { kind: "not_done" };
          },
        },
      },
    });
    const retry = { attemptsMax: 3, baseMs: 10, maxMs: 10 };
    const runbook = buildRunbook({
      steps: [{ id: "a", effect: "write", recovery: "reconcile", timeoutMs: 1_000, retry }],
      output: resultA,
    });
    const runId = await rig.submit(runbook);
    const { result } = rested(await rig.drive(runbook, runId));
    expect(result).toMatchObject({ status: "completed", output: "second" });
    const story = await rig.story(runId);
    expect(story.indexOf("step.fenced a 1 timeout")).toBeGreaterThan(story.indexOf("step.failed a 1 step.timeout again"));
  });
});

const resultA = { $: "result", step: "a", path: [] } as const;

describe("the run's deadline", () => {
  test("aborts and fences what is in flight and fails the run", async () => {
    const rig = new Rig({ verbs: { "test.work": { run: () => new Promise(() => undefined) } } });
    const runbook = buildRunbook({ steps: [{ id: "a" }, { id: "b" }], execution: { deadlineMs: 5_000 } });
    const runId = await rig.submit(runbook);
    const { result, view } = rested(await rig.drive(runbook, runId));
    expect(result).toMatchObject({ status: "failed", code: "run.deadline_passed", stepId: null });
    expect((await rig.story(runId)).slice(-3)).toEqual([
      "step.fenced a 1 deadline",
      "step.skipped b stopped",
      "run.failed run.deadline_passed",
    ]);
    expect(view.isVoid).toBe(false);
  });

  test("leaves no time for a retry that would come after it (X.5-29)", async () => {
    const rig = new Rig({ verbs: { "test.work": { run: throwing(new Error("x")) } } });
    const runbook = buildRunbook({
      steps: [{ id: "a", retry: { attemptsMax: 9, baseMs: 60_000, maxMs: 60_000 } }],
      execution: { deadlineMs: 5_000 },
    });
    const { result, view } = rested(await rig.execute(runbook));
    expect(result).toMatchObject({ status: "failed", message: "x" });
    expect(view.steps[0]?.attempt).toBe(1);
  });
});

describe("the step context", () => {
  test("names run, step, attempt and keys, and is frozen", async () => {
    let found: StepContext | undefined;
    const { runId } = await executeOne(async (_, ctx) => {
      found = ctx;
      return null;
    });
    expect(found).toMatchObject({ runId, stepId: "a", attempt: 1 });
    expect(found?.idempotencyKey).toBe(idempotencyKeyOf("default", runId, "a"));
    expect(found?.signalKey).toBe(signalKeyOf(runId, "a"));
    expect(found?.signalKey).toMatch(/^[0-9a-f]{32}$/);
    expect(Object.isFrozen(found)).toBe(true);
  });

  test("is closed when the attempt has ended (reliability 73)", async () => {
    let kept: StepContext | undefined;
    await executeOne(async (_, ctx) => {
      kept = ctx;
      return null;
    });
    if (kept === undefined) throw new Error("not called");
    const ctx = kept;
    for (const call of [() => ctx.park(), () => ctx.writes("account", "a"), () => ctx.log("x")]) {
      expect(call).toThrow(expect.objectContaining({ code: "context.closed" }));
    }
  });

  test("lets a handler declare what it writes inside the sealed write-set, and nothing else (write.undeclared)", async () => {
    const declared = await executeOne(
      async (_, ctx) => {
        ctx.writes("account", "a-2");
        ctx.writes("account", "a-1");
        ctx.writes("account", "a-1");
        return null;
      },
      { effect: "write", writes: [written("account", "a-1"), written("account", "a-2")] },
    );
    const completed = (await declared.rig.events(declared.runId)).find((event) => event.kind === "step.completed");
    expect(completed?.payload).toMatchObject({ declared: ["account:a-1", "account:a-2"] });
    const refused = await executeOne(
      async (_, ctx) => {
        ctx.writes("account", "a-3");
        return null;
      },
      { effect: "write", writes: [written("account", "a-1")] },
    );
    expect(refused.end.result).toMatchObject({ status: "failed", code: "write.undeclared" });
  });

  test("writes lines to the logger after redaction, and a logger that throws changes nothing (reliability 93)", async () => {
    const rig = new Rig({
      verbs: {
        "test.work": {
          run: async (_, ctx) => {
            ctx.log("signing in", { password: "hunter2hunter2", at: new Date(5), n: 1 });
            return null;
          },
        },
      },
    });
    const runbook = buildRunbook({ steps: [{ id: "a" }] });
    const runId = await rig.submit(runbook);
    await rig.drive(runbook, runId);
    expect(rig.lines).toEqual([
      { runId, stepId: "a", message: "signing in", fields: { password: "[REDACTED]", at: "[date 5]", n: 1 } },
    ]);
    const throws = (): never => {
      throw new Error("logger");
    };
    const again = new Rig({ stores: rig.stores, env: rig.env });
    const parts = { ...rig.parts, log: throws };
    expect(again.lines).toEqual([]);
    const { submitRun } = await import("../../src/engine/submit-run.js");
    const { claimRun } = await import("../../src/engine/claim-run.js");
    const { driveRun } = await import("../../src/engine/drive-run.js");
    const other = buildRunbook({ steps: [{ id: "a" }], intent: "other" });
    const request = { dedupKey: null, queue: "q", priority: 0, labels: {}, concurrency: null, parent: null, by: null };
    const submitted = await submitRun(parts, { scope: "default", runbook: other, ...request });
    const claim = {
      scope: "default",
      runId: submitted.runId,
      runbook: other,
      reason: "wake",
      build: {},
      approvals: null,
    } as const;
    const claimed = await claimRun(parts, claim);
    if (claimed.kind !== "claimed") throw claimed.error;
    expect(rested(await rig.env.until(driveRun(parts, claimed.run))).result.status).toBe("completed");
  });

  test("runs handlers where compiling is forbidden (X.5-13)", async () => {
    const open: number[] = [];
    const rig: Rig = new Rig({
      verbs: {
        "test.work": {
          run: async () => {
            open.push(rig.env.stepsOpen);
            await Promise.resolve();
            open.push(rig.env.stepsOpen);
            return null;
          },
        },
      },
    });
    await rig.execute(buildRunbook({ steps: [{ id: "a" }] }));
    expect(open).toEqual([1, 1]);
    expect(rig.env.stepsOpen).toBe(0);
  });
});
