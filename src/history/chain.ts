import type { ChainedEvent, EventDraft } from "../model/event.js";
import type { Digest, Scope, StreamName } from "../model/ids.js";
import type { JsonValue } from "../json/value.js";
import { EVENTS } from "../model/event.js";
import { RunsealError } from "../errors/error.js";
import { canonicalText } from "../json/canonical.js";
import { digestOfText, flatDigestOf } from "../json/digest.js";
import { redact } from "../secrets/redact.js";

/** Largest payload of one event: 1 MiB of canonical text. */
export const EVENT_BYTES_MAX = 1_048_576;

const EVENT_TAG = "runseal/event/1";
const PAYLOAD_TAG = "runseal/payload/1";
const STREAM_TAG = "runseal/stream/1";

/** The end of a chain that the next event links to. */
export interface ChainHead {
  readonly scope: Scope;
  readonly stream: StreamName;
  readonly seq: number;
  readonly hash: Digest;
}

/** The `prev` of a stream's first event: it binds the chain to scope and stream. */
export function genesisHash(scope: Scope, stream: StreamName): Digest {
  return digestOfText(STREAM_TAG, canonicalText({ scope, stream }));
}

/** The head of a stream that has no event yet. */
export function emptyHead(scope: Scope, stream: StreamName): ChainHead {
  return { scope, stream, seq: 0, hash: genesisHash(scope, stream) };
}

/**
 * Turns what happened into the next event of a chain: the one path on which payloads are redacted, before anything is hashed.
 *
 * @throws {@link RunsealError} `value.too_large` when the payload's text is longer than 1 MiB
 * @throws {@link RunsealError} `value.not_canonical` when the payload is outside the value model
 */
export function chainEvent(head: ChainHead, draft: EventDraft, epoch: number): ChainedEvent {
  return chainClean(head, redactDraft(draft), epoch);
}

/** A draft with every secret in its payload replaced; the draft itself when there is none. */
export function redactDraft(draft: EventDraft): EventDraft {
  const payload: JsonValue = draft.payload;
  const clean = redact(payload);
  return clean === payload ? draft : ({ kind: draft.kind, payload: clean } as EventDraft);
}

/**
 * The second half of {@link chainEvent}, for a writer that needs the payload as it is recorded: takes what {@link redactDraft} gave.
 *
 * @throws {@link RunsealError} as {@link chainEvent} does
 */
export function chainClean(head: ChainHead, draft: EventDraft, epoch: number): ChainedEvent {
  const { text, digest } = flatDigestOf(PAYLOAD_TAG, canonicalText(draft.payload, { bytesMax: EVENT_BYTES_MAX }));
  const { stream, hash: prev } = head;
  const { kind } = draft;
  const { v } = EVENTS[kind];
  const seq = head.seq + 1;
  const hash = eventHash({ stream, seq, kind, v, epoch, payloadDigest: digest, prev });
  return { stream, seq, kind, v, epoch, payloadText: text, payloadDigest: digest, prev, hash };
}

/** Digest of a payload's canonical text. */
function payloadDigestOf(payloadText: string): Digest {
  return digestOfText(PAYLOAD_TAG, payloadText);
}

/** The hash of an event over everything but its payload's text, of which it covers the digest. */
export function eventHash(event: Omit<ChainedEvent, "hash" | "payloadText">): Digest {
  // written out in key order: the canonical text of these seven members
  const text = `{"epoch":${event.epoch},"kind":${JSON.stringify(event.kind)},"payloadDigest":"${event.payloadDigest}","prev":"${event.prev}","seq":${event.seq},"stream":${JSON.stringify(event.stream)},"v":${event.v}}`;
  return digestOfText(EVENT_TAG, text);
}

/** Why a stored event can't be trusted; `undefined` = it chains from `head` and matches its digests. */
export function brokenLink(head: ChainHead, event: ChainedEvent): string | undefined {
  const misplaced = brokenPlace(head, event);
  if (misplaced !== undefined) return misplaced;
  if (payloadDigestOf(event.payloadText) !== event.payloadDigest) return "has a payload that does not match its digest";
  return eventHash(event) === event.hash ? undefined : "does not match its hash";
}

/** What {@link brokenLink} says of an event whose payload was dropped: everything but its digest can be checked. */
export function brokenHash(head: ChainHead, event: ChainedEvent): string | undefined {
  return brokenPlace(head, event) ?? (eventHash(event) === event.hash ? undefined : "does not match its hash");
}

function brokenPlace(head: ChainHead, event: ChainedEvent): string | undefined {
  if (event.stream !== head.stream) return `belongs to stream "${event.stream}"`;
  if (event.seq !== head.seq + 1) return `has seq ${event.seq} where ${head.seq + 1} follows`;
  return event.prev === head.hash ? undefined : "does not link to the event before it";
}

/**
 * Refuses an event that does not chain from `head`. One without a payload passes by its hash: whether a `payload.dropped` event speaks of
 * it is for `verify` to say.
 *
 * @throws {@link RunsealError} `store.corrupt` naming stream and seq
 */
export function assertLinked(head: ChainHead, event: ChainedEvent): void {
  const broken = event.payloadText === "" ? brokenHash(head, event) : brokenLink(head, event);
  if (broken === undefined) return;
  throw new RunsealError("store.corrupt", `event ${event.seq} of "${head.stream}" ${broken}`, {
    what: "event",
    id: head.stream,
    seq: event.seq,
  });
}
