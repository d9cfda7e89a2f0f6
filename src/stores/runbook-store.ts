import type { Digest, RunbookId, Scope } from "../model/ids.js";
import type { Runbook } from "../model/runbook.js";

/** Sealed runbooks: inserted once, never changed, checked on every read. */
export interface RunbookStore {
  /**
   * Stores a runbook under its id; a repeat changes nothing. A document (what a person reads) that is new for a known id is
   * added beside the earlier ones.
   * @throws `store.corrupt` when the id is not the digest of the content, or another content has the same first 128 bits
   */
  put(runbook: Runbook): Promise<{ readonly isNew: boolean }>;

  /**
   * The runbook with its newest document, `undefined` when the scope has none of this id.
   * @param options - `tx`: a transaction as `EventStore.commit` takes it, in which to read where the database has more than one connection:
   * whoever holds one need not wait for another. What it can't see yet may be missing
   * @throws `store.corrupt` when stored bytes do not match id or document digest
   */
  get(scope: Scope, id: RunbookId, options?: { readonly tx?: unknown }): Promise<Runbook | undefined>;

  /** The digests of every document stored for an id, oldest first. */
  documents(scope: Scope, id: RunbookId): Promise<readonly Digest[]>;

  /**
   * Gives a session's next version number to a compilation; the same runbook compiled twice in a row keeps its number.
   * @throws `runbook.not_found` when the scope has no such runbook
   */
  recordVersion(scope: Scope, sessionId: string, id: RunbookId): Promise<number>;

  /** Ids of a scope, in order of first storing, after `after`; default limit 100. None after an unknown id. */
  list(scope: Scope, options?: { readonly after?: RunbookId; readonly limit?: number }): Promise<readonly RunbookId[]>;
}

/** How many ids `list` gives when nobody says. */
export const RUNBOOKS_LISTED_DEFAULT = 100;
