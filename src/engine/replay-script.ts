import type { AnyEvent, RunEvent } from "../model/event.js";
import type { Failure } from "../model/failure.js";
import type { InboxEntry } from "../stores/inbox.js";
import type { RunId, Scope, StepId } from "../model/ids.js";
import type { RunState } from "../history/run-state.js";
import { decisionMessage, doubtMessage, resumeMessage, signalMessage } from "./inbox-message.js";
import { recordOf } from "../history/run-state.js";

type EventOf<K extends RunEvent["kind"]> = Extract<RunEvent, { readonly kind: K }>;

/** How an attempt ended. */
export type EndEvent = EventOf<"step.completed" | "step.failed" | "step.parked" | "step.in_doubt">;

/** The events that tell of the end of one attempt, from what came with it to what followed from it. */
export interface RecordedEnd {
  /** Positions in the script: from the first to the one after the last. */
  readonly from: number;
  readonly to: number;
  readonly event: EndEvent;
  /** Artifacts that the end names. */
  readonly artifacts: readonly EventOf<"artifact.written">[];
  /** The locks that the attempt asked for, or did not get. */
  readonly lock: EventOf<"lock.acquired" | "lock.contended"> | undefined;
  /** When the next attempt was due; `undefined` = none was scheduled. */
  readonly retryAt: number | undefined;
}

/**
 * What one claim of a run recorded, as replay follows it: decided events only, looked at by position.
 *
 * Tells inputs (messages, ends of handlers, locks, losses) from what the engine decided by itself, and says which time and which demand
 * a recorded decision presupposes.
 */
export class ReplayScript {
  readonly events: readonly AnyEvent[];
  readonly #retryAt = new Map<string, number>();
  readonly #ends = new Map<string, number[]>();

  /** @param events - decided events after the claim */
  constructor(events: readonly AnyEvent[]) {
    this.events = events;
    for (const [position, event] of events.entries()) {
      if (event.kind === "step.retry_scheduled")
        this.#retryAt.set(keyOf(event.payload.stepId, event.payload.attempt), event.payload.at);
      if (isEnd(event)) {
        const key = keyOf(event.payload.stepId, event.payload.attempt);
        const known = this.#ends.get(key);
        if (known === undefined) this.#ends.set(key, [position]);
        else known.push(position);
      }
    }
  }

  /** How an attempt ended; `undefined` when the record cuts it off. */
  endOf(stepId: StepId, attempt: number, from: number, question: "run" | "reconcile"): RecordedEnd | undefined {
    const position = this.#ends.get(keyOf(stepId, attempt))?.find((at) => at >= from);
    const event = position === undefined ? undefined : this.events[position];
    if (position === undefined || event === undefined || !isEnd(event)) return undefined;
    let first = position;
    const artifacts: EventOf<"artifact.written">[] = [];
    let lock: RecordedEnd["lock"];
    for (let before = this.events[first - 1]; first > from; before = this.events[first - 1]) {
      if (before?.kind === "artifact.written" && WITH_AN_END.has(before.payload.kind)) artifacts.unshift(before);
      else if (question === "run" && (before?.kind === "lock.acquired" || before?.kind === "lock.contended")) lock = before;
      else break;
      first -= 1;
    }
    return { from: first, to: this.#endBehind(position, stepId), event, artifacts, lock, retryAt: this.#scheduledAt(position) };
  }

  /** The message that an event was made of. */
  messageAt(position: number, scope: Scope, runId: RunId): InboxEntry | undefined {
    const event = this.events[position];
    switch (event?.kind) {
      case "signal.received":
        return signalMessage(scope, runId, event.payload.key, event.payload.payload);
      case "decision.made":
        return messageOf(scope, runId, event);
      case "run.resumed":
        return resumeMessage(scope, runId, { by: null, nonce: `replay:${event.seq}` });
      default:
        return undefined;
    }
  }

  /** Whether the event at a position comes from outside: then nothing is decided before it is there. */
  isInput(position: number, state: RunState): boolean {
    const event = this.events[position];
    switch (event?.kind) {
      case "signal.received":
      case "decision.made":
      case "run.resumed":
      case "lock.lost":
        return true;
      case "step.fenced":
        return event.payload.reason === "timeout";
      case "artifact.written":
        return WITH_AN_END.has(event.payload.kind) && this.isInput(position + 1, state);
      case "lock.acquired":
      case "lock.contended":
        return state.isLocked && this.isInput(position + 1, state);
      case "step.completed":
      case "step.failed":
      case "step.parked":
      case "step.in_doubt":
        return isOpen(state, event.payload.stepId, event.payload.attempt);
      default:
        return false;
    }
  }

  /** The end or rest of the run that the events from a position on lead to without anything else in between. */
  restAt(position: number): AnyEvent | undefined {
    for (let at = position; ; at += 1) {
      const event = this.events[at];
      if (event === undefined || RESTS.has(event.kind)) return event;
      if (event.kind === "artifact.written" ? WITH_AN_END.has(event.payload.kind) : !isEnding(event)) return undefined;
    }
  }

  /** Whether the run is given up at a position without coming to rest, as a process does that shuts down. */
  isHandedOver(position: number): boolean {
    return this.events[position]?.kind === "lock.released" && position === this.events.length - 1;
  }

  /** The time that the decision at a position presupposes; `undefined` = any. */
  dueAt(position: number, state: RunState): number | undefined {
    const event = this.events[position];
    if (event === undefined) return undefined;
    if (event.kind === "step.entered") return this.retryAt(event.payload.stepId, event.payload.attempt, state);
    const isTimer = event.kind === "wait.answered" && event.payload.by === "timer";
    if (isTimer || (event.kind === "step.failed" && event.payload.code === "wait.timeout")) {
      return recordOf(state, event.payload.stepId)?.wait?.until ?? undefined;
    }
    if (event.kind === "step.fenced" && event.payload.reason === "deadline") return state.deadlineAt ?? undefined;
    const rest = this.restAt(position);
    const isLate = rest?.kind === "run.failed" && rest.payload.code === "run.deadline_passed";
    return isLate ? (state.deadlineAt ?? undefined) : undefined;
  }

  /** When an attempt was due, if it was scheduled. */
  retryAt(stepId: StepId, attempt: number, state: RunState): number | undefined {
    return this.#retryAt.get(keyOf(stepId, attempt)) ?? recordOf(state, stepId)?.retryAt ?? undefined;
  }

  /** The first event from a position on that tells that somebody wanted the run canceled, before anything else is decided. */
  cancelAt(position: number): { readonly reason: string; readonly by: string | null } | undefined {
    const event = this.events[position];
    const rest = this.restAt(position);
    if (rest?.kind === "run.canceled") return rest.payload;
    if (event?.kind !== "step.fenced" || event.payload.reason !== "canceled") return undefined;
    const canceled = this.events.find((later, at) => at > position && later.kind === "run.canceled");
    return canceled?.kind === "run.canceled" ? canceled.payload : { reason: "", by: null };
  }

  /** The pause that the run comes to at a position. */
  pauseAt(position: number): { readonly by: string | null } | undefined {
    const at = this.events[position]?.kind === "lock.released" ? position + 1 : position;
    const event = this.events[at];
    return event?.kind === "run.paused" ? event.payload : undefined;
  }

  #scheduledAt(position: number): number | undefined {
    const next = this.events[position + 1];
    return next?.kind === "step.retry_scheduled" ? next.payload.at : undefined;
  }

