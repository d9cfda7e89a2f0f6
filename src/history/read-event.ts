import type { AnyEvent, EventKind, RunEvent, StoredEvent } from "../model/event.js";
import type { JsonValue } from "../json/value.js";
import { EVENTS, isEventKind } from "../model/event.js";

/**
 * A stored event with its payload as a value.
 *
 * Kinds of later versions, and kinds of ours whose payload has a later version, come out as `unknown:<kind>`, with their payload as
 * plain JSON: shown, and passed over by the fold. So do events whose payload was dropped, with `null`.
 */
export function eventOf(stored: StoredEvent): AnyEvent {
  const { seq, kind, v, epoch, at, hash } = stored;
  if (stored.payloadText === "") return { seq, kind: `unknown:${kind}`, v, epoch, at, hash, payload: null };
  const payload: unknown = JSON.parse(stored.payloadText);
  if (isKnown(stored)) return { seq, kind, v, epoch, at, hash, payload } as RunEvent;
  return { seq, kind: `unknown:${kind}`, v, epoch, at, hash, payload: payload as JsonValue };
}

/** Tells whether this version knows the payload of an event. */
export function isKnown(stored: StoredEvent): stored is StoredEvent & { readonly kind: EventKind } {
  return isEventKind(stored.kind) && stored.v === EVENTS[stored.kind].v;
}
