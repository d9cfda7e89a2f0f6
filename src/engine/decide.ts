import type { EventDraft } from "../model/event.js";
import type { Failure } from "../model/failure.js";
import type { ParkReason } from "../model/run.js";
import type { RunState, StepRecord } from "../history/run-state.js";
import type { StepId } from "../model/ids.js";
import { ORPHAN_RECOVERED } from "../history/fold-step.js";
import { RunsealError } from "../errors/error.js";
import { recordAt } from "../history/run-state.js";

/** What was asked of a run from outside and is not history yet. */
export interface Demands {
  readonly cancel: { readonly reason: string; readonly by: string | null } | null;
  readonly pause: { readonly by: string | null } | null;
  /** The process wants to stop: no new step. */
  readonly isDraining: boolean;
}

/** Nothing is asked. */
export const NO_DEMANDS: Demands = { cancel: null, pause: null, isDraining: false };

/** The failure of a run, and the step it came from. */
export type RunFailure = Failure & { readonly stepId: StepId | null };

/** The next thing to do for a run. */
export type Effect =
  /** Append events that follow from the log alone. */
  | { readonly kind: "record"; readonly events: readonly EventDraft[] }
  /** Lock the write-set of the steps that are left. */
  | { readonly kind: "lock" }
  /** Decide the condition, complete the arguments and enter a step. */
  | { readonly kind: "start"; readonly stepId: StepId }
  /** Ask the verb whether the effect of a cut-off attempt happened. */
  | { readonly kind: "reconcile"; readonly stepId: StepId }
  /** Give a step that is parked or in doubt the signal or the decision that is there for it. */
  | { readonly kind: "answer"; readonly stepId: StepId }
  /** Abort and fence what is in flight. */
  | { readonly kind: "fence"; readonly reason: string }
  /** Nothing until a handler ends, a message comes, or the clock reaches `until`. */
  | { readonly kind: "wait"; readonly until: number | null }
  | { readonly kind: "complete" }
  | { readonly kind: "fail"; readonly failure: RunFailure }
  | { readonly kind: "cancel"; readonly reason: string; readonly by: string | null }
  | { readonly kind: "pause" }
  | {
      readonly kind: "park";
      readonly reason: ParkReason;
      readonly stepId: StepId | null;
      readonly key: string | null;
      readonly until: number | null;
    }
  /** Leave the run as it is to another process. */
  | { readonly kind: "hand_over" }
  /** The run has ended or rests. */
  | { readonly kind: "rest" };

/** Crashes in a row that one step may cause before it is given up (at least; `retry.attemptsMax` where that is more). */
export const CRASHES_MAX = 3;

/** What decide must know of the engine's options and of the run's host. */
export interface Pace {
  readonly concurrency: number;
  readonly retryInProcessMs: number;
}

/**
 * Says what to do next: a pure function of the run, the time, and what was asked from outside.
 *
 * One effect at a time; the loop carries it out, folds what came of it, and asks again. Where several ends are possible the order is
 * that of decision 3.15: authority lost, canceled, out of time, failed, completed.
 *
 * Cost: O(1), plus O(steps in flight, parked or cut off) where one of those must be chosen.
 */
export function decide(state: RunState, now: number, demands: Demands, pace: Pace): Effect {
  if (state.status !== "running") return { kind: "rest" };
  return decideEnd(state, now, demands) ?? decideDue(state, now) ?? decideHalt(state, demands) ?? decideWork(state, now, pace);
}

/** Ends that come from outside: they fence what is in flight. */
function decideEnd(state: RunState, now: number, demands: Demands): Effect | undefined {
  const isOpen = state.inFlight.size > 0 || state.orphans.size > 0;
  if (state.isLockLost) return isOpen ? { kind: "fence", reason: "lock_lost" } : { kind: "fail", failure: LOCK_LOST };
  if (demands.cancel !== null) return isOpen ? { kind: "fence", reason: "canceled" } : { kind: "cancel", ...demands.cancel };
  if (state.deadlineAt !== null && now >= state.deadlineAt) {
    return isOpen ? { kind: "fence", reason: "deadline" } : { kind: "fail", failure: OUT_OF_TIME };
  }
  return undefined;
}

