import type { RecordedEnd, ReplayScript } from "./replay-script.js";
import type { RetryMoment } from "./retry.js";
import type { RunState, StepRecord } from "../history/run-state.js";
import { retryBoundMs } from "../history/retry-bound.js";

/** A retry that is due later than this parks a run that is replayed: only where the record says so. */
export const REPLAY_RETRY_IN_PROCESS_MS = Number.MAX_SAFE_INTEGER;

/** Chance just below one. */
const MOST = 1 - 2 ** -53;

/**
 * Time as the decisions of a record presuppose it: it moves on only where one of them could not have been made before.
 *
 * When events were committed is not looked at: that is no part of what a run is (D-062).
 */
export class ReplayClock {
  readonly #script: ReplayScript;
  readonly #state: RunState;
  readonly #position: () => number;
  #now: number;
  #aim: { readonly now: number; readonly random: number } | undefined;

  constructor(script: ReplayScript, state: RunState, position: () => number) {
    this.#script = script;
    this.#state = state;
    this.#position = position;
    const { deadlineMs } = state.plan.content.execution;
    this.#now = state.deadlineAt === null || deadlineMs === undefined ? 0 : state.deadlineAt - deadlineMs;
  }

  /** The time of the decision that comes next in the record. */
  now(): number {
    if (this.#aim !== undefined) return this.#aim.now;
    const position = this.#position();
    const isParked = this.#script.restAt(position)?.kind === "run.parked";
    // the retries that the run parked for were far off
    if (isParked && this.#state.retries.peek() !== undefined) return -REPLAY_RETRY_IN_PROCESS_MS;
    this.#now = Math.max(this.#now, this.#script.dueAt(position, this.#state) ?? 0);
    return this.#now;
  }

  /** Chance in the same moment. */
  random(): number {
    return this.#aim?.random ?? 0;
  }

  /** Holds time and chance at what lets an attempt end as it is recorded: with its retry when it was due, or with none before the deadline. */
  aim(record: StepRecord, end: RecordedEnd): RetryMoment {
    const bound = retryBoundMs(record.step.retry, record.failures + 1);
    const { deadlineAt } = this.#state;
    let random = 0;
    if (end.retryAt !== undefined) {
      // a clock that was set back gives a time that has passed; whether the record allows it is compared apart
      this.#now = Math.min(Math.max(this.#now, end.retryAt - bound), end.retryAt);
      random = Math.min(MOST, (end.retryAt - this.#now + 0.5) / (bound + 1));
    } else if (deadlineAt !== null && isGivenUp(record, end)) {
      this.#now = Math.max(this.#now, deadlineAt - bound);
      random = MOST;
    }
    this.#aim = { now: this.#now, random };
    return { now: this.#now, random, deadlineAt };
  }

  /** Lets time follow the record again. */
  release(): void {
    this.#aim = undefined;
  }
}

/** Whether a failure could have been tried again, had there been time. */
function isGivenUp(record: StepRecord, { event }: RecordedEnd): boolean {
  if (event.kind !== "step.failed" || !event.payload.final || !event.payload.retryable) return false;
  return record.failures + 1 < record.step.retry.attemptsMax;
}
