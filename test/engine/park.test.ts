import { describe, expect, test } from "vitest";
import type { StepDecision } from "../../src/engine/inbox-message.js";
import type { ParkOptions } from "../../src/model/park.js";
import type { VerbSketch } from "./build-runbook.js";
import { Rig, rested } from "./rig.js";
import { buildRunbook, resultOf, written } from "./build-runbook.js";
import { cancelMessage, decisionMessage, pauseMessage, resumeMessage, signalMessage } from "../../src/engine/inbox-message.js";
import { signalKeyOf } from "../../src/engine/step-keys.js";

const yes: StepDecision = { verdict: "approve", issuer: "idp", subject: "ada", vouchedBy: "authenticated" };
const no: StepDecision = { ...yes, verdict: "reject" };

function counted(): { calls: string[]; verbs: { [name: string]: VerbSketch } } {
  const calls: string[] = [];
  const verbs: { [name: string]: VerbSketch } = {
    "test.work": {
      run: async (args, ctx) => {
        calls.push(ctx.stepId);
        return args;
      },
    },
    "test.send": {
      run: async (args, ctx) => {
        calls.push(ctx.stepId);
        return ctx.park(args as ParkOptions);
      },
    },
    "test.gate": {},
    "test.act": {
      run: async (_, ctx) => {
        calls.push(ctx.stepId);
        return "acted";
      },
    },
  };
  return { calls, verbs };
}

const durable = { verb: "test.send", mode: "durable", effect: "write" } as const;
const gate = { verb: "test.gate", mode: "human_gate" } as const;