/** What follows from the log and the clock without any handler: cut-off attempts, answers, waits that ended. */
function decideDue(state: RunState, now: number): Effect | undefined {
  const events = state.orphans.size === 0 ? undefined : closeFirstOrphan(state);
  if (events !== undefined) return { kind: "record", events };
  const answered = first(state.answered);
  if (answered !== undefined) return { kind: "answer", stepId: recordAt(state, answered).step.id };
  const limit = state.limits.peek();
  if (limit === undefined || limit.at > now) return undefined;
  const record = recordAt(state, limit.position);
  if (record.wait?.reason === "awaiting_child" || record.wait?.otherwise !== undefined)
    return { kind: "answer", stepId: record.step.id };
  return { kind: "record", events: [waitTimeout(record, limit.at)] };
}

function closeFirstOrphan(state: RunState): readonly EventDraft[] | undefined {
  for (const position of state.orphans) {
    const events = closeOrphan(recordAt(state, position));
    if (events !== undefined) return events;
  }
  return undefined;
}

/** Reasons to start nothing more. */
function decideHalt(state: RunState, demands: Demands): Effect | undefined {
  if (isStopping(state)) return undefined;
  const isPaused = demands.pause !== null || state.isPaused;
  if (!isPaused && !demands.isDraining) return undefined;
  // a run rests with no attempt open: what a crash cut off is settled first
  if (isPaused && state.orphans.size > 0) return undefined;
  if (state.inFlight.size > 0) return { kind: "wait", until: earliest(state, false) };
  return isPaused ? { kind: "pause" } : { kind: "hand_over" };
}

function decideWork(state: RunState, now: number, pace: Pace): Effect {
  const orphan = least(state.orphans);
  if (orphan !== undefined) return locked(state, { kind: "reconcile", stepId: recordAt(state, orphan).step.id });
  if (isStopping(state)) return decideStop(state);
  const isFull = state.inFlight.size >= pace.concurrency;
  const next = isFull ? undefined : nextStep(state, now);
  if (next !== undefined) return decideStep(state, next);
  if (state.inFlight.size > 0) return { kind: "wait", until: earliest(state, !isFull) };
  return decideRest(state, now, pace);
}

/** A step failed or is in doubt, and the runbook says to stop: what is in flight ends, the rest is left. */
function isStopping(state: RunState): boolean {
  if (state.plan.content.execution.onFailure !== "stop") return false;
  return state.firstFailed !== null || state.inDoubt.size > 0;
}

function decideStop(state: RunState): Effect {
  if (state.inFlight.size > 0) return { kind: "wait", until: earliest(state, false) };
  return decideDoubt(state) ?? { kind: "fail", failure: firstFailure(state) };
}

function nextStep(state: RunState, now: number): StepRecord | undefined {
  const ready = state.ready.peek();
  const retry = state.retries.peek();
  const due = retry !== undefined && retry.at <= now ? retry.position : undefined;
  if (ready === undefined) return due === undefined ? undefined : recordAt(state, due);
  return recordAt(state, due === undefined ? ready : Math.min(ready, due));
}

function decideStep(state: RunState, record: StepRecord): Effect {
  const reason = skipReasonOf(state, record);
  if (reason !== undefined) {
    return { kind: "record", events: [{ kind: "step.skipped", payload: { stepId: record.step.id, reason } }] };
  }
  return locked(state, { kind: "start", stepId: record.step.id });
}

function skipReasonOf(state: RunState, record: StepRecord): string | undefined {
  if (record.failedDependency !== null) return "dependency_failed";
  if (record.skippedDependencies.length > 0) return "dependency_skipped";
  const { skipTags } = state.plan.content.execution;
  const isTagged = skipTags !== undefined && record.step.tags?.some((tag) => skipTags.includes(tag)) === true;
  return isTagged ? "tag" : undefined;
}

function locked(state: RunState, effect: Effect): Effect {
  return state.plan.touches && !state.isLocked ? { kind: "lock" } : effect;
}

