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
  /**
   * Stores a message and makes the run due (`wakeAt` 0), in one transaction. A key that is known is answered `same` or `conflict`
   * whatever became of the run, so that a sender may repeat itself; another kind under the same key is a conflict.
   */
  put(entry: InboxEntry): Promise<PutAnswer>;

  /** Messages that no commit has consumed yet, in order of arrival. */
  pending(scope: Scope, runId: RunId): Promise<readonly (InboxEntry & { readonly order: number })[]>;

  /** Every message of a run with whether it was consumed, in order of arrival. */
  all(scope: Scope, runId: RunId): Promise<readonly (InboxEntry & { readonly order: number; readonly consumed: boolean })[]>;
}

/** Undelivered messages a run may have before signals and decisions are refused. */
export const INBOX_UNDELIVERED_MAX = 1000;

/** Whether a full inbox refuses this kind: what stops a run always finds room. */
export function isBounded(kind: InboxKind): boolean {
  return kind === "signal" || kind === "decision";
}
