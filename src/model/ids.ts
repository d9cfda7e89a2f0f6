/** Names a sealed runbook: `rb_` and the 64 hex digits of the digest of its content. */
export type RunbookId = `rb_${string}`;

/** 64 lower-case hex digits of a SHA-256. */
export type Digest = string;

/** Names one execution of a runbook: a UUIDv7, or a UUIDv5 for a child. */
export type RunId = string;

/** The path of labels from the root to a step, joined by `/`: `accounts[EUR]/open`. */
export type StepId = string;

/** A tenant; part of every key and of every sealed runbook. Default `"default"`. */
export type Scope = string;

/** The scope of an instance that names none. */
export const DEFAULT_SCOPE: Scope = "default";

/** Names the event stream of a run, a runbook, a session or a turn: `run/<id>`, `runbook/<id>`. */
export type StreamName = `run/${string}` | `runbook/${string}` | `session/${string}` | `turn/${string}`;

const RUNBOOK_ID = /^rb_[0-9a-f]{64}$/;
const DIGEST = /^[0-9a-f]{64}$/;

/** Tells whether `text` has the shape of a runbook id. */
export function isRunbookId(text: unknown): text is RunbookId {
  return typeof text === "string" && RUNBOOK_ID.test(text);
}

/** Tells whether `text` is 64 lower-case hex digits. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && DIGEST.test(text);
}

/** The event stream of a run. */
export function runStream(runId: RunId): StreamName {
  return `run/${runId}`;
}

/** The event stream of a runbook: its approvals. */
export function runbookStream(runbookId: RunbookId): StreamName {
  return `runbook/${runbookId}`;
}
