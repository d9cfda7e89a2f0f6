import type { AnyEvent, EventPayload } from "../model/event.js";
import type { Divergence } from "../model/replay-report.js";
import type { RunPlan } from "./run-plan.js";
import type { SealedStep } from "../model/step.js";
import type { StepId } from "../model/ids.js";
import { DOUBT_NOT_DONE, ORPHAN_RECOVERED } from "./fold-step.js";
import { pictureOf, stepIdOf } from "./compare.js";
import { retryBoundMs } from "./retry-bound.js";

/**
 * Holds the times that a run records against its policy and against when its events were committed: retries, the ends of waits, the
 * deadline.
 *
 * An event was made no later than it was committed, and no earlier than its lease was taken, or than its attempt was entered where that is
 * durable first. Where the clock was set back nothing before it counts.
 *
 * Cost: linear in the events.
 *
 * @param toleranceMs - how far the clocks of store and process may lie apart
 */
export function timingDivergences(events: Iterable<AnyEvent>, plan: RunPlan, toleranceMs: number): readonly Divergence[] {
  const check = new TimingCheck(plan, toleranceMs);
  for (const event of events) check.next(event);
  return check.found;
}

class TimingCheck {
  readonly found: Divergence[] = [];
  readonly #plan: RunPlan;
  readonly #toleranceMs: number;
  /** What is known to have been committed before the next event was made. */
  #since = Number.NEGATIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;
  #deadlineAt: number | null = null;
  readonly #entered = new Map<StepId, number>();
  readonly #failures = new Map<StepId, number>();
  readonly #retryAt = new Map<StepId, number>();
  readonly #until = new Map<StepId, number>();

  constructor(plan: RunPlan, toleranceMs: number) {
    this.#plan = plan;
    this.#toleranceMs = toleranceMs;
  }

  next(event: AnyEvent): void {
    if (event.at < this.#last) this.#forget();
    this.#last = event.at;
    switch (event.kind) {
      case "run.submitted":
      case "lease.taken":
        this.#since = event.at;
        return;
      case "run.started": {
        this.#start(event, event.payload.deadlineAt);
        return;
      }
      case "step.entered": {
        this.#enter(event, event.payload.stepId);
        return;
      }
      case "step.parked":
        if (event.payload.until !== null) this.#until.set(event.payload.stepId, event.payload.until);
        return;
      case "step.failed": {
        this.#fail(event, event.payload);
        return;
      }
      case "step.retry_scheduled": {
        this.#retry(event, event.payload.stepId, event.payload.at);
        return;
      }
      case "step.fenced":
        if (event.payload.reason === "deadline") this.#notBefore(event, this.#deadlineAt, "the deadline of the run");
        return;
      case "run.failed":
        if (event.payload.code === "run.deadline_passed") this.#notBefore(event, this.#deadlineAt, "the deadline of the run");
        return;
      default:
    }
  }

  #start(event: AnyEvent, deadlineAt: number | null): void {
    const { deadlineMs } = this.#plan.content.execution;
    this.#deadlineAt = deadlineAt;
    if (deadlineAt === null || deadlineMs === undefined) return;
    this.#within(event, deadlineAt, [this.#since + deadlineMs, event.at + deadlineMs], "a deadline");
  }

  #enter(event: AnyEvent, stepId: StepId): void {
    this.#notBefore(event, this.#retryAt.get(stepId) ?? null, "the time of the retry");
    this.#retryAt.delete(stepId);
    this.#entered.set(stepId, event.at);
    if (this.#deadlineAt === null || this.#since <= this.#deadlineAt + this.#toleranceMs) return;
    this.#add(event, `a step entered before ${this.#deadlineAt}`, "entered by a process that took the run after its deadline");
  }

  #fail(event: AnyEvent, { stepId, code }: EventPayload<"step.failed">): void {
    if (code === "wait.timeout") this.#notBefore(event, this.#until.get(stepId) ?? null, "the end of the wait");
    if (code !== ORPHAN_RECOVERED && code !== DOUBT_NOT_DONE) this.#failures.set(stepId, (this.#failures.get(stepId) ?? 0) + 1);
  }

  #retry(event: AnyEvent, stepId: StepId, at: number): void {
    this.#retryAt.set(stepId, at);
    const step = this.#stepOf(stepId);
    if (step === undefined) return;
    const bound = retryBoundMs(step.retry, this.#failures.get(stepId) ?? 1);
    // the entry of a pure step is committed together with its end
    const entered = step.effect === "pure" ? undefined : this.#entered.get(stepId);
    this.#within(event, at, [Math.max(this.#since, entered ?? this.#since), event.at + bound], "the time of a retry");
  }

  #within(event: AnyEvent, time: number, [from, to]: readonly [number, number], what: string): void {
    if (time >= from - this.#toleranceMs && time <= to + this.#toleranceMs) return;
    this.#add(event, `${what} from ${from} to ${to}`, `${what} is ${time}, which policy and recorded time do not allow`);
  }

  #notBefore(event: AnyEvent, time: number | null, what: string): void {
    if (time === null || event.at >= time - this.#toleranceMs) return;
    this.#add(event, `${what}: ${time}`, `committed at ${event.at}, before ${what}`);
  }

  /** The clock was set back. */
  #forget(): void {
    this.#since = Number.NEGATIVE_INFINITY;
    this.#deadlineAt = null;
    for (const known of [this.#entered, this.#retryAt, this.#until]) known.clear();
  }

  #stepOf(stepId: StepId): SealedStep | undefined {
    const position = this.#plan.positions.get(stepId);
    return position === undefined ? undefined : this.#plan.steps[position];
  }

  #add(event: AnyEvent, expected: string, message: string): void {
    const picture = pictureOf(event);
    this.found.push(
      Object.freeze({ kind: "timing", seq: event.seq, stepId: stepIdOf(event), expected, found: picture, message }),
    );
  }
}
