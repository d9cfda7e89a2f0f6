import { describe, expect, test } from "vitest";
import type { AnyEvent } from "../../src/model/event.js";
import type { DivergenceKind, ReplayMode, ReplayReport } from "../../src/model/replay-report.js";
import type { HandlerEntry } from "../../src/model/handler-entry.js";
import type { Runbook } from "../../src/model/runbook.js";
import type { RunbookSketch, VerbSketch } from "./build-runbook.js";
import { Rig } from "./rig.js";
import { asPure, logOf, replayed } from "./replayed.js";
import { buildRunbook, handlersOf, resultOf, written } from "./build-runbook.js";
import { cancelMessage, decisionMessage, pauseMessage, signalMessage } from "../../src/engine/inbox-message.js";
import { rested } from "./rig.js";

type Work = NonNullable<HandlerEntry["run"]>;

const write = { effect: "write", recovery: "idempotent" } as const;
const yes = { verdict: "approve", issuer: "i", subject: "s", vouchedBy: "host" } as const;

/** A run that was driven, and how to replay it. */
interface Story {
  readonly rig: Rig;
  readonly runbook: Runbook;
  readonly runId: string;
}

async function told(sketch: RunbookSketch, run: Work, concurrency: number | null = null): Promise<Story> {
  const rig = new Rig({ verbs: { "test.work": { run }, "test.gate": {} } });
  const runbook = buildRunbook(sketch);
  const runId = await rig.submit(runbook, { concurrency });
  await rig.drive(runbook, runId);
  return { rig, runbook, runId };
}

function again(
  { rig, runbook, runId }: Story,
  more: {
    readonly mode?: ReplayMode;
    readonly run?: Work;
    readonly events?: readonly AnyEvent[];
    readonly runbook?: Runbook;
  } = {},
): Promise<ReplayReport> {
  const verbs: { readonly [name: string]: VerbSketch } = {
    "test.work": { run: more.run ?? (async () => Promise.reject(new TypeError("not to be called"))) },
    "test.gate": {},
  };
  const { mode = "replay_decisions", events } = more;
  const parts = { stores: rig.stores, handlers: asPure(handlersOf(verbs)) };
  return replayed({ parts, runbook: more.runbook ?? runbook, runId, mode, ...(events !== undefined && { events }) });
}

/** The log with one event changed. */
async function changed(story: Story, kind: string, change: (payload: never) => object, nth = 0): Promise<readonly AnyEvent[]> {
  const log = await logOf(story.rig.parts, story.runId);
  const at = log.filter((event) => event.kind === kind)[nth];
  return altered(log, (event) => (event === at ? { ...event, payload: change(event.payload as never) } : event));
}

/** The log with some events changed, whatever comes of it. */
function altered(events: readonly AnyEvent[], change: (event: AnyEvent, position: number) => object): readonly AnyEvent[] {
  return events.map((event, position) => change(event, position) as AnyEvent);
}

const kinds = (report: ReplayReport): readonly DivergenceKind[] => report.divergences.map(({ kind }) => kind);
const chain: RunbookSketch = {
  steps: [
    { id: "a" },
    { id: "b", ...write, args: { a: resultOf("a") }, dependsOn: ["a"], writes: [written("account", "1")] },
    { id: "c", args: { b: resultOf("b") }, dependsOn: ["b"] },
  ],
  output: { c: resultOf("c") },
};
const nameIt: Work = async (_, { stepId }) => `of ${stepId}`;

