import { describe, expect, test } from "vitest";
import type { Demands, Effect } from "../../src/engine/decide.js";
import type { EventDraft, RunEvent } from "../../src/model/event.js";
import type { RunbookSketch } from "./build-runbook.js";
import type { RunState } from "../../src/history/run-state.js";
import { NO_DEMANDS, decide } from "../../src/engine/decide.js";
import { beginState } from "../../src/history/run-state.js";
import { buildRunbook, written } from "./build-runbook.js";
import { fold } from "../../src/history/fold.js";
import { runPlanOf } from "../../src/history/run-plan.js";

/** A state after events that a test names; hashes play no part. */
function stateAfter(sketch: RunbookSketch, drafts: readonly EventDraft[]): RunState {
  const state = beginState(runPlanOf(buildRunbook(sketch)), "default", "r");
  for (const draft of drafts) {
    const event = { seq: state.seq + 1, v: 1, epoch: 1, at: 0, hash: "h", kind: draft.kind, payload: draft.payload } as RunEvent;
    fold(state, event);
  }
  return state;
}

const begun: readonly EventDraft[] = [
  { kind: "lease.taken", payload: { owner: "o", epoch: 1, leaseMs: 1, previous: null } },
  {
    kind: "run.started",
    payload: { runbookId: "rb_x", manifestId: null, approvals: [], build: {}, owner: "o", epoch: 1, deadlineAt: null },
  },
];
const deadline = (at: number): EventDraft => ({
  kind: "run.started",
  payload: { runbookId: "rb_x", manifestId: null, approvals: [], build: {}, owner: "o", epoch: 1, deadlineAt: at },
});
const entered = (stepId: string, attempt = 1): EventDraft => ({ kind: "step.entered", payload: { stepId, attempt } });
const completed = (stepId: string, attempt = 1): EventDraft => ({
  kind: "step.completed",
  payload: { stepId, attempt, result: null, declared: [] },
});
const failed = (stepId: string, final: boolean, attempt = 1): EventDraft => ({
  kind: "step.failed",
  payload: { stepId, attempt, code: "x.y", category: "unknown", message: "m", retryable: !final, final },
});
const retry = (stepId: string, at: number): EventDraft => ({ kind: "step.retry_scheduled", payload: { stepId, attempt: 2, at } });
const parked = (stepId: string, until: number | null): EventDraft => ({
  kind: "step.parked",
  payload: { stepId, attempt: 1, reason: "awaiting_signal", key: stepId, until },
});
const doubt = (stepId: string): EventDraft => ({
  kind: "step.in_doubt",
  payload: { stepId, attempt: 1, recovery: "manual", reason: "r" },
});

function next(state: RunState, now = 0, demands: Partial<Demands> = {}, concurrency = 1): Effect {
  return decide(state, now, { ...NO_DEMANDS, ...demands }, { concurrency, retryInProcessMs: 1_000 });
}

const ab = { steps: [{ id: "a" }, { id: "b" }] };

