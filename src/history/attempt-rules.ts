import type { AnyEvent } from "../model/event.js";
import type { StepId } from "../model/ids.js";

/** The rules that the events of a run keep among themselves (D-064, and ours for waits and ends). */
export type LogRule =
  | "run_begins_with_submitted"
  | "event_after_end"
  | "nested_step_entered"
  | "attempt_not_next"
  | "terminal_without_entered"
  | "terminal_attempt_mismatch"
  | "end_inside_attempt";

/** A rule that a log breaks, and where. */
export interface LogProblem {
  readonly seq: number;
  readonly rule: LogRule;
  readonly message: string;
}

/** Where a step stands as far as its envelope goes. */
interface Envelope {
  attempt: number;
  state: "closed" | "open" | "waiting" | "in_doubt";
}

/**
 * Holds the events of one run against the rules of attempts: an attempt is entered once, has one end, is numbered on, and the run
 * ends outside of it; nothing follows the end of the run.
 *
 * Cost: linear in the events.
 */
export function logProblems(events: Iterable<AnyEvent>): readonly LogProblem[] {
  const check = new LogCheck();
  for (const event of events) check.next(event);
  return check.problems;
}

/** Who gave a result, or a doubt, that was taken over from another run. */
const CARRIED = "carried";

const ENDS = new Set(["run.completed", "run.failed", "run.canceled"]);

class LogCheck {
  readonly problems: LogProblem[] = [];
  readonly #envelopes = new Map<StepId, Envelope>();
  #open = 0;
  #count = 0;
  #endedAt: number | undefined;

  next(event: AnyEvent): void {
    this.#count += 1;
    if (this.#count === 1 && event.kind !== "run.submitted") {
      this.#add(event, "run_begins_with_submitted", `begins with ${event.kind}`);
    }
    if (this.#endedAt !== undefined) this.#add(event, "event_after_end", `${event.kind} follows the end at ${this.#endedAt}`);
    switch (event.kind) {
      case "step.entered":
        this.#enter(event, event.payload.stepId, event.payload.attempt);
        return;
      case "step.completed":
        this.#come(event, event.payload, "closed");
        return;
      case "step.failed":
        this.#close(event, event.payload.stepId, event.payload.attempt, "closed");
        return;
      case "step.in_doubt":
        this.#come(event, event.payload, "in_doubt");
        return;
      case "step.parked":
        this.#park(event, event.payload.stepId, event.payload.attempt);
        return;
      case "step.fenced":
        this.#fence(event, event.payload.stepId, event.payload.attempt);
        return;
      default:
        this.#end(event);
    }
  }

  #enter(event: AnyEvent, stepId: StepId, attempt: number): void {
    const envelope = this.#envelope(stepId);
    if (envelope.state === "open")
      this.#add(event, "nested_step_entered", `"${stepId}" is entered inside attempt ${envelope.attempt}`);
    else this.#open += 1;
    if (attempt !== envelope.attempt + 1) {
      this.#add(event, "attempt_not_next", `attempt ${attempt} of "${stepId}" follows attempt ${envelope.attempt}`);
    }
    envelope.attempt = attempt;
    envelope.state = "open";
  }

  /** What a step took over from another run stands before its first attempt, as attempt 0. */
  #come(
    event: AnyEvent,
    { stepId, attempt, by }: { readonly stepId: StepId; readonly attempt: number; readonly by?: string },
    state: Envelope["state"],
  ): void {
    const envelope = this.#envelope(stepId);
    const isFirst = envelope.state === "closed" && envelope.attempt === 0 && attempt === 0;
    if (by === CARRIED && isFirst) this.#move(envelope, state);
    else this.#close(event, stepId, attempt, state);
  }

  #close(event: AnyEvent, stepId: StepId, attempt: number, state: Envelope["state"]): void {
    const envelope = this.#envelope(stepId);
    if (envelope.state === "closed")
      this.#add(event, "terminal_without_entered", `attempt ${attempt} of "${stepId}" is not open`);
    else this.#match(event, stepId, attempt, envelope);
    this.#move(envelope, state);
  }

  #park(event: AnyEvent, stepId: StepId, attempt: number): void {
    const envelope = this.#envelope(stepId);
    // a gate waits before its first attempt
    const isGate = envelope.state === "closed" && attempt === envelope.attempt;
    if (envelope.state !== "open" && !isGate) {
      this.#add(event, "terminal_without_entered", `attempt ${attempt} of "${stepId}" is not open`);
    } else {
      this.#match(event, stepId, attempt, envelope);
    }
    this.#move(envelope, "waiting");
  }

  /** A fence closes what is open; later ones only tell that a late result was not taken. */
  #fence(event: AnyEvent, stepId: StepId, attempt: number): void {
    const envelope = this.#envelope(stepId);
    if (attempt > envelope.attempt) {
      this.#add(event, "terminal_without_entered", `attempt ${attempt} of "${stepId}" was never entered`);
    } else if (attempt === envelope.attempt && envelope.state !== "in_doubt") {
      this.#move(envelope, "closed");
    }
  }

  #end(event: AnyEvent): void {
    const isEnd = ENDS.has(event.kind);
    if (isEnd) this.#endedAt = event.seq;
    const isRest = isEnd || event.kind === "run.parked" || event.kind === "run.paused";
    if (isRest && this.#open > 0) this.#add(event, "end_inside_attempt", `${event.kind} while an attempt is open`);
  }

  #match(event: AnyEvent, stepId: StepId, attempt: number, envelope: Envelope): void {
    if (attempt === envelope.attempt) return;
    this.#add(event, "terminal_attempt_mismatch", `attempt ${attempt} of "${stepId}" ends where ${envelope.attempt} is open`);
  }

  #move(envelope: Envelope, state: Envelope["state"]): void {
    if (envelope.state === "open") this.#open -= 1;
    envelope.state = state;
  }

  #envelope(stepId: StepId): Envelope {
    const known = this.#envelopes.get(stepId);
    if (known !== undefined) return known;
    const envelope: Envelope = { attempt: 0, state: "closed" };
    this.#envelopes.set(stepId, envelope);
    return envelope;
  }

  #add(event: AnyEvent, rule: LogRule, message: string): void {
    this.problems.push({ seq: event.seq, rule, message });
  }
}
