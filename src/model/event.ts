import type { Digest, Scope, StreamName } from "./ids.js";
import type { JsonObject, JsonValue } from "../json/value.js";

/** Types of payload members: a trailing `?` may be absent, `|null` may be null. */
interface FieldTypes {
  string: string;
  "string?": string;
  "string|null": string | null;
  integer: number;
  "integer?": number;
  "integer|null": number | null;
  boolean: boolean;
  json: JsonValue;
  "json?": JsonValue;
  strings: readonly string[];
  object: JsonObject;
  "object?": JsonObject;
}

/** The type of one payload member, as the event table writes it. */
export type FieldType = keyof FieldTypes;

interface EventSpec {
  /** Version of the payload's shape. */
  readonly v: number;
  /** The streams it may stand in. */
  readonly streams: readonly ("run" | "runbook" | "session" | "turn")[];
  readonly payload: { readonly [member: string]: FieldType };
}

const RUN = ["run"] as const;
const RUNBOOK = ["runbook"] as const;
const failure = { code: "string", category: "string", message: "string" } as const;

/**
 * The one table of events (decision 4.1, `docs/events.md`): kind, version, streams and payload.
 *
 * The database CHECK, the documentation's table and the types below are made from it. A kind that is not in it (written by a
 * later version) is kept, verified and shown, never dropped.
 */
export const EVENTS = {
  "run.submitted": {
    v: 1,
    streams: RUN,
    payload: {
      runbookId: "string",
      uses: "string",
      dedupKey: "string|null",
      queue: "string",
      priority: "integer",
      labels: "object",
      concurrency: "integer|null",
      requires: "strings",
      parent: "string|null",
      by: "string|null",
    },
  },
  "run.started": {
    v: 1,
    streams: RUN,
    payload: {
      runbookId: "string",
      manifestId: "string|null",
      approvals: "strings",
      build: "object",
      owner: "string",
      epoch: "integer",
      deadlineAt: "integer|null",
    },
  },
  "run.resumed": { v: 1, streams: RUN, payload: { owner: "string", epoch: "integer", reason: "string" } },
  "run.parked": {
    v: 1,
    streams: RUN,
    payload: { reason: "string", stepId: "string|null", key: "string|null", until: "integer|null" },
  },
  "run.paused": { v: 1, streams: RUN, payload: { by: "string|null" } },
  "run.completed": { v: 1, streams: RUN, payload: { output: "json?", outputRef: "string?" } },
  "run.failed": { v: 1, streams: RUN, payload: { ...failure, stepId: "string|null", isVoid: "boolean", details: "object?" } },
  "run.canceled": { v: 1, streams: RUN, payload: { reason: "string", by: "string|null", isVoid: "boolean" } },
  "run.forked": { v: 1, streams: RUN, payload: { runbookId: "string", from: "string|null", runId: "string?" } },
  "run.amended": { v: 1, streams: RUN, payload: { runbookId: "string", runId: "string" } },

  "step.entered": { v: 1, streams: RUN, payload: { stepId: "string", attempt: "integer", args: "json?" } },
  "step.completed": {
    v: 1,
    streams: RUN,
    payload: {
      stepId: "string",
      attempt: "integer",
      result: "json?",
      resultRef: "string?",
      delta: "object?",
      declared: "strings",
      by: "string?",
    },
  },
  "step.failed": {
    v: 1,
    streams: RUN,
    payload: { stepId: "string", attempt: "integer", ...failure, retryable: "boolean", final: "boolean" },
  },
  "step.skipped": { v: 1, streams: RUN, payload: { stepId: "string", reason: "string" } },
  "step.parked": {
    v: 1,
    streams: RUN,
    payload: {
      stepId: "string",
      attempt: "integer",
      reason: "string",
      key: "string",
      until: "integer|null",
      otherwise: "json?",
      delta: "object?",
    },
  },
  "step.retry_scheduled": { v: 1, streams: RUN, payload: { stepId: "string", attempt: "integer", at: "integer" } },
  "step.fenced": { v: 1, streams: RUN, payload: { stepId: "string", attempt: "integer", reason: "string" } },
  "step.in_doubt": {
    v: 1,
    streams: RUN,
    payload: { stepId: "string", attempt: "integer", recovery: "string", reason: "string", rawRef: "string?", by: "string?" },
  },

  "lock.acquired": { v: 1, streams: RUN, payload: { locks: "strings", waitedMs: "integer" } },
  "lock.contended": {
    v: 1,
    streams: RUN,
    payload: { kind: "string", id: "string", holder: "string|null", source: "string", waitedMs: "integer" },
  },
  "lock.released": { v: 1, streams: RUN, payload: { locks: "integer", heldMs: "integer" } },
  "lock.lost": { v: 1, streams: RUN, payload: { reason: "string" } },
  "lease.taken": {
    v: 1,
    streams: RUN,
    payload: { owner: "string", epoch: "integer", leaseMs: "integer", previous: "string|null" },
  },

  "wait.opened": { v: 1, streams: RUN, payload: { stepId: "string", key: "string", until: "integer|null" } },
  "wait.answered": { v: 1, streams: RUN, payload: { stepId: "string", key: "string", by: "string" } },
  "timer.set": { v: 1, streams: RUN, payload: { stepId: "string|null", at: "integer", purpose: "string" } },
  "signal.received": { v: 1, streams: RUN, payload: { key: "string", payload: "json", from: "string|null" } },
  "signal.delivered": { v: 1, streams: RUN, payload: { key: "string", stepId: "string" } },
  "decision.made": {
    v: 1,
    streams: RUN,
    payload: {
      stepId: "string",
      verdict: "string",
      issuer: "string",
      subject: "string",
      vouchedBy: "string",
      payload: "json?",
      note: "string?",
      attempt: "integer?",
    },
  },

  "approval.given": {
    v: 1,
    streams: RUNBOOK,
    payload: {
      nonce: "string",
      runbookId: "string",
      documentDigest: "string",
      decision: "string",
      issuer: "string",
      subject: "string",
      roles: "strings",
      vouchedBy: "string",
      givenAt: "integer",
      expiresAt: "integer|null",
      signature: "string|null",
    },
  },
  "approval.revoked": {
    v: 1,
    streams: RUNBOOK,
    payload: { nonce: "string", issuer: "string", subject: "string", vouchedBy: "string", reason: "string" },
  },
  "approval.consumed": { v: 1, streams: RUNBOOK, payload: { nonce: "string", runId: "string" } },
  "approval.released": { v: 1, streams: RUNBOOK, payload: { nonce: "string", runId: "string", reason: "string" } },

  "fact.recorded": { v: 1, streams: RUN, payload: { key: "string", payload: "json?", payloadRef: "string?", meta: "object?" } },
  "artifact.written": {
    v: 1,
    streams: RUN,
    payload: { artifactId: "string", kind: "string", bytes: "integer", meta: "object?" },
  },
  "child.spawned": { v: 1, streams: RUN, payload: { stepId: "string", key: "string", runId: "string", runbookId: "string" } },
  "child.completed": {
    v: 1,
    streams: RUN,
    payload: {
      stepId: "string",
      runId: "string",
      status: "string",
      output: "json?",
      outputRef: "string?",
      code: "string?",
      message: "string?",
    },
  },
  progress: { v: 1, streams: RUN, payload: { stepId: "string", done: "integer", total: "integer|null" } },
  domain: { v: 1, streams: ["run", "session", "turn"], payload: { name: "string", stepId: "string|null", payload: "json" } },
  "session.changed": { v: 1, streams: ["session"], payload: { from: "string|null", to: "string", reason: "string" } },
  "turn.signal": { v: 1, streams: ["session", "turn"], payload: { signal: "json" } },
  "record.failed": { v: 1, streams: RUN, payload: { sink: "string", message: "string" } },
  "payload.dropped": {
    v: 1,
    streams: ["run", "runbook", "session", "turn"],
    payload: { fromSeq: "integer", toSeq: "integer", reason: "string" },
  },
} as const satisfies Record<string, EventSpec>;