  #endBehind(position: number, stepId: StepId): number {
    let at = position + 1;
    for (let event = this.events[at]; event !== undefined; event = this.events[at]) {
      const isOwn = (event.kind === "step.retry_scheduled" || event.kind === "wait.opened") && event.payload.stepId === stepId;
      if (!isOwn && !isInterimSnapshot(event)) break;
      at += 1;
    }
    return at;
  }
}

/** A failure as an event tells it. */
export function recordedFailure({ payload }: EventOf<"step.failed">): Failure {
  const { code, category, retryable, message } = payload;
  return { code, category: category as Failure["category"], retryable, message };
}

/** One text per attempt. */
export function keyOf(stepId: StepId, attempt: number): string {
  return `${attempt} ${stepId}`;
}

/** Artifacts that are written together with the end of an attempt. */
const WITH_AN_END: ReadonlySet<string> = new Set(["result", "raw_result", "context_delta", "failure_snapshot"]);
const RESTS: ReadonlySet<string> = new Set(["run.completed", "run.failed", "run.canceled", "run.parked"]);

function isEnding(event: AnyEvent): boolean {
  if (event.kind === "step.fenced") return event.payload.reason === "run_failed" || event.payload.reason === "canceled";
  if (event.kind === "step.skipped") return event.payload.reason === "stopped";
  return event.kind === "lock.released" || event.kind === "lock.contended" || event.kind === "run.paused";
}

function isInterimSnapshot(event: AnyEvent): boolean {
  return (
    event.kind === "artifact.written" && event.payload.kind === "context_snapshot" && event.payload.meta?.["isFinal"] !== true
  );
}

function isEnd(event: AnyEvent): event is EndEvent {
  return ["step.completed", "step.failed", "step.parked", "step.in_doubt"].includes(event.kind);
}

/** In flight, or cut off by a crash and to be asked about. */
function isOpen(state: RunState, stepId: StepId, attempt: number): boolean {
  const record = recordOf(state, stepId);
  if (record?.attempt !== attempt) return false;
  if (state.inFlight.has(record.position)) return true;
  return state.orphans.has(record.position) && record.step.effect === "write" && record.step.recovery === "reconcile";
}

function messageOf(scope: Scope, runId: RunId, { payload }: EventOf<"decision.made">): InboxEntry {
  const { stepId, verdict, issuer, subject, attempt, note } = payload;
  const rest = {
    issuer,
    subject,
    vouchedBy: payload.vouchedBy === "authenticated" ? "authenticated" : "host",
    ...(payload.payload !== undefined && { payload: payload.payload }),
    ...(note !== undefined && { note }),
  } as const;
  if (verdict === "done" || verdict === "not_done" || verdict === "failed") {
    return doubtMessage(scope, runId, stepId, { verdict, ...rest, attempt: attempt ?? 0 });
  }
  return decisionMessage(scope, runId, stepId, { verdict: verdict === "approve" ? "approve" : "reject", ...rest });
}
