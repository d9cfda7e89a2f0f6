import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import type { AnyEvent } from "../../src/model/event.js";
import type { DriveEnd } from "../../src/engine/drive-end.js";
import type { StreamWrite } from "../../src/stores/event-store.js";
import type { Runbook } from "../../src/model/runbook.js";
import type { StepSketch, VerbSketch } from "./build-runbook.js";
import { ManualEnv } from "./manual-env.js";
import { Rig } from "./rig.js";
import { beginState } from "../../src/history/run-state.js";
import { asPure, replayed } from "./replayed.js";
import { buildRunbook, handlersOf, resultOf } from "./build-runbook.js";
import { cancelMessage, decisionMessage, pauseMessage, signalMessage } from "../../src/engine/inbox-message.js";
import { fold } from "../../src/history/fold.js";
import { playCommits, recordCommits } from "./record-commits.js";
import { logProblems } from "../../src/history/attempt-rules.js";
import { runPlanOf } from "../../src/history/run-plan.js";
import { runViewOf } from "../../src/history/run-view.js";
import { runStream } from "../../src/model/ids.js";
import { verifyRun } from "../../src/history/verify-run.js";

type Behaviour = "ok" | "fails" | "gives_up" | "bad_result" | "never" | "reads_false";

interface RandomStep {
  readonly behaviour: readonly Behaviour[];
  readonly delayMs: number;
  readonly kind: "pure" | "read" | "idempotent" | "manual" | "reconcile" | "durable" | "gate";
  readonly dependsOn: readonly number[];
  readonly isConditional: boolean;
  readonly isOptional: boolean;
}

interface RandomRun {
  readonly steps: readonly RandomStep[];
  readonly concurrency: number;
  readonly onFailure: "stop" | "continue_independent";
  readonly messages: readonly {
    readonly atMs: number;
    readonly kind: "cancel" | "pause" | "signal" | "decision";
    readonly step: number;
  }[];
}

const behaviour = fc.constantFrom<Behaviour>("ok", "ok", "ok", "fails", "gives_up", "bad_result", "never", "reads_false");

const randomStep = (position: number): fc.Arbitrary<RandomStep> =>
  fc.record({
    behaviour: fc.array(behaviour, { minLength: 1, maxLength: 3 }),
    delayMs: fc.constantFrom(0, 0, 5, 50, 2_000),
    kind: fc.constantFrom<RandomStep["kind"]>(
      "pure",
      "pure",
      "read",
      "idempotent",
      "idempotent",
      "manual",
      "reconcile",
      "durable",
      "gate",
    ),
    dependsOn: position === 0 ? fc.constant([]) : fc.uniqueArray(fc.nat({ max: position - 1 }), { maxLength: 3 }),
    isConditional: fc.boolean(),
    isOptional: fc.boolean(),
  });

const randomRun: fc.Arbitrary<RandomRun> = fc.nat({ max: 7 }).chain((last) =>
  fc.record({
    steps: fc.tuple(...Array.from({ length: last + 1 }, (_, position) => randomStep(position))),
    concurrency: fc.integer({ min: 1, max: 4 }),
    onFailure: fc.constantFrom("stop" as const, "continue_independent" as const),
    messages: fc.array(
      fc.record({
        atMs: fc.constantFrom(0, 1, 5, 60, 2_500),
        kind: fc.constantFrom("cancel" as const, "pause" as const, "signal" as const, "decision" as const, "signal" as const),
        step: fc.nat({ max: last }),
      }),
      { maxLength: 4 },
    ),
  }),
);

function sealed(run: RandomRun): Runbook {
  const steps = run.steps.map((step, position): StepSketch => {
    const [first] = step.dependsOn;
    const isWrite = ["idempotent", "manual", "reconcile", "durable"].includes(step.kind);
    const recovery = step.kind === "manual" || step.kind === "reconcile" ? step.kind : "idempotent";
    return {
      id: `s${position}`,
      dependsOn: step.dependsOn.map((index) => `s${index}`).sort(),
      args: first === undefined ? {} : { from: resultOf(`s${first}`) },
      effect: isWrite ? "write" : step.kind === "read" ? "read" : "pure",
      ...(isWrite && { recovery }),
      mode: step.kind === "durable" ? "durable" : step.kind === "gate" ? "human_gate" : "sync",
      verb: step.kind === "gate" ? "test.gate" : "test.work",
      timeoutMs: 3_000,
      retry: { attemptsMax: 2, baseMs: 100, maxMs: 400 },
      ...(step.isConditional && first !== undefined && { when: { $: "ne", of: [resultOf(`s${first}`), "no"] } as const }),
      ...(step.isOptional && { optional: step.dependsOn.map((index) => `s${index}`).sort() }),
    };
  });
  return buildRunbook({ steps, execution: { onFailure: run.onFailure }, output: { last: resultOf(`s${run.steps.length - 1}`) } });
}

