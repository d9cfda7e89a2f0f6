import type { AnyEvent, RunEvent, StoredEvent } from "../model/event.js";
import type { JsonValue } from "../json/value.js";
import { isEventKind } from "../model/event.js";

/**
 * A stored event with its payload as a value.
 *
 * Kinds of later versions come out as `unknown:<kind>`, with their payload as plain JSON: shown, and passed over by the fold.
 */
export function eventOf(stored: StoredEvent): AnyEvent {
  const { seq, kind, v, epoch, at, hash } = stored;
  const payload: unknown = JSON.parse(stored.payloadText);
  if (isEventKind(kind)) return { seq, kind, v, epoch, at, hash, payload } as RunEvent;
  return { seq, kind: `unknown:${kind}`, v, epoch, at, hash, payload: payload as JsonValue };
}
