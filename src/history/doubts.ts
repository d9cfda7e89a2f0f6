import type { AnyEvent, EventPayload } from "../model/event.js";
import type { RunState } from "./run-state.js";
import type { StepId } from "../model/ids.js";
import { fold } from "./fold.js";
import { present } from "../errors/invariant.js";
import { recordAt } from "./run-state.js";

/** A doubt as the log tells it. */
export interface RecordedDoubt {
  readonly stepId: StepId;
  /** The attempt whose effect nobody knows of; 0 where the doubt was taken over from another run. */
  readonly attempt: number;
  readonly reason: string;
  readonly recovery: string;
  /** When it was recorded, milliseconds since the epoch, by the store's clock. */
  readonly since: number;
  /** The artifact that shows what the handler returned, where that is what could not be stored. */
  readonly rawRef?: string;
}

/** The doubts of a run: those that are open, in plan order, and the newest of each step, whether or not it was settled. */
export interface Doubts {
  readonly open: readonly RecordedDoubt[];
  readonly newest: ReadonlyMap<StepId, RecordedDoubt>;
}

/**
 * Finds the steps in doubt of a run, by folding its log into `state`.
 *
 * Cost: linear in the events.
 *
 * @param state - of the run before its first event; consumed
 * @throws {@link RunsealError} `store.corrupt` as {@link fold} does
 */
export function foldDoubts(state: RunState, events: Iterable<AnyEvent>): Doubts {
  const newest = new Map<StepId, RecordedDoubt>();
  for (const event of events) {
    fold(state, event);
    if (event.kind === "step.in_doubt") newest.set(event.payload.stepId, doubtOf(event.payload, event.at));
  }
  const open = [...state.inDoubt]
    .sort((a, b) => a - b)
    .map((position) => present(newest.get(recordAt(state, position).step.id), "a step in doubt was put there by an event"));
  return { open, newest };
}

function doubtOf(payload: EventPayload<"step.in_doubt">, since: number): RecordedDoubt {
  const { stepId, attempt, reason, recovery, rawRef } = payload;
  return { stepId, attempt, reason, recovery, since, ...(rawRef !== undefined && { rawRef }) };
}