describe("decide", () => {
  test("has nothing to do for a run that is not running", () => {
    expect(next(stateAfter(ab, []))).toEqual({ kind: "rest" });
  });

  test("starts the first ready step in plan order, as many at a time as allowed, and then waits", () => {
    expect(next(stateAfter(ab, begun))).toEqual({ kind: "start", stepId: "a" });
    expect(next(stateAfter(ab, [...begun, entered("a")]))).toEqual({ kind: "wait", until: null });
    expect(next(stateAfter(ab, [...begun, entered("a")]), 0, {}, 2)).toEqual({ kind: "start", stepId: "b" });
    expect(next(stateAfter(ab, [...begun, entered("b"), completed("b")]))).toEqual({ kind: "start", stepId: "a" });
  });

  test("does not change the state it looks at", () => {
    const state = stateAfter(ab, begun);
    expect(next(state)).toEqual(next(state));
  });

  test("prefers a retry that is due where it comes first in the plan, and waits for one that is near", () => {
    const tried = [...begun, entered("a"), failed("a", false), retry("a", 500)];
    expect(next(stateAfter(ab, tried), 499)).toEqual({ kind: "start", stepId: "b" });
    expect(next(stateAfter(ab, tried), 500)).toEqual({ kind: "start", stepId: "a" });
    const alone = [...tried, entered("b"), completed("b")];
    expect(next(stateAfter(ab, alone), 0)).toEqual({ kind: "wait", until: 500 });
    const far = [...begun, entered("a"), failed("a", false), retry("a", 5_000), entered("b"), completed("b")];
    expect(next(stateAfter(ab, far), 0)).toEqual({ kind: "park", reason: "retry", stepId: "a", key: null, until: 5_000 });
  });

  test("does not wait for a due retry while there is no hand free for it", () => {
    const tried = [...begun, entered("a"), failed("a", false), retry("a", 500), entered("b")];
    expect(next(stateAfter(ab, tried), 600)).toEqual({ kind: "wait", until: null });
    expect(next(stateAfter(ab, tried), 400, {}, 2)).toEqual({ kind: "wait", until: 500 });
    expect(next(stateAfter(ab, tried), 600, {}, 2)).toEqual({ kind: "start", stepId: "a" });
  });

  test("locks before the first step of a run that touches entities, and again under a new lease", () => {
    const touching = { steps: [{ id: "a", effect: "write" as const, writes: [written("account", "1")] }] };
    expect(next(stateAfter(touching, begun))).toEqual({ kind: "lock" });
    const locked: EventDraft = { kind: "lock.acquired", payload: { locks: [], waitedMs: 0 } };
    expect(next(stateAfter(touching, [...begun, locked]))).toEqual({ kind: "start", stepId: "a" });
    const again: EventDraft = { kind: "lease.taken", payload: { owner: "o", epoch: 2, leaseMs: 1, previous: "o" } };
    expect(next(stateAfter(touching, [...begun, locked, again]))).toEqual({ kind: "lock" });
  });

  test("parks on the first waiting step in plan order until the clock alone moves the run", () => {
    const waiting = [...begun, entered("a"), parked("a", 9_000), entered("b"), parked("b", 7_000)];
    expect(next(stateAfter(ab, waiting))).toEqual({
      kind: "park",
      reason: "awaiting_signal",
      stepId: "a",
      key: "a",
      until: 7_000,
    });
    const { kind } = next(stateAfter(ab, waiting), 7_000);
    expect(kind).toBe("record");
  });

  test("ends by the order of decision 3.15: authority lost, canceled, out of time, failed, completed", () => {
    const done = [...begun, entered("a"), completed("a"), entered("b"), completed("b")];
    const lost: EventDraft = { kind: "lock.lost", payload: { reason: "r" } };
    const cancel = { reason: "enough", by: null };
    const all = stateAfter(ab, [deadline(5), ...done.slice(2), lost]);
    expect(next(all, 10, { cancel })).toMatchObject({ kind: "fail", failure: { code: "lock.lost" } });
    const late = stateAfter(ab, [deadline(5), ...done.slice(2)]);
    expect(next(late, 10, { cancel })).toEqual({ kind: "cancel", ...cancel });
    expect(next(late, 10)).toMatchObject({ kind: "fail", failure: { code: "run.deadline_passed" } });
    expect(next(stateAfter(ab, [...begun, entered("a"), failed("a", true)]))).toMatchObject({
      kind: "fail",
      failure: { stepId: "a" },
    });
    expect(next(stateAfter(ab, done))).toEqual({ kind: "complete" });
  });

  test("fences what is in flight before an end that comes from outside", () => {
    const cancel = { reason: "enough", by: null };
    expect(next(stateAfter(ab, [...begun, entered("a")]), 0, { cancel })).toEqual({ kind: "fence", reason: "canceled" });
    expect(next(stateAfter(ab, [deadline(5), entered("a")]), 5)).toEqual({ kind: "fence", reason: "deadline" });
    const lost: EventDraft = { kind: "lock.lost", payload: { reason: "r" } };
    expect(next(stateAfter(ab, [...begun, entered("a"), lost]))).toEqual({ kind: "fence", reason: "lock_lost" });
  });

  test("pauses and hands over at a step boundary, but lets a run end that is about to fail", () => {
    const pause = { by: null };
    expect(next(stateAfter(ab, [...begun, entered("a")]), 0, { pause })).toEqual({ kind: "wait", until: null });
    expect(next(stateAfter(ab, begun), 0, { pause })).toEqual({ kind: "pause" });
    expect(next(stateAfter(ab, begun), 0, { isDraining: true })).toEqual({ kind: "hand_over" });
    expect(next(stateAfter(ab, begun), 0, { pause, isDraining: true })).toEqual({ kind: "pause" });
    const broken = [...begun, entered("a"), failed("a", true)];
    expect(next(stateAfter(ab, broken), 0, { pause })).toMatchObject({ kind: "fail" });
  });

  test("lets what is in flight end before a failed run does, and settles doubts before failures", () => {
    const both = [...begun, entered("a"), entered("b"), failed("b", true)];
    expect(next(stateAfter(ab, both), 0, {}, 2)).toEqual({ kind: "wait", until: null });
    expect(next(stateAfter(ab, [...both, doubt("a")]))).toMatchObject({ kind: "park", reason: "in_doubt", stepId: "a" });
  });

  test("closes cut-off attempts by their recovery class, at once or after asking", () => {
    const again: EventDraft = { kind: "lease.taken", payload: { owner: "o", epoch: 2, leaseMs: 1, previous: "o" } };
    const cut = (step: object): RunState => stateAfter({ steps: [{ id: "a", ...step }] }, [...begun, entered("a"), again]);
    expect(next(cut({ effect: "read" }))).toMatchObject({ events: [{ kind: "step.failed", payload: { final: false } }] });
    expect(next(cut({ effect: "write", recovery: "manual" }))).toMatchObject({ events: [{ kind: "step.in_doubt" }] });
    expect(next(cut({ effect: "write", recovery: "reconcile" }))).toEqual({ kind: "reconcile", stepId: "a" });
  });

  test("throws where a run could neither go on nor end, instead of waiting for ever", () => {
    const state = stateAfter(ab, begun);
    for (const record of state.steps) record.status = "entered";
    for (const record of state.steps) record.retryAt = 1;
    while (state.ready.pop() !== undefined);
    expect(() => next(state)).toThrow(expect.objectContaining({ code: "internal.invariant" }));
  });
});