describe("a run that is replayed", () => {
  const parallel: RunbookSketch = {
    steps: [
      { id: "a", ...write },
      { id: "b", effect: "read" },
      { id: "c", ...write },
      { id: "d", dependsOn: ["a", "b", "c"], args: { all: [resultOf("a"), resultOf("b"), resultOf("c")] } },
    ],
    output: { d: resultOf("d") },
  };
  const failing: Work = async (_, { stepId, attempt }) => {
    if (stepId === "b" && attempt < 3) throw Object.assign(new Error("again"), { retryable: true });
    return stepId;
  };
  const skipping: RunbookSketch = {
    steps: [
      { id: "a" },
      { id: "b", ...write, dependsOn: ["a"], when: { $: "eq", of: [resultOf("a"), "no"] } },
      { id: "c", dependsOn: ["b"], args: { b: resultOf("b") } },
      { id: "d", dependsOn: ["b"], args: { b: resultOf("b") }, optional: ["b"] },
    ],
  };

  test.each<[string, RunbookSketch, Work, number | null]>([
    ["in sequence", chain, nameIt, null],
    ["in parallel (peers 38)", parallel, nameIt, 3],
    ["with retries", chain, failing, null],
    ["with conditions and skips", skipping, nameIt, null],
    ["with large results", chain, async (_, { stepId }) => stepId.repeat(40_000), null],
    [
      "with a failure that stops it",
      chain,
      async () => Promise.reject(Object.assign(new Error("no"), { retryable: false })),
      null,
    ],
    ["with a result that is none", chain, async (_, { stepId }) => (stepId === "b" ? 0.5 : 1), null],
    [
      "with a step in doubt",
      { steps: [{ id: "a", ...write, recovery: "manual", timeoutMs: 50 }] },
      async () => new Promise(() => undefined),
      null,
    ],
    [
      "with a timeout",
      { steps: [{ id: "a", timeoutMs: 50, retry: { attemptsMax: 2, baseMs: 10, maxMs: 10 } }] },
      async () => new Promise(() => undefined),
      null,
    ],
  ])("%s is equal in both modes, and no handler that writes is called (decision 3.17)", async (_, sketch, run, concurrency) => {
    const story = await told(sketch, run, concurrency);
    const record = await again(story);
    expect(record).toMatchObject({
      status: "equal",
      divergences: [],
      divergenceCount: 0,
      handlerCalls: { pure: 0, read: 0, write: 0 },
    });
    expect(record.steps).toMatchObject({ simulated: 0, notSimulated: 0 });
    const called: string[] = [];
    const simulated = await again(story, {
      mode: "re_simulate",
      run: async (args, ctx) => {
        called.push(ctx.stepId);
        return run(args, ctx);
      },
    });
    expect(simulated.divergences).toEqual([]);
    const writing = new Set(story.runbook.steps.filter(({ effect }) => effect === "write").map(({ id }) => id));
    expect(called.filter((id) => writing.has(id))).toEqual([]);
    expect(simulated.handlerCalls).toEqual({ pure: called.length, read: 0, write: 0 });
    expect(simulated.steps.simulated + simulated.steps.fromRecord).toBe(record.steps.fromRecord);
  });

  test("that parked, was signaled, decided, paused and resumed is equal, claim by claim (D-083, peers 82)", async () => {
    const rig = new Rig({
      verbs: {
        "test.work": { run: async (_, ctx) => (ctx.stepId === "wait" ? ctx.park({ key: "k", until: "2h" }) : ctx.stepId) },
        "test.gate": {},
      },
    });
    const runbook = buildRunbook({
      steps: [
        { id: "wait", ...write, mode: "durable" },
        { id: "gate", verb: "test.gate", mode: "human_gate", dependsOn: ["wait"] },
        { id: "after", ...write, dependsOn: ["gate"], args: { gate: resultOf("gate") } },
      ],
    });
    const runId = await rig.submit(runbook);
    const story = { rig, runbook, runId };
    await rig.drive(runbook, runId);
    expect((await again(story)).divergences).toEqual([]);
    await rig.put(signalMessage("default", runId, "k", { paid: true }));
    await rig.drive(runbook, runId, {}, "wake");
    await rig.put(pauseMessage("default", runId, { by: "me", nonce: "1" }));
    await rig.drive(runbook, runId, {}, "wake");
    await rig.put(decisionMessage("default", runId, "gate", { ...yes, payload: "go" }));
    expect(rested(await rig.drive(runbook, runId)).result.status).toBe("completed");
    expect((await again(story)).divergences).toEqual([]);
  });

  test("that waited in vain, or ran out of time, is equal without anybody waiting again (peers 79)", async () => {
    const sketch: RunbookSketch = { steps: [{ id: "wait", ...write, mode: "durable" }] };
    const waiting = await told(sketch, async (_, ctx) => ctx.park({ until: 1_000_500 }));
    await waiting.rig.env.advance(1_000);
    expect(rested(await waiting.rig.drive(waiting.runbook, waiting.runId, {}, "wake")).result).toMatchObject({
      code: "wait.timeout",
    });
    expect((await again(waiting)).divergences).toEqual([]);
    const slow = await told(
      { steps: [{ id: "a", ...write }], execution: { deadlineMs: 100 } },
      async () => new Promise(() => undefined),
    );
    expect((await logOf(slow.rig.parts, slow.runId)).at(-1)).toMatchObject({ payload: { code: "run.deadline_passed" } });
    expect((await again(slow)).divergences).toEqual([]);
  });

  test("that a timer woke is equal: it fires where the record says so (peers 45, 79)", async () => {
    const timed = await told(
      {
        steps: [
          { id: "wait", ...write, mode: "durable" },
          { id: "b", dependsOn: ["wait"] },
        ],
      },
      async (_, ctx) => (ctx.stepId === "wait" ? ctx.park({ until: 1_060_000, otherwise: "slept" }) : 1),
    );
    await timed.rig.env.advance(60_000);
    expect(rested(await timed.rig.drive(timed.runbook, timed.runId, {}, "wake")).result.status).toBe("completed");
    expect((await again(timed)).divergences).toEqual([]);
  });

  test("under a clock that was set back between events is equal (reliability row 54)", async () => {
    const story = await told(chain, failing);
    const back = altered(await logOf(story.rig.parts, story.runId), (event) => {
      if (event.seq < 5) return event;
      const moved = { ...event, at: event.at - 900_000 };
      return event.kind === "step.retry_scheduled"
        ? { ...moved, payload: { ...event.payload, at: event.payload.at - 900_000 } }
        : moved;
    });
    expect((await again(story, { events: back })).divergences).toEqual([]);
  });

  test("that was canceled while steps were in flight is equal; what came late is fenced again (peers 41)", async () => {
    const rig = new Rig({ verbs: { "test.work": { run: async () => new Promise(() => undefined) } } });
    const runbook = buildRunbook({
      steps: [
        { id: "a", ...write },
        { id: "b", ...write },
        { id: "c", ...write },
      ],
    });
    const runId = await rig.submit(runbook, { concurrency: 2 });
    rig.env.schedule(50, () => void rig.put(cancelMessage("default", runId, { reason: "enough", by: "me" })));
    expect(rested(await rig.drive(runbook, runId)).result.status).toBe("canceled");
    expect((await again({ rig, runbook, runId })).divergences).toEqual([]);
  });

  test("that nobody ended is replayed as far as it had come, and takes nothing further", async () => {
    const story = await told(chain, nameIt);
    const log = await logOf(story.rig.parts, story.runId);
    for (let length = 1; length <= log.length; length += 1) {
      const report = await again(story, { events: log.slice(0, length) });
      expect({ length, found: report.divergences }).toEqual({ length, found: [] });
    }
  });
});

