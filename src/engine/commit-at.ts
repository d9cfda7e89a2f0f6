import type { CommitAnswer, StreamWrite } from "../stores/event-store.js";
import type { CommitKind } from "./fault-point.js";
import type { EngineParts } from "./parts.js";

/** Commits, with the fault points of its kind around it, unless it is part of a transaction. Unarmed it costs one look at a field. */
export function commitAt(
  parts: EngineParts,
  kind: CommitKind,
  writes: readonly StreamWrite[],
  options?: { readonly tx: unknown },
): Promise<CommitAnswer> {
  const { faultPoint, stores } = parts;
  if (options !== undefined) return stores.events.commit(writes, options);
  if (faultPoint === undefined) return stores.events.commit(writes);
  faultPoint(`${kind}.before_commit`);
  return stores.events.commit(writes).then((answer) => {
    faultPoint(`${kind}.after_commit`);
    return answer;
  });
}

/** Which kind of commit a write to a run's stream is: that of the event in it that matters most. */
export function commitKindOf(write: StreamWrite): CommitKind {
  const kinds = new Set(write.events.map((event) => event.kind));
  if (write.releaseLease === true) return "hand_over";
  return DECISIVE.find(([, decisive]) => decisive.some((kind) => kinds.has(kind)))?.[0] ?? "said";
}

/** The strongest first. */
const DECISIVE: readonly (readonly [CommitKind, readonly string[]])[] = [
  ["end", ["run.completed", "run.failed", "run.canceled"]],
  ["rest", ["run.parked", "run.paused"]],
  ["entered", ["step.entered"]],
  ["failed", ["step.failed", "step.in_doubt", "step.fenced"]],
  ["child", ["child.spawned", "child.completed"]],
  ["completed", ["step.completed"]],
  ["message", ["signal.received", "decision.made", "run.resumed"]],
  ["fact", ["fact.recorded"]],
];