/** Handlers as the random run has them, and what they saw. */
function verbsOf(
  run: RandomRun,
  rig: () => { readonly env: Pick<ManualEnv, "sleep"> },
  calls: { id: string; attempt: number }[],
): { readonly [name: string]: VerbSketch } {
  const work: VerbSketch["run"] = async (_, ctx) => {
    calls.push({ id: ctx.stepId, attempt: ctx.attempt });
    const step = run.steps[Number(ctx.stepId.slice(1))];
    if (step === undefined) throw new Error("no such step");
    if (step.delayMs > 0) await rig().env.sleep(step.delayMs);
    const how = step.behaviour[Math.min(ctx.attempt, step.behaviour.length) - 1];
    if (how === "fails") throw new Error("again");
    if (how === "gives_up") throw Object.assign(new Error("no"), { retryable: false });
    if (how === "never") return new Promise(() => undefined);
    if (how === "bad_result") return 0.5;
    if (step.kind === "durable") return ctx.park({ key: ctx.stepId, ...(how === "reads_false" && { until: "5s" as const }) });
    return how === "reads_false" ? "no" : ctx.stepId;
  };
  const reconcile: VerbSketch["reconcile"] = async (_, ctx) => {
    const kinds = ["done", "not_done", "unknown"] as const;
    const kind = kinds[Number(ctx.stepId.slice(1)) % 3] ?? "unknown";
    return kind === "done" ? { kind, result: "reconciled" } : { kind };
  };
  return { "test.work": { run: work, reconcile }, "test.gate": {} };
}

async function play(
  run: RandomRun,
): Promise<{ rig: Rig; runId: string; runbook: Runbook; end: DriveEnd; calls: { id: string; attempt: number }[] }> {
  const calls: { id: string; attempt: number }[] = [];
  const holder: { rig?: Rig } = {};
  const found = (): Rig => {
    if (holder.rig === undefined) throw new Error("not yet");
    return holder.rig;
  };
  const rig = new Rig({ verbs: verbsOf(run, found, calls) });
  holder.rig = rig;
  const runbook = sealed(run);
  const runId = await rig.submit(runbook, { concurrency: run.concurrency });
  for (const [index, message] of run.messages.entries()) {
    rig.env.schedule(message.atMs, () => {
      const stepId = `s${message.step}`;
      const yes = {
        verdict: message.atMs === 5 ? "reject" : "approve",
        issuer: "i",
        subject: "s",
        vouchedBy: "host",
        payload: 1,
      } as const;
      void rig.put(
        message.kind === "cancel"
          ? cancelMessage("default", runId, { reason: "enough", by: null })
          : message.kind === "pause"
            ? pauseMessage("default", runId, { by: null, nonce: String(index) })
            : message.kind === "signal"
              ? signalMessage("default", runId, stepId, index)
              : decisionMessage("default", runId, stepId, yes),
      );
    });
  }
  const end = await rig.drive(runbook, runId);
  await rig.env.advance(10_000);
  return { rig, runId, runbook, end, calls };
}

/** Replays a random run both ways; handlers that are called again take no time, and those of writing steps are not called. */
async function expectReplays(run: RandomRun, rig: Rig, runbook: Runbook, runId: string): Promise<void> {
  const calls: { id: string; attempt: number }[] = [];
  const timeless = { env: { sleep: async () => undefined } };
  const handlers = asPure(handlersOf(verbsOf(run, () => timeless, calls)));
  const parts = { stores: rig.stores, handlers };
  expect((await replayed({ parts, runbook, runId })).divergences).toEqual([]);
  expect(calls).toEqual([]);
  const report = await replayed({ parts, runbook, runId, mode: "re_simulate" });
  expect(report.divergences).toEqual([]);
  expect(report.handlerCalls).toEqual({ pure: calls.length, read: 0, write: 0 });
  const pure = new Set(run.steps.flatMap(({ kind }, position) => (kind === "pure" ? [`s${position}`] : [])));
  expect(calls.filter(({ id }) => !pure.has(id))).toEqual([]);
}

const ENDS = ["run.completed", "run.failed", "run.canceled"];

describe("random runs, whatever their handlers, messages and interleavings do", () => {
  test("have at most one end, nothing behind it, legal attempts, a log that folds at every prefix, verifies and replays (X.5-16, decision 3.17)", async () => {
    await fc.assert(
      fc.asyncProperty(randomRun, async (run) => {
        const { rig, runId, runbook, end, calls } = await play(run);
        if (end.kind !== "rested") throw new Error(`ended ${end.kind}`);
        const events = await rig.events(runId);
        const ends = events.filter((event) => ENDS.includes(event.kind));
        expect(ends.length).toBe(end.result.status === "parked" ? 0 : 1);
        if (ends.length === 1) expect(events.at(-1)?.kind).toBe(`run.${end.result.status}`);
        expect(logProblems(events)).toEqual([]);
        expectPrefixesFold(runbook, runId, events, end);
        expectOrder(run, events);
        expectOneCallEach(calls);
        await expectReplays(run, rig, runbook, runId);
        const stored = [];
        for await (const event of rig.stores.reader.read("default", runStream(runId))) stored.push(event);
        const head = await rig.stores.reader.head("default", runStream(runId));
        expect(
          verifyRun({ scope: "default", runId, runbook, events: stored, ...(head !== undefined && { projection: head }) })
            .problems,
        ).toEqual([]);
      }),
      { numRuns: 150 },
    );
  }, 120_000);
});