/** Nothing is in flight and nothing can start: the run ends, parks, or waits for a retry that is near. */
function decideRest(state: RunState, now: number, pace: Pace): Effect {
  const { completed, failed, skipped } = state.counts;
  if (completed + failed + skipped === state.steps.length) {
    return state.firstFailed === null ? { kind: "complete" } : { kind: "fail", failure: firstFailure(state) };
  }
  const retry = state.retries.peek();
  if (retry !== undefined && retry.at - now <= pace.retryInProcessMs) return { kind: "wait", until: earliest(state, true) };
  const doubt = decideDoubt(state);
  if (doubt !== undefined) return doubt;
  const parked = least(state.parked);
  const until = earliest(state, true);
  if (parked !== undefined) {
    const { step, wait } = recordAt(state, parked);
    return { kind: "park", reason: wait?.reason ?? "awaiting_signal", stepId: step.id, key: wait?.key ?? null, until };
  }
  if (retry !== undefined) {
    return { kind: "park", reason: "retry", stepId: recordAt(state, retry.position).step.id, key: null, until };
  }
  throw new RunsealError("internal.invariant", `broken invariant: run "${state.runId}" can neither go on nor end`, {
    rule: "a run that has not ended has a step to start, to wait for, or to settle",
  });
}

function decideDoubt(state: RunState): Effect | undefined {
  const doubt = least(state.inDoubt);
  if (doubt === undefined) return undefined;
  return { kind: "park", reason: "in_doubt", stepId: recordAt(state, doubt).step.id, key: null, until: state.deadlineAt };
}

/**
 * The earliest time at which the clock alone gives the run something to do.
 *
 * @param withRetries - whether a retry that falls due could start: else waiting for it would be waiting for nothing
 */
function earliest(state: RunState, withRetries: boolean): number | null {
  const retry = withRetries ? (state.retries.peek()?.at ?? null) : null;
  return sooner(sooner(retry, state.limits.peek()?.at ?? null), state.deadlineAt);
}

function sooner(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

/** Parallel steps may fail in any order; the run's failure is that of the first in plan order. */
function firstFailure(state: RunState): RunFailure {
  const record = recordAt(state, state.firstFailed ?? 0);
  const { code = "step.failed", category = "unknown", message = "" } = record.failure ?? {};
  return { code, category, retryable: false, message, stepId: record.step.id };
}

/** What closes a cut-off attempt at once; `undefined` where the verb must be asked first. */
function closeOrphan(record: StepRecord): readonly EventDraft[] | undefined {
  const { step, attempt } = record;
  // of a transaction that has left no completion nothing is left
  const isRepeatable = step.effect !== "write" || step.transactional === true;
  const recovery = isRepeatable ? "idempotent" : (step.recovery ?? "manual");
  if (recovery === "reconcile") return undefined;
  if (recovery === "idempotent") return [orphanClosed(record)];
  const payload = { stepId: step.id, attempt, recovery, reason: "the process ended during the attempt" };
  return [{ kind: "step.in_doubt", payload }];
}

/** Closes an attempt that a crash cut off, so that a new one may be entered (D-075). */
export function orphanClosed(record: StepRecord): EventDraft {
  const { step, attempt, orphans } = record;
  const isLast = orphans + 1 >= Math.max(CRASHES_MAX, step.retry.attemptsMax);
  const message = isLast
    ? `attempt ${attempt} was cut off, as ${orphans} before it were; the step is given up`
    : `attempt ${attempt} was cut off: the process ended, or lost the run`;
  const failure = { code: ORPHAN_RECOVERED, category: "unknown", message };
  return { kind: "step.failed", payload: { stepId: step.id, attempt, ...failure, retryable: true, final: isLast } };
}

function waitTimeout({ step, attempt }: StepRecord, at: number): EventDraft {
  const message = `nobody answered "${step.id}" until ${at}`;
  const failure = { code: "wait.timeout", category: "timeout", message, retryable: false, final: true };
  return { kind: "step.failed", payload: { stepId: step.id, attempt, ...failure } };
}

function least(positions: ReadonlySet<number>): number | undefined {
  let least: number | undefined;
  if (positions.size === 0) return least;
  for (const position of positions) if (least === undefined || position < least) least = position;
  return least;
}

function first(positions: ReadonlySet<number>): number | undefined {
  if (positions.size === 0) return undefined;
  const [position] = positions;
  return position;
}

const LOCK_LOST: RunFailure = {
  code: "lock.lost",
  category: "policy",
  retryable: false,
  message: "the locks of the run were lost",
  stepId: null,
};

const OUT_OF_TIME: RunFailure = {
  code: "run.deadline_passed",
  category: "timeout",
  retryable: false,
  message: "the run's deadline passed",
  stepId: null,
};
