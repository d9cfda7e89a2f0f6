import type { AnyEvent, EventKind, FieldType, StoredEvent } from "../model/event.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import { EVENTS } from "../model/event.js";
import { eventOf, isKnown } from "./read-event.js";
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
  const why = memberProblem(stored.kind, read.value);
  return why === undefined ? { event: eventOf(stored) } : { why };
}

function memberProblem(kind: EventKind, payload: JsonValue): string | undefined {
  if (!isObject(payload)) return "has a payload that is no object";
  const wrong = Object.entries(EVENTS[kind].payload).find(([member, type]) => !fits(ownMember(payload, member), type));
  return wrong === undefined ? undefined : `has a payload whose "${wrong[0]}" is not ${wrong[1]}`;
}

function ownMember(payload: JsonObject, member: string): JsonValue | undefined {
  return Object.hasOwn(payload, member) ? payload[member] : undefined;
}

function fits(value: JsonValue | undefined, type: FieldType): boolean {
  if (value === undefined) return type.endsWith("?");
  if (value === null) return type.endsWith("|null") || type.startsWith("json");
  switch (type) {
    case "string":
    case "string?":
    case "string|null":
      return typeof value === "string";
    case "integer":
    case "integer?":
    case "integer|null":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "object":
    case "object?":
      return isObject(value);
    case "json":
    case "json?":
      return true;
  }
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