describe("a random run that is cut off after any commit", () => {
  test("comes to the same end, without calling again what had completed (X.5-10)", async () => {
    const steady = randomRun.map((run) => ({
      ...run,
      messages: [],
      onFailure: "continue_independent" as const,
      steps: run.steps.map(tame),
    }));
    await fc.assert(
      fc.asyncProperty(steady, fc.double({ min: 0, max: 1, noNaN: true }), async (run, where) => {
        const whole = await playFrom(run, []);
        const cut = 1 + Math.floor(where * (whole.commits.length - 2));
        const again = await playFrom(run, whole.commits.slice(0, cut));
        expect(ending(again.end)).toEqual(ending(whole.end));
        expect(again.calls.filter(({ id }) => again.completedBefore.includes(id))).toEqual([]);
      }),
      { numRuns: 100 },
    );
  }, 120_000);
});

/** The same step with nothing in it that depends on time or on how often it was tried. */
function tame(step: RandomStep): RandomStep {
  const [how = "ok"] = step.behaviour;
  const isSteady = how === "ok" || how === "gives_up" || how === "reads_false";
  const isPlain = step.kind === "pure" || step.kind === "read" || step.kind === "idempotent";
  return { ...step, behaviour: [isSteady ? how : "ok"], kind: isPlain ? step.kind : "idempotent" };
}

interface Played {
  readonly end: DriveEnd;
  readonly commits: readonly (readonly StreamWrite[])[];
  readonly calls: readonly { readonly id: string; readonly attempt: number }[];
  readonly completedBefore: readonly string[];
}

/** Plays a run from the beginning, or from what the commits of another process left. */
async function playFrom(run: RandomRun, before: readonly (readonly StreamWrite[])[]): Promise<Played> {
  const calls: { id: string; attempt: number }[] = [];
  const env = new ManualEnv();
  const base = new Rig({ env, ownerAlive: () => false });
  const verbs = verbsOf(run, () => base, calls);
  await playCommits(base.stores, before);
  const { stores, commits } = recordCommits(base.stores);
  const rig = new Rig({ env, stores, verbs });
  const runbook = sealed(run);
  const [first] = before;
  const runId = first?.[0]?.stream.slice(4) ?? (await rig.submit(runbook, { concurrency: run.concurrency }));
  const completedBefore = (await rig.events(runId)).flatMap((event) =>
    event.kind === "step.completed" ? [event.payload.stepId] : [],
  );
  const end = await rig.drive(runbook, runId, {}, "recovered");
  await expectReplays(run, rig, runbook, runId);
  return { end, commits, calls, completedBefore };
}

function ending(end: DriveEnd): unknown {
  if (end.kind !== "rested") throw new Error(`ended ${end.kind}`);
  const { result, view } = end;
  const steps = view.steps.map(({ stepId, status, skipReason, result: given }) => ({ stepId, status, skipReason, given }));
  return { status: result.status, output: result.status === "completed" ? result.output : null, steps };
}

/** Any prefix is a state, and the state of the whole is what the drive saw while it happened. */
function expectPrefixesFold(
  runbook: Runbook,
  runId: string,
  events: readonly AnyEvent[],
  end: Extract<DriveEnd, { kind: "rested" }>,
): void {
  const plan = runPlanOf(runbook);
  const state = beginState(plan, "default", runId);
  for (const [index, event] of events.entries()) {
    fold(state, event);
    const { completed, failed, skipped, total } = runViewOf(state).counts;
    expect(completed + failed + skipped).toBeLessThanOrEqual(total);
    const again = beginState(plan, "default", runId);
    if (index % 7 === 0) {
      for (const earlier of events.slice(0, index + 1)) fold(again, earlier);
      expect(runViewOf(again)).toEqual(runViewOf(state));
    }
  }
  const { submittedAt: _s, startedAt: _t, endedAt: _e, ...view } = runViewOf(state);
  expect(end.view).toMatchObject(view);
}

/** A step is entered only when everything that it depends on has ended. */
function expectOrder(run: RandomRun, events: readonly AnyEvent[]): void {
  const ended = new Set<string>();
  for (const event of events) {
    if (event.kind === "step.entered") {
      const position = Number(event.payload.stepId.slice(1));
      for (const before of run.steps[position]?.dependsOn ?? []) expect(ended).toContain(`s${before}`);
    }
    if (event.kind === "step.completed" || event.kind === "step.skipped") ended.add(event.payload.stepId);
    if (event.kind === "step.failed" && event.payload.final) ended.add(event.payload.stepId);
  }
}

/** No attempt is dispatched twice. */
function expectOneCallEach(calls: readonly { readonly id: string; readonly attempt: number }[]): void {
  const named = calls.map(({ id, attempt }) => `${id} ${attempt}`);
  expect(new Set(named).size).toBe(named.length);
}
