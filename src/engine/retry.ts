import type { EventDraft } from "../model/event.js";
import type { Failure } from "../model/failure.js";
import type { RetryPolicy } from "../model/verb.js";
import type { StepRecord } from "../history/run-state.js";
import { failed } from "./step-outcome.js";
import { retryBoundMs } from "../history/retry-bound.js";

/** Time and chance of one decision to try again. */
export interface RetryMoment {
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
  /** When the run ends anyway; `null` = never. */
  readonly deadlineAt: number | null;
}

/**
 * The delay before the next try: anything up to a bound that doubles with each failure (full jitter), in milliseconds.
 *
 * @param failures - failures so far, this one included
 */
export function retryDelayMs(policy: RetryPolicy, failures: number, random: number): number {
  return Math.floor(random * (retryBoundMs(policy, failures) + 1));
}

/**
 * The events of a failed attempt: with the time of the next one, where trying again is allowed, helps, and fits before the deadline.
 *
 * @param record - before the failure is folded
 */
export function failedAttempt(record: StepRecord, failure: Failure, moment: RetryMoment): readonly EventDraft[] {
  const { step, attempt } = record;
  const failures = record.failures + 1;
  const at = moment.now + retryDelayMs(step.retry, failures, moment.random);
  const inTime = moment.deadlineAt === null || at < moment.deadlineAt;
  if (!failure.retryable || failures >= step.retry.attemptsMax || !inTime) return [failed(step, attempt, failure, true)];
  return [
    failed(step, attempt, failure, false),
    { kind: "step.retry_scheduled", payload: { stepId: step.id, attempt: attempt + 1, at } },
  ];
}
