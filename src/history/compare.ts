import type { AnyEvent } from "../model/event.js";
import type { Divergence, DivergenceKind } from "../model/replay-report.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import type { StepId } from "../model/ids.js";
import { canonicalText } from "../json/canonical.js";

/** What comparison looks at: events that were read, and events that a replay came to. */
export type ComparedEvent = Pick<AnyEvent, "seq" | "kind" | "payload">;

/** Longest picture of an event in a report, UTF-16 units. */
const PICTURE_MAX = 500;

/** Kinds that say what the engine decided or what came in; what handlers say of themselves while they run is not among them. */
const DECIDED = /^(run|step|lock|lease|wait|signal|decision)\./;

/** Artifacts that the engine names by itself. */
const ENGINE_ARTIFACTS: ReadonlySet<unknown> = new Set([
  "result",
  "raw_result",
  "output",
  "context_delta",
  "context_snapshot",
  "failure_snapshot",
]);

/** Members that tell how long something took, or a sentence for people: they may differ. */
const PASSED_OVER: { readonly [kind: string]: readonly string[] } = {
  "lock.acquired": ["waitedMs"],
  "lock.released": ["heldMs"],
  "step.failed": ["message"],
  "run.failed": ["message", "details"],
};

/** Whether an event is one that a replay comes to again by deciding. */
export function isDecided(event: ComparedEvent): boolean {
  if (event.kind !== "artifact.written") return DECIDED.test(event.kind);
  const { kind, meta } = membersOf(event);
  return ENGINE_ARTIFACTS.has(kind) && !(isObject(meta) && "stepId" in meta);
}

/** Whether two events are about the same thing: kind, step, attempt and key; what they say of it may differ. */
export function isSameMoment(a: ComparedEvent, b: ComparedEvent): boolean {
  return momentOf(a) === momentOf(b);
}

/**
 * Compares what a replay came to with the record, event by event; stops at the first that is about something else.
 *
 * @param recorded - decided events of the record, in order
 * @param replayed - what the replay came to in their place; more of it than of the record says nothing
 * @param isWhole - whether the replay came to rest, or could not go on: then what it lacks is missing
 */
export function compareEvents(
  recorded: readonly ComparedEvent[],
  replayed: readonly ComparedEvent[],
  isWhole: boolean,
): readonly Divergence[] {
  const divergences: Divergence[] = [];
  for (const [index, expected] of recorded.entries()) {
    const found = replayed[index];
    if (found === undefined) {
      if (isWhole) divergences.push(missing(expected));
      return divergences;
    }
    if (!isSameMoment(expected, found)) {
      divergences.push(elsewhere(expected, found, recorded.slice(index + 1)));
      return divergences;
    }
    const differing = contentDivergence(expected, found);
    if (differing !== undefined) divergences.push(differing);
  }
  return divergences;
}

/** An event as a report shows it. */
export function pictureOf(event: ComparedEvent): string {
  const text = `${event.kind} ${canonicalText(event.payload)}`;
  return text.length > PICTURE_MAX ? `${text.slice(0, PICTURE_MAX)}…` : text;
}

/** The step that an event is about. */
export function stepIdOf(event: ComparedEvent): StepId | null {
  const { stepId } = membersOf(event);
  return typeof stepId === "string" ? stepId : null;
}

function missing(expected: ComparedEvent): Divergence {
  return divergence(kindOf(expected), expected, undefined, "the replay does not come to what the record has");
}

function elsewhere(expected: ComparedEvent, found: ComparedEvent, later: readonly ComparedEvent[]): Divergence {
  const isLater = later.some((event) => isSameMoment(event, found)) && stepIdOf(expected) !== stepIdOf(found);
  if (isLater) return divergence("ordering", expected, found, "the replay comes first to what the record has later");
  return divergence(kindOf(expected, found), expected, found, "the replay comes to something else than the record");
}

function contentDivergence(expected: ComparedEvent, found: ComparedEvent): Divergence | undefined {
  const [was, is] = [contentOf(expected), contentOf(found)];
  const members = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort();
  const differing = members.filter((member) => textOf(was[member]) !== textOf(is[member]));
  if (differing.length === 0) return undefined;
  const message = `the replay comes to another ${differing.map((member) => `"${member}"`).join(", ")}`;
  return divergence(kindOf(expected), expected, found, message);
}

function divergence(
  kind: DivergenceKind,
  expected: ComparedEvent,
  found: ComparedEvent | undefined,
  message: string,
): Divergence {
  return Object.freeze({
    kind,
    seq: expected.seq,
    stepId: stepIdOf(expected) ?? (found === undefined ? null : stepIdOf(found)),
    expected: pictureOf(expected),
    found: found === undefined ? null : pictureOf(found),
    message,
  });
}

/** What a difference at an event is about; where two differ, the one that says more decides. */
function kindOf(expected: ComparedEvent, found: ComparedEvent = expected): DivergenceKind {
  const [was, is] = [kindAt(expected.kind), kindAt(found.kind)];
  return RANKED.indexOf(was) <= RANKED.indexOf(is) ? was : is;
}

const RANKED: readonly DivergenceKind[] = ["authority", "timing", "plan", "outcome"];

function kindAt(kind: string): DivergenceKind {
  switch (kind) {
    case "lease.taken":
    case "run.resumed":
    case "decision.made":
      return "authority";
    case "step.retry_scheduled":
      return "timing";
    case "run.submitted":
    case "run.started":
    case "step.entered":
    case "step.skipped":
    case "lock.acquired":
      return "plan";
    default:
      return "outcome";
  }
}

function momentOf(event: ComparedEvent): string {
  const { stepId, attempt, key, kind } = membersOf(event);
  const named = event.kind === "artifact.written" ? [kind] : [stepId, attempt, event.kind === "step.parked" ? undefined : key];
  return canonicalText([event.kind, ...named.map((member) => member ?? null)]);
}

function contentOf(event: ComparedEvent): JsonObject {
  const passedOver = PASSED_OVER[event.kind];
  const members = membersOf(event);
  if (passedOver === undefined) return members;
  return Object.fromEntries(Object.entries(members).filter(([member]) => !passedOver.includes(member)));
}

function membersOf({ payload }: ComparedEvent): JsonObject {
  return isObject(payload) ? payload : {};
}

function textOf(value: JsonValue | undefined): string | undefined {
  return value === undefined ? undefined : canonicalText(value);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
