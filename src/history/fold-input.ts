import type { ContextDelta } from "../model/context-delta.js";
import type { ContextEntry, ContextLayer } from "./context-view.js";
import type { EventPayload } from "../model/event.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import type { RunState, StepRecord } from "./run-state.js";
import { RunsealError } from "../errors/error.js";
import { canonicalText } from "../json/canonical.js";
import { runStream } from "../model/ids.js";

/** The part of the fold that is about facts and context: what comes into a run from outside its plan. */
export function recordFact(state: RunState, fact: EventPayload<"fact.recorded">, seq: number): void {
  const known = state.facts.get(fact.key);
  if (known === undefined) {
    const { payload, payloadRef } = fact;
    state.facts.set(fact.key, {
      seq,
      ...(payload !== undefined && { payload }),
      ...(payloadRef !== undefined && { payloadRef }),
    });
    return;
  }
  if (known.payloadRef === fact.payloadRef && isEqual(known.payload, fact.payload)) return;
  const message = `event ${seq} of run "${state.runId}" binds a fact that event ${known.seq} bound to another value`;
  throw new RunsealError("store.corrupt", message, { what: "fact", id: runStream(state.runId), seq });
}

/** The newest snapshot of the context, and its size. */
export function keepSnapshot(state: RunState, { kind, artifactId, bytes }: EventPayload<"artifact.written">): void {
  if (kind !== "context_snapshot") return;
  state.snapshotRef = artifactId;
  state.contextSize = { sinceSnapshot: 0, snapshot: bytes };
}

/** Keeps what an attempt wrote into the context; it counts once the step has completed. */
export function keepDelta(state: RunState, record: StepRecord, delta: JsonObject | undefined): void {
  if (delta === undefined) return;
  const { size = 0, ...written }: Partial<ContextDelta> = delta;
  record.written = layerOf(written, record.position);
  state.contextSize.sinceSnapshot += size;
}

/** A step completed: what its attempt wrote is part of the context. */
export function countContext(state: RunState, record: StepRecord): void {
  if (record.written === undefined) return;
  state.contextWrites += 1;
  for (const [key, entry] of record.written) {
    if (entry.ref !== undefined) state.hasContextRefs = true;
    const there = state.context.get(key);
    if (there === undefined || there.writer < entry.writer) state.context.set(key, entry);
  }
}

function layerOf(delta: Omit<ContextDelta, "size">, writer: number): ContextLayer {
  const { set = {}, keys = [], ref, deleted = [] } = delta;
  const layer = new Map<string, ContextEntry>();
  for (const [key, value] of Object.entries(set)) layer.set(key, { writer, value, isDeleted: false });
  if (ref !== undefined) for (const key of keys) layer.set(key, { writer, ref, isDeleted: false });
  for (const key of deleted) layer.set(key, { writer, isDeleted: true });
  return layer;
}

function isEqual(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalText(a) === canonicalText(b);
}
