import type { ChainedEvent, StoredEvent } from "../model/event.js";
import type { Scope, StreamName } from "../model/ids.js";
import type { Row } from "./row.js";
import { integerIn, textIn } from "./row.js";

/** The columns of an event, in the order of {@link eventValues}. */
export const EVENT_COLUMNS = "scope, stream, seq, kind, v, epoch, payload, payload_digest, prev, hash, at";

/** What goes into {@link EVENT_COLUMNS} for an event that a scope's store commits at `at`. */
export function eventValues(scope: Scope, event: ChainedEvent, at: number): (string | number)[] {
  const { stream, seq, kind, v, epoch, payloadText, payloadDigest, prev, hash } = event;
  return [scope, stream, seq, kind, v, epoch, payloadText, payloadDigest, prev, hash, at];
}

/** An event as it is read back, not verified yet. */
export function eventOfRow(scope: Scope, stream: StreamName, row: Row): StoredEvent {
  return Object.freeze({
    stream,
    seq: integerIn(row, "seq"),
    kind: textIn(row, "kind"),
    v: integerIn(row, "v"),
    epoch: integerIn(row, "epoch"),
    payloadText: textIn(row, "payload"),
    payloadDigest: textIn(row, "payload_digest"),
    prev: textIn(row, "prev"),
    hash: textIn(row, "hash"),
    scope,
    at: integerIn(row, "at"),
  });
}
