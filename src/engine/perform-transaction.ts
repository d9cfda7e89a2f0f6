import type { Attempt, Called, Scene } from "./call-attempt.js";
import type { EventDraft } from "../model/event.js";
import type { Failure } from "../model/failure.js";
import type { Outcome } from "./step-outcome.js";
import { TRANSACTION_MS_MAX } from "../model/verb.js";
import { boundedMessage, failureOf } from "./failure-of.js";
import { callAttempt, failureOutcome, withSnapshot } from "./call-attempt.js";
import { checkResult, completed, failed } from "./step-outcome.js";
import { RunsealError, isRunsealError } from "../errors/error.js";
import { present } from "../errors/invariant.js";

/** Part of the time of a transaction that is kept for its commit, milliseconds. */
const COMMIT_MS = 250;

/**
 * Makes one attempt of a transactional verb: the handler works in a transaction of the store, and its completion is committed in the same one.
 *
 * Whatever else comes of the handler, the transaction is rolled back, so that nothing of it is there and nothing is in doubt; the failure is for the caller
 * to record outside.
 *
 * @param before - events that belong before the outcome
 * @returns what came of it; `undefined` when it was aborted from outside, or when it is in the history already
 */
export async function attemptInTransaction(
  scene: Scene,
  attempt: Attempt,
  before: readonly EventDraft[],
): Promise<Outcome | undefined> {
  const { faultPoint } = scene.parts;
  const run = present(attempt.entry.run, "an attempt is made of a verb that has a handler");
  const timeoutMs = Math.min(attempt.record.step.timeoutMs, TRANSACTION_MS_MAX - COMMIT_MS);
  const settle = whenAll(attempt.onSettled);
  const progress: { isRecorded: boolean; undone?: Undone } = { isRecorded: false };
  const rollBack = new RunsealError("internal.invariant", "a transaction is rolled back by what is thrown in it", {
    rule: "caught",
  });
  const isOver = settle();
  try {
    await scene.transact(async (transaction, record) => {
      faultPoint?.("transaction.opened");
      const called = await callAttempt(
        scene,
        { ...attempt, onSettled: settle() },
        { handler: run, what: "handler", timeoutMs, transaction },
      );
      const came = outcomeOf(scene, attempt, called, timeoutMs);
      if (came.kind === "undone") {
        progress.undone = came;
        throw rollBack;
      }
      const { outcome } = came;
      await transaction.assertSound?.();
      progress.isRecorded = true;
      await record({ ...outcome, events: [...before, ...outcome.events] });
      faultPoint?.("transaction.before_commit");
    });
    faultPoint?.("transaction.after_commit");
    return undefined;
  } catch (error) {
    if (error === rollBack) return progress.undone?.outcome;
    // once it is recorded nobody knows whether the commit happened; and who has lost the run has nothing to record
    if (progress.isRecorded || !isStoreTrouble(error)) throw error;
    return failureOutcome(scene, attempt, failureOf(error));
  } finally {
    isOver();
  }
}

/** Whether the store could not begin the transaction, or gave it up: nothing of it is there. */
function isStoreTrouble(error: unknown): boolean {
  return isRunsealError(error) && error.code.startsWith("store.") && error.code !== "store.conflict";
}

/** What is to be recorded outside of a transaction that is rolled back; nothing when the run was stopped. */
interface Undone {
  readonly kind: "undone";
  readonly outcome: Outcome | undefined;
}

/** The completion of an attempt, or why there is none. */
function outcomeOf(
  scene: Scene,
  attempt: Attempt,
  { end, declared }: Called,
  timeoutMs: number,
): { readonly kind: "completed"; readonly outcome: Outcome } | Undone {
  const { record, number, entry, staged } = attempt;
  const { step } = record;
  // who was stopped while the handler returned has nothing to say any more
  if (end.kind === "aborted" || scene.stop.isStopped) return undone(undefined);
  if (end.kind === "threw") return undone(withSnapshot(attempt, failureOutcome(scene, attempt, end.failure)));
  if (end.kind === "timeout")
    return undone(withSnapshot(attempt, failureOutcome(scene, attempt, tooLong(step.timeoutMs, timeoutMs))));
  const checked = checkResult(entry, end.value);
  if (checked.ok)
    return { kind: "completed", outcome: completed({ step, attempt: number, entry, declared, staged: staged.delta() }, checked) };
  const message = boundedMessage(checked.issues.join("; "));
  const failure = { code: "step.result_invalid", category: "bug", retryable: false, message } as const;
  return undone({ events: [failed(step, number, failure, true)], artifacts: [] });
}

function undone(outcome: Outcome | undefined): Undone {
  return { kind: "undone", outcome };
}

function tooLong(stepMs: number, timeoutMs: number): Failure {
  const message = `the handler had not ended after ${timeoutMs} ms, and its transaction was rolled back`;
  if (stepMs === timeoutMs) return { code: "step.timeout", category: "timeout", retryable: true, message };
  const why = `${message}: one may be open for ${TRANSACTION_MS_MAX} ms; do less in it, and wait for nothing but it`;
  return { code: "store.transaction_timeout", category: "timeout", retryable: true, message: why };
}

/** Calls back once all of what it gives out has been called. */
function whenAll(done: () => void): () => () => void {
  let open = 0;
  return () => {
    open += 1;
    return () => {
      open -= 1;
      if (open === 0) done();
    };
  };
}
