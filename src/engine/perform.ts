import type { Attempt, Scene } from "./call-attempt.js";
import type { ChildRest } from "./step-context.js";
import type { EventDraft } from "../model/event.js";
import type { Failure } from "../model/failure.js";
import type { Outcome } from "./step-outcome.js";
import type { Park } from "../model/park.js";
import type { Recall } from "./parts.js";
import type { Reconciliation } from "../model/handler-entry.js";
import type { StepRecord } from "../history/run-state.js";
import type { ThrownFailure } from "./failure-of.js";
import { attemptInTransaction } from "./perform-transaction.js";
import { callAttempt, failureOutcome, momentOf, withSnapshot } from "./call-attempt.js";
import { checkResult, completed, inDoubt, returned } from "./step-outcome.js";
import { failedAttempt } from "./retry.js";
import { isPark } from "../model/park.js";
import { orphanClosed } from "./decide.js";
import { present } from "../errors/invariant.js";

/** How often a verb is asked whether its effect happened before a person is. */
const RECONCILE_TRIES = 3;
/** Upper bound of the pause between two of them, milliseconds. */
const RECONCILE_PAUSE_MS = 500;

/**
 * Makes one attempt: the only place where handlers are awaited. Says what came of it; `undefined` when it was aborted from outside, or when what
 * came of it is in the history already, committed with the effect.
 *
 * Never rejects because of what a handler does.
 */
export function performAttempt(scene: Scene, attempt: Attempt): Promise<Outcome | undefined> {
  return attempt.lateLocks.length === 0 ? attemptOnce(scene, attempt) : attemptLocked(scene, attempt);
}

async function attemptLocked(scene: Scene, attempt: Attempt): Promise<Outcome | undefined> {
  const late = await lockLate(scene, attempt);
  if (late.kind !== "taken") {
    attempt.onSettled();
    return late.kind === "refused" ? { events: late.events, artifacts: [] } : undefined;
  }
  const outcome = await attemptOnce(scene, attempt, late.events);
  return outcome === undefined || late.events.length === 0
    ? outcome
    : { ...outcome, events: [...late.events, ...outcome.events] };
}

/**
 * Asks the verb whether the effect of a cut-off attempt happened, and says what follows for the step; `undefined` when it was aborted
 * from outside.
 */
export async function performReconcile(scene: Scene, attempt: Attempt): Promise<Outcome | undefined> {
  const recall = scene.parts.recall?.(attempt.record, "reconcile");
  if (recall !== undefined) return recalled(scene, attempt, recall);
  const outcome = await reconcile(scene, attempt);
  attempt.onSettled();
  return outcome === "not_done" ? { events: [orphanClosed(attempt.record)], artifacts: [] } : outcome;
}

async function recalled({ stop }: Scene, attempt: Attempt, recall: Recall): Promise<Outcome | undefined> {
  const outcome = await stop.during((signal) => recall(signal, attempt.onLate));
  attempt.onSettled();
  return outcome;
}

async function attemptOnce(scene: Scene, attempt: Attempt, late: readonly EventDraft[] = []): Promise<Outcome | undefined> {
  const recall = scene.parts.recall?.(attempt.record, "run");
  if (recall !== undefined) return recalled(scene, attempt, recall);
  if (attempt.record.step.transactional === true) return attemptInTransaction(scene, attempt, late);
  const run = present(attempt.entry.run, "an attempt is made of a verb that has a handler");
  const { end, declared, rests } = await callAttempt(scene, attempt, { handler: run, what: "handler" });
  const { step } = attempt.record;
  // whatever the handler made of it: it waits for a child
  if (rests !== undefined && (end.kind === "returned" || end.kind === "threw")) return waitsForChild(attempt, rests);
  switch (end.kind) {
    case "aborted":
      return undefined;
    case "returned":
      if (step.mode === "durable" && isPark(end.value)) return parked(attempt, end.value);
      return returned(
        { step, attempt: attempt.number, entry: attempt.entry, declared, staged: attempt.staged.delta() },
        end.value,
      );
    case "threw":
      return withSnapshot(attempt, await settleThrown(scene, attempt, end.failure));
    case "timeout":
      return withSnapshot(attempt, await settleUnsure(scene, attempt, timeoutOf(attempt.record)));
  }
}

interface Late {
  readonly kind: "taken" | "refused" | "aborted";
  readonly events: readonly EventDraft[];
}

async function lockLate(scene: Scene, attempt: Attempt): Promise<Late> {
  const taken = await scene.stop.during((signal) => scene.locks.takeLate(attempt.lateLocks, signal));
  if (taken.kind === "taken") return { kind: "taken", events: [taken.event] };
  if (taken.kind === "aborted") return { kind: "aborted", events: [] };
  const { kind, id, holder } = taken.contended.payload;
  const message = `${kind} "${id}" is locked by ${holder ?? "somebody"}`;
  const failure = { code: "lock.contention", category: "policy", retryable: true, message } as const;
  return { kind: "refused", events: [taken.contended, ...failedAttempt(attempt.record, failure, momentOf(scene))] };
}