describe("a timer", () => {
  const nap = {
    verb: "test.send",
    mode: "durable",
    effect: "pure",
    args: { until: 1_060_000, otherwise: { woke: true } },
  } as const;

  test("is a park that says what it comes to: it fires once, whoever drives the run then (reliability row 11, peers 45, 79)", async () => {
    const { calls, verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({
      steps: [
        { id: "a", ...nap },
        { id: "b", args: { got: resultOf("a", "woke") }, dependsOn: ["a"] },
      ],
    });
    const runId = await rig.submit(runbook);
    expect(rested(await rig.drive(runbook, runId)).result).toMatchObject({
      status: "parked",
      reason: "awaiting_signal",
      until: 1_060_000,
    });
    await rig.env.advance(60_000);
    const second = rested(await rig.drive(runbook, runId, {}, "wake"));
    expect(second.result.status).toBe("completed");
    expect(second.view.steps.map(({ result }) => result)).toEqual([{ woke: true }, { got: true }]);
    expect(calls).toEqual(["a", "b"]);
    const story = await rig.story(runId);
    expect(story.filter((line) => line.startsWith("timer.set"))).toHaveLength(1);
    expect(story.filter((line) => line.startsWith("step.completed a"))).toHaveLength(1);
  });

  test("is answered by a signal that comes before", async () => {
    const { verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({ steps: [{ id: "a", ...nap }] });
    const runId = await rig.submit(runbook);
    await rig.drive(runbook, runId);
    await rig.stores.inbox.put(signalMessage("default", runId, signalKeyOf(runId, "a"), { woke: false }));
    await rig.env.advance(60_000);
    expect(rested(await rig.drive(runbook, runId, {}, "wake")).view.steps[0]?.result).toEqual({ woke: false });
  });

  test("without a time is refused", async () => {
    const { verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({ steps: [{ id: "a", ...nap, args: { otherwise: 1 } }] });
    const end = rested(await rig.drive(runbook, await rig.submit(runbook)));
    expect(end.result).toMatchObject({ status: "failed", code: "run.invalid_option" });
  });
});

describe("a durable step", () => {
  test("parks the run after its handler, and a signal to it becomes its result; the handler is not called again (X18, X19, X.5-12)", async () => {
    const { calls, verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({
      steps: [
        { id: "a", ...durable, writes: [written("account", "1")] },
        { id: "b", args: { got: resultOf("a", "n") }, dependsOn: ["a"] },
      ],
      output: resultOf("b"),
    });
    const runId = await rig.submit(runbook);
    const first = rested(await rig.drive(runbook, runId));
    const key = signalKeyOf(runId, "a");
    expect(first.result).toEqual({ status: "parked", runId, reason: "awaiting_signal", stepId: "a", key, until: null });
    expect((await rig.story(runId)).slice(3)).toEqual([
      "lock.acquired",
      "step.entered a 1",
      `step.parked a 1 awaiting_signal ${key}`,
      `wait.opened a ${key}`,
      "lock.released",
      `run.parked a awaiting_signal ${key}`,
    ]);
    const head = await rig.stores.reader.head("default", `run/${runId}`);
    expect(head).toMatchObject({ owner: null, run: { status: "parked", wakeAt: null } });

    // another process takes it up
    const other = new Rig({ verbs, sharedWith: rig });
    expect(await other.put(signalMessage("default", runId, key, { n: 5 }))).toBe("stored");
    const second = rested(await other.drive(runbook, runId, {}, "wake"));
    expect(second.result).toEqual({ status: "completed", runId, output: { got: 5 } });
    expect(calls).toEqual(["a", "b"]);
    expect((await rig.story(runId)).slice(9)).toEqual([
      "lease.taken",
      "run.resumed wake",
      `signal.received ${key}`,
      `signal.delivered a ${key}`,
      `wait.answered a ${key}`,
      "step.completed a 1",
      "lock.acquired",
      "step.entered b 1",
      "step.completed b 1",
      "run.completed",
    ]);
  });

  test("may choose its key, and a signal that came before it waited is kept (decision 3.10)", async () => {
    const { verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({ steps: [{ id: "a", ...durable, args: { key: "order-7" } }], output: resultOf("a") });
    const runId = await rig.submit(runbook);
    await rig.put(signalMessage("default", runId, "order-7", "early"));
    expect(rested(await rig.drive(runbook, runId)).result).toMatchObject({ status: "completed", output: "early" });
  });

  test("takes the first payload; an equal repeat is the same and another one is refused", async () => {
    const { verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({ steps: [{ id: "a", ...durable, args: { key: "k" } }], output: resultOf("a") });
    const runId = await rig.submit(runbook);
    expect(await rig.put(signalMessage("default", runId, "k", 1))).toBe("stored");
    expect(await rig.put(signalMessage("default", runId, "k", 1))).toBe("same");
    expect(await rig.put(signalMessage("default", runId, "k", 2))).toBe("conflict");
    expect(rested(await rig.drive(runbook, runId)).result).toMatchObject({ output: 1 });
    expect(await rig.put(signalMessage("default", runId, "other", 1))).toBe("terminal");
  });

  test("fails when its time limit passes, at once where that lay in the past (wait.timeout)", async () => {
    const { verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({ steps: [{ id: "a", ...durable, args: { until: "2h" } }, { id: "b" }] });
    const runId = await rig.submit(runbook);
    const until = rig.env.now() + 7_200_000;
    // b does not depend on a, so it goes on
    const { result, view } = rested(await rig.drive(runbook, runId));
    expect(result).toMatchObject({ status: "parked", until });
    expect(view.steps[1]?.status).toBe("completed");
    expect((await rig.stores.reader.head("default", `run/${runId}`))?.run?.wakeAt).toBe(until);
    await rig.env.advance(7_300_000);
    expect(rested(await rig.drive(runbook, runId, {}, "wake")).result).toMatchObject({
      status: "failed",
      code: "wait.timeout",
      stepId: "a",
      failure: { category: "timeout" },
    });
  });

  test("fails when a payload that was kept for it is no result of its verb (signal.invalid)", async () => {
    const { verbs } = counted();
    const send: VerbSketch = {
      ...verbs["test.send"],
      checkResult: (value) => (typeof value === "number" ? { ok: true, value } : { ok: false, issues: ["/: not a number"] }),
    };
    const rig = new Rig({ verbs: { ...verbs, "test.send": send } });
    const runbook = buildRunbook({ steps: [{ id: "a", ...durable, args: { key: "k" } }] });
    const runId = await rig.submit(runbook);
    await rig.put(signalMessage("default", runId, "k", "seven"));
    expect(rested(await rig.drive(runbook, runId)).result).toMatchObject({
      status: "failed",
      code: "signal.invalid",
      stepId: "a",
    });
  });

  test("that returns a result instead of a park completes at once", async () => {
    const { verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({ steps: [{ id: "a", mode: "durable", args: 3 }], output: resultOf("a") });
    expect(rested(await rig.execute(runbook)).result).toMatchObject({ status: "completed", output: 3 });
  });

  test("may share a key with another: one signal answers both", async () => {
    const { verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({
      steps: [
        { id: "a", ...durable, args: { key: "k" } },
        { id: "b", ...durable, args: { key: "k" } },
      ],
    });
    const runId = await rig.submit(runbook);
    await rig.drive(runbook, runId);
    await rig.put(signalMessage("default", runId, "k", 1));
    expect(rested(await rig.drive(runbook, runId, {}, "wake")).view.counts.completed).toBe(2);
  });

  test("refuses a key or a limit that is none, as a mistake of the handler", async () => {
    const { verbs } = counted();
    for (const args of [{ key: "" }, { until: "soon" }, { until: -1 }, { until: 0.5 }] as const) {
      const rig = new Rig({
        verbs: { ...verbs, "test.send": { ...verbs["test.send"], checkArgs: (value) => ({ ok: true, value }) } },
      });
      const runbook = buildRunbook({ steps: [{ id: "a", ...durable, args: "key" in args ? args : {} }] });
      const verb = { run: async (_: unknown, ctx: { park(options: object): unknown }) => ctx.park(args) };
      const again = new Rig({ verbs: { "test.send": verb } });
      const { result } = rested(await again.execute(runbook));
      expect(result).toMatchObject({ status: "failed", code: "run.invalid_option" });
      expect(rig.env.stepsSeen).toBe(0);
    }
  });

  test("is answered by a message that arrives while its run is driven", async () => {
    const { verbs } = counted();
    let finish: ((value: unknown) => void) | undefined;
    const slow: VerbSketch = { run: () => new Promise((resolve) => (finish = resolve)) };
    const rig = new Rig({ verbs: { ...verbs, "test.slow": slow } });
    const runbook = buildRunbook({
      steps: [
        { id: "a", ...durable, args: { key: "k" } },
        { id: "b", verb: "test.slow" },
      ],
    });
    const runId = await rig.submit(runbook);
    const { end } = await rig.begin(runbook, runId);
    await rig.put(signalMessage("default", runId, "k", 1));
    await rig.env.settle();
    expect(await rig.story(runId)).toContain("step.completed a 1");
    finish?.(1);
    await rig.env.settle();
    expect(rested(await rig.env.until(end)).result.status).toBe("completed");
  });

  test("is answered by a message that arrives between the last look and the parking", async () => {
    const { verbs } = counted();
    const rig: Rig = new Rig({ verbs });
    const { events } = rig.stores;
    const commit: typeof events.commit = async (writes, options) => {
      const parks = writes[0]?.events.some((event) => event.kind === "run.parked") === true;
      const runId = writes[0]?.stream.slice(4) ?? "";
      if (parks) await rig.stores.inbox.put(signalMessage("default", runId, "k", 1));
      return events.commit(writes, options);
    };
    const stores = { ...rig.stores, events: { commit, commitMany: events.commitMany.bind(events) } };
    const racing = new Rig({ stores, env: rig.env, verbs });
    const runbook = buildRunbook({ steps: [{ id: "a", ...durable, args: { key: "k" } }] });
    expect(rested(await racing.execute(runbook)).result.status).toBe("completed");
  });
});

describe("a human gate", () => {
  test("parks before it is entered, and an approval's payload is its result where it has no handler (X18)", async () => {
    const { verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({ steps: [{ id: "ok", ...gate }], output: resultOf("ok") });
    const runId = await rig.submit(runbook);
    const key = signalKeyOf(runId, "ok");
    const parked = rested(await rig.drive(runbook, runId));
    expect(parked.result).toMatchObject({ status: "parked", reason: "human_gate", stepId: "ok", key });
    await rig.put(decisionMessage("default", runId, "ok", { ...yes, payload: { limit: 5 }, note: "fine" }));
    const done = rested(await rig.drive(runbook, runId, {}, "wake"));
    expect(done.result).toMatchObject({ status: "completed", output: { limit: 5 } });
    expect((await rig.story(runId)).slice(3)).toEqual([
      `step.parked ok 0 human_gate ${key}`,
      `wait.opened ok ${key}`,
      `run.parked ok human_gate ${key}`,
      "lease.taken",
      "run.resumed wake",
      "decision.made ok",
      `wait.answered ok ${key}`,
      "step.entered ok 1",
      "step.completed ok 1",
      "run.completed",
    ]);
    const made = (await rig.events(runId)).find((event) => event.kind === "decision.made");
    expect(made?.payload).toEqual({ stepId: "ok", ...yes, payload: { limit: 5 }, note: "fine" });
  });

  test("with a handler calls it after the approval, once", async () => {
    const { verbs, calls } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({
      steps: [{ id: "ok", verb: "test.act", mode: "human_gate", effect: "write" }],
      output: resultOf("ok"),
    });
    const runId = await rig.submit(runbook);
    await rig.drive(runbook, runId);
    expect(calls).toEqual([]);
    await rig.put(decisionMessage("default", runId, "ok", yes));
    expect(rested(await rig.drive(runbook, runId, {}, "wake")).result).toMatchObject({ status: "completed", output: "acted" });
    expect(calls).toEqual(["ok"]);
  });

  test("that is rejected fails and is not tried again; at the first step that leaves the run void (decision 3.9)", async () => {
    const { verbs, calls } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({ steps: [{ id: "ok", verb: "test.act", mode: "human_gate" }] });
    const runId = await rig.submit(runbook);
    await rig.drive(runbook, runId);
    await rig.put(decisionMessage("default", runId, "ok", no));
    const { result, view } = rested(await rig.drive(runbook, runId, {}, "wake"));
    expect(result).toMatchObject({ status: "failed", code: "decision.rejected", stepId: "ok", message: '"ada" rejected "ok"' });
    expect(view.isVoid).toBe(true);
    expect(calls).toEqual([]);
    // void: the runbook can be run again
    expect(await rig.submit(runbook)).not.toBe(runId);
  });

  test("takes the first decision, also one that came before it waited", async () => {
    const { verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({ steps: [{ id: "a" }, { id: "ok", ...gate, dependsOn: ["a"] }], output: resultOf("ok") });
    const runId = await rig.submit(runbook);
    expect(await rig.put(decisionMessage("default", runId, "ok", { ...yes, payload: 1 }))).toBe("stored");
    expect(await rig.put(decisionMessage("default", runId, "ok", no))).toBe("conflict");
    expect(rested(await rig.drive(runbook, runId)).result).toMatchObject({ status: "completed", output: 1 });
  });

  test("is not answered by a signal, and a decision about a step that is not there is passed over", async () => {
    const { verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({ steps: [{ id: "ok", ...gate }] });
    const runId = await rig.submit(runbook);
    await rig.put(signalMessage("default", runId, signalKeyOf(runId, "ok"), 1));
    await rig.put(decisionMessage("default", runId, "nobody", yes));
    expect(rested(await rig.drive(runbook, runId)).result).toMatchObject({ status: "parked", reason: "human_gate" });
  });

  test("whose approval carries no result of its verb fails (signal.invalid)", async () => {
    const rig = new Rig({ verbs: { "test.gate": { checkResult: () => ({ ok: false, issues: ["/: empty"] }) } } });
    const runbook = buildRunbook({ steps: [{ id: "ok", ...gate }] });
    const runId = await rig.submit(runbook);
    await rig.put(decisionMessage("default", runId, "ok", yes));
    expect(rested(await rig.drive(runbook, runId)).result).toMatchObject({ status: "failed", code: "signal.invalid" });
  });

  test("answers a durable step too: the payload is its result, a rejection its failure", async () => {
    for (const [decision, expected] of [
      [
        { ...yes, payload: 7 },
        { status: "completed", output: 7 },
      ],
      [no, { status: "failed", code: "decision.rejected" }],
    ] as const) {
      const { verbs } = counted();
      const rig = new Rig({ verbs });
      const runbook = buildRunbook({ steps: [{ id: "a", ...durable }], output: resultOf("a") });
      const runId = await rig.submit(runbook);
      await rig.drive(runbook, runId);
      await rig.put(decisionMessage("default", runId, "a", decision));
      expect(rested(await rig.drive(runbook, runId, {}, "wake")).result).toMatchObject(expected);
    }
  });
});

describe("pause", () => {
  test("rests at the next step boundary, keeps what was in flight, and goes on only when it is asked to", async () => {
    const { verbs, calls } = counted();
    const rig: Rig = new Rig({
      verbs: {
        ...verbs,
        "test.work": {
          run: async (_, ctx) => {
            calls.push(ctx.stepId);
            if (ctx.stepId === "a") await rig.put(pauseMessage("default", ctx.runId, { by: "ada", nonce: "1" }));
            return null;
          },
        },
      },
    });
    const runbook = buildRunbook({ steps: [{ id: "a", effect: "write" }, { id: "b" }] });
    const runId = await rig.submit(runbook);
    const { result, view } = rested(await rig.drive(runbook, runId));
    expect(result).toMatchObject({ status: "parked", reason: "paused" });
    expect(view.steps.map((step) => step.status)).toEqual(["completed", "pending"]);
    expect((await rig.stores.reader.head("default", `run/${runId}`))?.run).toMatchObject({ reason: "paused", wakeAt: null });

    // a worker that looks does not lift the pause
    expect(rested(await rig.drive(runbook, runId, {}, "wake")).result).toMatchObject({ status: "parked", reason: "paused" });
    expect(calls).toEqual(["a"]);
    expect(rested(await rig.drive(runbook, runId, {}, "requested")).result.status).toBe("completed");
    expect(calls).toEqual(["a", "b"]);
  });

  test("is lifted by a message as well, and a resume that overtakes the pause leaves nothing of it", async () => {
    const { verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({ steps: [{ id: "a" }] });
    const runId = await rig.submit(runbook);
    await rig.put(pauseMessage("default", runId, { by: null, nonce: "1" }));
    expect(rested(await rig.drive(runbook, runId)).result).toMatchObject({ reason: "paused" });
    await rig.put(resumeMessage("default", runId, { by: null, nonce: "1" }));
    expect(rested(await rig.drive(runbook, runId, {}, "wake")).result.status).toBe("completed");

    const other = buildRunbook({ steps: [{ id: "a" }], intent: "2" });
    const second = await rig.submit(other);
    await rig.put(pauseMessage("default", second, { by: null, nonce: "1" }));
    await rig.put(resumeMessage("default", second, { by: null, nonce: "1" }));
    expect(rested(await rig.drive(other, second)).result.status).toBe("completed");
    expect(await rig.story(second)).not.toContain("run.paused");
    expect(await rig.stores.inbox.pending("default", second)).toEqual([]);
  });
});

describe("cancel", () => {
  test("aborts handlers, fences what is in flight, and ends the run (decision 3.15)", async () => {
    let aborted = false;
    const rig: Rig = new Rig({
      verbs: {
        "test.work": {
          run: (_, ctx) =>
            new Promise((resolve) => {
              ctx.signal.addEventListener("abort", () => {
                aborted = true;
                resolve("late");
              });
            }),
        },
      },
    });
    const runbook = buildRunbook({ steps: [{ id: "a", effect: "write" }, { id: "b" }] });
    const runId = await rig.submit(runbook);
    const { end } = await rig.begin(runbook, runId);
    await rig.put(cancelMessage("default", runId, { reason: "wrong account", by: "ada" }));
    await rig.put(cancelMessage("default", runId, { reason: "wrong account", by: "ada" }));
    const { result, view } = rested(await rig.env.until(end));
    expect(aborted).toBe(true);
    expect(result).toEqual({ status: "canceled", runId, reason: "wrong account" });
    expect((await rig.story(runId)).slice(-2)).toEqual(["step.fenced a 1 canceled", "run.canceled wrong account"]);
    expect(view.isVoid).toBe(false);
    expect(view.steps.map((step) => step.status)).toEqual(["failed", "pending"]);
    expect(await rig.stores.inbox.pending("default", runId)).toEqual([]);
  });

  test("waits a moment for handlers that don't notice, and no longer", async () => {
    const rig: Rig = new Rig({ verbs: { "test.work": { run: () => new Promise(() => undefined) } } });
    const runbook = buildRunbook({ steps: [{ id: "a" }] });
    const runId = await rig.submit(runbook);
    const { end } = await rig.begin(runbook, runId);
    const before = rig.env.now();
    await rig.put(cancelMessage("default", runId, { reason: "enough", by: null }));
    expect(rested(await rig.env.until(end)).result.status).toBe("canceled");
    expect(rig.env.now() - before).toBe(1_000);
  });

  test("of a parked run fences the wait", async () => {
    const { verbs } = counted();
    const rig = new Rig({ verbs });
    const runbook = buildRunbook({ steps: [{ id: "a", ...durable }] });
    const runId = await rig.submit(runbook);
    await rig.drive(runbook, runId);
    await rig.put(cancelMessage("default", runId, { reason: "enough", by: null }));
    const { result, view } = rested(await rig.drive(runbook, runId, {}, "wake"));
    expect(result.status).toBe("canceled");
    expect((await rig.story(runId)).slice(-2)).toEqual(["step.fenced a 1 canceled", "run.canceled enough"]);
    expect(view.steps[0]?.status).toBe("failed");
  });

  test("beats a pause, a failure and the success that comes with it (decision 3.15)", async () => {
    for (const outcome of ["fails", "completes"] as const) {
      const rig: Rig = new Rig({
        verbs: {
          "test.work": {
            run: async (_, ctx) => {
              await rig.put(pauseMessage("default", ctx.runId, { by: null, nonce: "1" }));
              await rig.put(cancelMessage("default", ctx.runId, { reason: "enough", by: null }));
              if (outcome === "fails") throw Object.assign(new Error("x"), { retryable: false });
              return null;
            },
          },
        },
      });
      const runbook = buildRunbook({ steps: [{ id: "a" }] });
      const runId = await rig.submit(runbook);
      const { result } = rested(await rig.drive(runbook, runId));
      expect(result.status).toBe("canceled");
      const ends = (await rig.events(runId)).filter((event) => /^run\.(completed|failed|canceled)$/.test(event.kind));
      expect(ends.length).toBe(1);
    }
  });
});
