import type { JsonValue } from "../json/value.js";
import type { RunId, Scope } from "../model/ids.js";

/** What a sender may put into a run's inbox. */
export type InboxKind = "signal" | "decision" | "cancel" | "pause" | "resume";

/** A message to a run. Keys are unique per run; the first payload wins. */
export interface InboxEntry {
  readonly scope: Scope;
  readonly runId: RunId;
  readonly key: string;
  readonly kind: InboxKind;
  /** Redacted, canonical. */
  readonly payload: JsonValue;
}

/** What became of a message. */
export type PutAnswer =
  | { readonly kind: "stored" }
  /** The same key with an equal payload was there: nothing to do. */
  | { readonly kind: "same" }
  /** The same key with another payload was there. */
  | { readonly kind: "conflict" }
  | { readonly kind: "terminal"; readonly status: string }
  | { readonly kind: "not_found" }
  | { readonly kind: "full"; readonly undeliveredMax: number };

/** The append-only inbox of runs (decision 3.10): evidence beside the log, so that senders never write a run's stream. */
export interface Inbox {
  /** Stores a message and makes the run due (`wakeAt` 0), in one transaction. */
  put(entry: InboxEntry): Promise<PutAnswer>;

  /** Messages that no commit has consumed yet, in order of arrival. */
  pending(scope: Scope, runId: RunId): Promise<readonly (InboxEntry & { readonly order: number })[]>;

  /** Every message of a run with whether it was consumed, in order of arrival. */
  all(scope: Scope, runId: RunId): Promise<readonly (InboxEntry & { readonly order: number; readonly consumed: boolean })[]>;
}

/** Undelivered messages a run may have at a time. */
export const INBOX_UNDELIVERED_MAX = 1000;