describe("a replay that differs", () => {
  test("in a result that a handler gives now is an outcome, naming step, expected and found (peers 65)", async () => {
    const story = await told(chain, nameIt);
    const report = await again(story, { mode: "re_simulate", run: async (_, { stepId }) => `else ${stepId}` });
    expect(report).toMatchObject({ status: "diverged", steps: { simulated: 2, fromRecord: 1, notSimulated: 1 } });
    const [first] = report.divergences;
    expect(first).toMatchObject({ kind: "outcome", stepId: "a", message: 'the replay comes to another "result"' });
    expect(first?.expected).toContain("of a");
    expect(first?.found).toContain("else a");
    // what follows from it shows too: the arguments of the next step, and the output
    expect(report.divergences.map(({ stepId, kind }) => `${String(stepId)} ${kind}`)).toEqual([
      "a outcome",
      "b plan",
      "c outcome",
      "null outcome",
    ]);
  });

  test("in a recorded result is a plan where arguments follow from it, and an outcome where a pure step can be asked", async () => {
    const story = await told(chain, nameIt);
    const events = await changed(story, "step.completed", (payload: object) => ({ ...payload, result: "forged" }));
    expect(kinds(await again(story, { events }))).toEqual(["plan"]);
    expect(kinds(await again(story, { events, mode: "re_simulate", run: nameIt }))[0]).toBe("outcome");
  });

  test("in a condition is a plan: a step that was skipped is entered (peers 64, 69)", async () => {
    const story = await told(
      { steps: [{ id: "a" }, { id: "b", dependsOn: ["a"], when: { $: "eq", of: [resultOf("a"), "yes"] } }] },
      async () => "no",
    );
    const log = await logOf(story.rig.parts, story.runId);
    const events = altered(log, (event) =>
      event.kind === "step.skipped" ? { ...event, kind: "step.entered", payload: { stepId: "b", attempt: 1 } } : event,
    );
    const report = await again(story, { events });
    expect(report.divergences[0]).toMatchObject({
      kind: "plan",
      stepId: "b",
      expected: expect.stringContaining("step.entered") as string,
    });
    expect(report.divergences[0]?.found).toContain("step.skipped");
  });

  test("in the plan itself is a plan: another runbook, a step more, other arguments (X.5-22, peers 66, 68)", async () => {
    const story = await told(chain, nameIt);
    const [a, ...rest] = chain.steps;
    const other = buildRunbook({ ...chain, steps: [{ ...a, id: "a" }, { id: "new" }, ...rest] });
    const report = await again(story, { runbook: other });
    expect(new Set(kinds(report))).toEqual(new Set(["plan"]));
    expect(report.divergences.at(-1)).toMatchObject({ stepId: "b", found: expect.stringContaining('"new"') as string });
  });

  test("in the order of the same events is an ordering", async () => {
    const story = await told({ steps: [{ id: "a" }, { id: "b" }] }, nameIt, 2);
    const log = [...(await logOf(story.rig.parts, story.runId))];
    const [a, b] = log.flatMap((event, position) => (event.kind === "step.entered" ? [position] : []));
    if (a === undefined || b === undefined) throw new TypeError("two steps are entered");
    const swapped = altered(log, (event, position) => {
      const other = position === a ? log[b] : position === b ? log[a] : undefined;
      return other === undefined ? event : { ...event, payload: other.payload };
    });
    expect(kinds(await again(story, { events: swapped }))).toEqual(["ordering"]);
  });

  test("in the time of a retry is a timing: before the failure, or beyond what the policy allows", async () => {
    const story = await told(chain, async (_, { stepId, attempt }) => {
      if (stepId === "b" && attempt === 1) throw Object.assign(new Error("again"), { retryable: true });
      return stepId;
    });
    for (const at of [1, 9_000_000]) {
      const events = await changed(story, "step.retry_scheduled", (payload: object) => ({ ...payload, at }));
      const report = await again(story, { events });
      expect(new Set(kinds(report))).toEqual(new Set(["timing"]));
      expect(report.divergences[0]).toMatchObject({ stepId: "b" });
    }
  });

  test("in an epoch, or in a gate that nobody let pass, is an authority, and always one (X.5-22, E-155)", async () => {
    const story = await told(chain, nameIt);
    const log = await logOf(story.rig.parts, story.runId);
    const events = altered(log, (event) => (event.kind === "step.completed" ? { ...event, epoch: 7 } : event));
    expect(new Set(kinds(await again(story, { events })))).toEqual(new Set(["authority"]));
    const gate = await told({ steps: [{ id: "g", verb: "test.gate", mode: "human_gate" }] }, nameIt);
    await gate.rig.put(decisionMessage("default", gate.runId, "g", { ...yes, payload: 1 }));
    await gate.rig.drive(gate.runbook, gate.runId, {}, "wake");
    expect((await again(gate)).divergences).toEqual([]);
    const without = altered(await logOf(gate.rig.parts, gate.runId), (event) =>
      event.kind === "decision.made" ? { ...event, payload: { ...event.payload, verdict: "reject" } } : event,
    );
    expect(kinds(await again(gate, { events: without }))).toContain("authority");
  });

  test("in facts is an outcome, not an error: one that is gone, and one that nobody asks for (reliability row 69, D-083)", async () => {
    const asks: Work = async (_, ctx) => ctx.fact("rate", () => 7);
    const story = await told({ steps: [{ id: "a" }] }, asks);
    expect((await again(story, { mode: "re_simulate", run: asks })).divergences).toEqual([]);
    const gone = altered(await logOf(story.rig.parts, story.runId), (event) =>
      event.kind === "fact.recorded" ? { ...event, payload: { ...event.payload, key: "other" } } : event,
    );
    const report = await again(story, { mode: "re_simulate", run: asks, events: gone });
    expect(report.divergences).toMatchObject([{ kind: "outcome", stepId: "a", found: 'fact "rate"' }]);
    const unasked = await again(story, { mode: "re_simulate", run: async () => 7 });
    expect(unasked.divergences).toMatchObject([{ kind: "outcome", stepId: "a", found: null }]);
    // a call that was never recorded can't be answered
    const unkeyed: Work = async (_, ctx) => {
      await ctx.io.call({ namespace: "rates", request: {} });
      return 7;
    };
    expect((await again(story, { mode: "re_simulate", run: unkeyed })).divergences).toMatchObject([{ found: 'fact "rates"' }]);
  });

  test("in what a handler says of itself is an outcome, and so is a context it writes otherwise", async () => {
    const says =
      (word: string): Work =>
      async (_, ctx) => {
        await ctx.emit("word.said", { word });
        await ctx.progress(1, 2);
        await ctx.putArtifact("report", "text");
        ctx.set("word", word);
        return 1;
      };
    const story = await told({ steps: [{ id: "a" }, { id: "b", dependsOn: ["a"] }] }, says("yes"));
    expect((await again(story)).divergences).toEqual([]);
    expect((await again(story, { mode: "re_simulate", run: says("yes") })).divergences).toEqual([]);
    const report = await again(story, { mode: "re_simulate", run: says("no") });
    expect(new Set(kinds(report))).toEqual(new Set(["outcome"]));
    expect(report.divergences.some(({ found }) => found?.startsWith("domain") === true)).toBe(true);
    expect(report.divergences.some(({ message }) => message.includes('"delta"'))).toBe(true);
  });

  test("hundreds of times is listed a hundred times and counted whole", async () => {
    const steps = Array.from({ length: 120 }, (_, index) => ({ id: `s${index}` }));
    const story = await told({ steps }, nameIt);
    const report = await again(story, { mode: "re_simulate", run: async () => "else" });
    expect(report.divergences).toHaveLength(100);
    expect(report.divergenceCount).toBe(120);
  });
});