function parked(attempt: Attempt, park: Park): Outcome {
  const stepId = attempt.record.step.id;
  const { key, until, otherwise } = park;
  const staged = attempt.staged.delta();
  const more = { ...(otherwise !== undefined && { otherwise }), ...(staged && { delta: staged.delta }) };
  const timer: readonly EventDraft[] =
    otherwise === undefined || until === null ? [] : [{ kind: "timer.set", payload: { stepId, at: until, purpose: "park" } }];
  return {
    events: [
      ...(staged?.events ?? []),
      { kind: "step.parked", payload: { stepId, attempt: attempt.number, reason: "awaiting_signal", key, until, ...more } },
      { kind: "wait.opened", payload: { stepId, key, until } },
      ...timer,
    ],
    artifacts: staged?.artifacts ?? [],
  };
}

/** The step parks until its child goes on; then its handler is called again, and finds the child where it is. */
function waitsForChild(attempt: Attempt, { key, until }: ChildRest): Outcome {
  const stepId = attempt.record.step.id;
  return {
    events: [
      { kind: "step.parked", payload: { stepId, attempt: attempt.number, reason: "awaiting_child", key, until } },
      { kind: "wait.opened", payload: { stepId, key, until } },
    ],
    artifacts: [],
  };
}

/** A handler's own word that it failed. A verb that can be asked is asked before it is tried again. */
function settleThrown(scene: Scene, attempt: Attempt, failure: ThrownFailure): Promise<Outcome | undefined> {
  const { recovery } = attempt.record.step;
  if (recovery === "reconcile" && failure.retryable) return settleUnsure(scene, attempt, failure);
  // of a manual verb only the handler can say that nothing has happened
  const retryable = failure.retryable && (recovery !== "manual" || failure.isExplicit);
  return Promise.resolve(failureOutcome(scene, attempt, { ...failure, retryable }));
}

/** Nobody knows whether the effect happened: the recovery class says what to do (decision 3.11). */
async function settleUnsure(scene: Scene, attempt: Attempt, failure: Failure): Promise<Outcome | undefined> {
  const { step } = attempt.record;
  if (step.effect !== "write" || step.recovery === "idempotent") return failureOutcome(scene, attempt, failure);
  if (step.recovery !== "reconcile") return inDoubt({ step, attempt: attempt.number }, `${failure.code}: ${failure.message}`);
  const outcome = await reconcile(scene, attempt);
  return outcome === "not_done" ? failureOutcome(scene, attempt, failure) : outcome;
}

async function reconcile(scene: Scene, attempt: Attempt): Promise<Outcome | "not_done" | undefined> {
  const { parts, stop } = scene;
  const ask = attempt.entry.reconcile;
  const of = { step: attempt.record.step, attempt: attempt.number };
  if (ask === undefined) return inDoubt(of, "the verb has no reconcile handler here");
  let trouble = "";
  for (let tries = 0; tries < RECONCILE_TRIES; tries += 1) {
    if (tries > 0) await stop.during((signal) => parts.env.sleep(Math.floor(parts.env.random() * RECONCILE_PAUSE_MS), signal));
    const call = { handler: ask, what: "reconcile" } as const;
    const { end } = await callAttempt(scene, { ...attempt, onLate: ignore, onSettled: ignore }, call);
    if (end.kind === "returned") return reconciled(attempt, end.value);
    if (end.kind === "aborted") return undefined;
    trouble = end.kind === "threw" ? `${end.failure.code}: ${end.failure.message}` : "step.timeout: it had not answered in time";
  }
  return inDoubt(of, `reconcile gave no answer: ${trouble}`);
}

function reconciled(attempt: Attempt, answer: unknown): Outcome | "not_done" {
  const of = { step: attempt.record.step, attempt: attempt.number, entry: attempt.entry, declared: [], by: "reconcile" };
  if (!isReconciliation(answer)) return inDoubt(of, "reconcile answered something else than done, not_done or unknown");
  if (answer.kind === "not_done") return "not_done";
  if (answer.kind === "unknown") return inDoubt(of, "reconcile can't tell whether the effect happened");
  const checked = checkResult(attempt.entry, answer.result);
  return checked.ok ? completed(of, checked) : returned(of, answer.result);
}

function isReconciliation(answer: unknown): answer is Reconciliation {
  if (typeof answer !== "object" || answer === null || !("kind" in answer)) return false;
  return answer.kind === "not_done" || answer.kind === "unknown" || (answer.kind === "done" && "result" in answer);
}

function timeoutOf({ step }: StepRecord): Failure {
  const message = `the handler had not ended after ${step.timeoutMs} ms`;
  return { code: "step.timeout", category: "timeout", retryable: true, message };
}

function ignore(): void {
  // the engine does not wait for a reconcile handler that was given up
}
