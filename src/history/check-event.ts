import type { AnyEvent, EventKind, StoredEvent } from "../model/event.js";
import type { JsonValue } from "../json/value.js";
import { EVENTS } from "../model/event.js";
import { eventOf, isKnown } from "./read-event.js";
import { isObject, wrongMember } from "./member-types.js";
import { readCanonical } from "./read-canonical.js";

/** An event that can be taken at its word, or why not. */
export type CheckedEvent = { readonly event: AnyEvent } | { readonly why: string };

/**
 * Reads a stored event whose payload may have been written by anybody: canonical text, an object, every member of the type that the
 * table of events gives it. Members that the table does not have are let pass: a later version may have added them.
 *
 * Cost: linear in the payload.
 */
export function checkedEvent(stored: StoredEvent): CheckedEvent {
  const read = readCanonical(stored.payloadText);
  if (read.kind !== "read") return { why: `has a payload that ${read.why}` };
  if (!isKnown(stored)) return { event: eventOf(stored) };
  const why = payloadProblem(stored.kind, read.value);
  return why === undefined ? { event: eventOf(stored) } : { why };
}

function payloadProblem(kind: EventKind, payload: JsonValue): string | undefined {
  if (!isObject(payload)) return "has a payload that is no object";
  const wrong = wrongMember(payload, EVENTS[kind].payload);
  return wrong === undefined ? undefined : `has a payload whose ${wrong}`;
}