/** A kind of event: a key of the table. */
export type EventKind = keyof typeof EVENTS;

type MemberOf<T extends FieldType> = FieldTypes[T];
type OptionalKeys<P> = { [K in keyof P]: P[K] extends `${string}?` ? K : never }[keyof P];

/** The payload of an event of kind `K`. */
export type EventPayload<K extends EventKind> = {
  readonly [
    M in Exclude<keyof (typeof EVENTS)[K]["payload"], OptionalKeys<(typeof EVENTS)[K]["payload"]>>
  ]: (typeof EVENTS)[K]["payload"][M] extends FieldType ? MemberOf<(typeof EVENTS)[K]["payload"][M]> : never;
} & {
  readonly [M in OptionalKeys<(typeof EVENTS)[K]["payload"]>]?: (typeof EVENTS)[K]["payload"][M] extends FieldType
    ? MemberOf<(typeof EVENTS)[K]["payload"][M]>
    : never;
};

/** An event that has happened and is not in a log yet: kind and payload, before redaction. */
export type EventDraft = { readonly [K in EventKind]: { readonly kind: K; readonly payload: EventPayload<K> } }[EventKind];

/** An event ready to be appended: redacted, canonical, numbered and chained (decision 4.2). */
export interface ChainedEvent {
  readonly stream: StreamName;
  /** 1-based, without gaps. */
  readonly seq: number;
  readonly kind: string;
  readonly v: number;
  /** The lease epoch of the writer; 0 before the first lease. */
  readonly epoch: number;
  /** Canonical text of the redacted payload. */
  readonly payloadText: string;
  readonly payloadDigest: Digest;
  readonly prev: Digest;
  readonly hash: Digest;
}

/** An event as it is read back. `payload` is `undefined` where retention dropped it. */
export interface StoredEvent extends ChainedEvent {
  readonly scope: Scope;
  /** When the store committed it, milliseconds since the epoch by the store's clock; informational, not hashed. */
  readonly at: number;
}

/** An event of the table with its typed payload. */
export type RunEvent = {
  readonly [K in EventKind]: {
    readonly seq: number;
    readonly kind: K;
    readonly v: number;
    readonly epoch: number;
    readonly at: number;
    readonly hash: Digest;
    readonly payload: EventPayload<K>;
  };
}[EventKind];

/** An event as `history` and `handle.events()` show it; `payload` is plain JSON for kinds that this version does not know. */
export type AnyEvent =
  | RunEvent
  | {
      readonly seq: number;
      readonly kind: `unknown:${string}`;
      readonly v: number;
      readonly epoch: number;
      readonly at: number;
      readonly hash: Digest;
      readonly payload: JsonValue;
    };

/** Tells whether `kind` is in this version's table. */
export function isEventKind(kind: string): kind is EventKind {
  return Object.hasOwn(EVENTS, kind);
}
