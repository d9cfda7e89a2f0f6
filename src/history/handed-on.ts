import type { AnyEvent, EventPayload } from "../model/event.js";
import type { Digest, StepId } from "../model/ids.js";
import type { JsonObject, JsonValue } from "../json/value.js";

/** What a completed step left. */
export interface Left {
  readonly result?: JsonValue;
  /** The artifact that is the result; instead of `result`. */
  readonly resultRef?: Digest;
  /** What it changed in the context. */
  readonly delta?: JsonObject;
  /** What its handler declared to write. */
  readonly declared: readonly string[];
}

/** What another run can take over from a run, by step. */
export interface HandedOn {
  /** In the order in which they completed. */
  readonly completed: ReadonlyMap<StepId, Left>;
  /** The newest doubt of each step, settled or not. */
  readonly inDoubt: ReadonlyMap<StepId, EventPayload<"step.in_doubt">>;
}

/**
 * Reads what a run has come to, step by step.
 *
 * Cost: linear in the events.
 */
export function handedOn(events: Iterable<AnyEvent>): HandedOn {
  const completed = new Map<StepId, Left>();
  const inDoubt = new Map<StepId, EventPayload<"step.in_doubt">>();
  /** A step that parks has changed the context before it completes. */
  const parked = new Map<StepId, JsonObject>();
  for (const event of events) {
    if (event.kind === "step.entered") parked.delete(event.payload.stepId);
    else if (event.kind === "step.parked" && event.payload.delta !== undefined)
      parked.set(event.payload.stepId, event.payload.delta);
    else if (event.kind === "step.in_doubt") inDoubt.set(event.payload.stepId, event.payload);
    else if (event.kind === "step.completed") completed.set(event.payload.stepId, leftBy(event.payload, parked));
  }
  return { completed, inDoubt };
}

function leftBy(payload: EventPayload<"step.completed">, parked: ReadonlyMap<StepId, JsonObject>): Left {
  const { result, resultRef, declared } = payload;
  const delta = payload.delta ?? parked.get(payload.stepId);
  return {
    declared,
    ...(result !== undefined && { result }),
    ...(resultRef !== undefined && { resultRef }),
    ...(delta !== undefined && { delta }),
  };
}
