import type { Access } from "../model/schema-description.js";
import type { RunbookId, RunId, Scope } from "../model/ids.js";

/** One entity to lock. `key` is made by `lockKeyOf`; kind and id are for people. */
export interface LockRequest {
  /** 16 hex digits: the first 8 bytes of SHA-256 over canonical `[scope, kind, id]`. */
  readonly key: string;
  readonly kind: string;
  readonly id: string;
  /** `read` locks are shared, `write` locks exclusive. */
  readonly access: Access;
}

/** On whose behalf locks are held. */
export interface LockOwner {
  readonly scope: Scope;
  readonly runId: RunId;
  readonly runbookId: RunbookId;
  /** The process that holds them: the same owner text as in leases. */
  readonly holder: string;
}

/** Who holds a lock, and how that is known. */
export interface LockHolder {
  readonly source: "memory" | "sqlite" | "pg_locks" | "events" | "unknown";
  readonly runId: RunId | null;
  readonly runbookId: RunbookId | null;
  readonly holder: string | null;
}

/** A lock that is held now: one entity, by one run or on behalf of host code. */
export interface HeldLock extends LockOwner {
  readonly kind: string;
  readonly id: string;
  readonly access: Access;
}

/** Locks that are held. */
export interface HeldLocks {
  readonly requests: readonly LockRequest[];
  /** Time from asking to having, milliseconds. */
  readonly waitedMs: number;
  /** Aborted when the locks can no longer be relied on. */
  readonly lost: AbortSignal;
  /** Gives them all back; a second call does nothing. */
  release(): Promise<void>;
}

/** Locks on entities: a gate against working at cross purposes. The lease epoch, not the lock, is the fence. */
export interface LockManager {
  /**
   * Above how many requests the locks of a run are taken in stripes: fewer locks, each for many entities, so that the run stands beside
   * fewer others. Absent: never.
   */
  readonly stripedAbove?: number;

  /**
   * Takes all or none, in one total order of keys, sharing one deadline. First come, first served inside a process. A run that
   * asks for a key that it already holds gets it.
   *
   * @param requests - sorted by key, each key once
   * @param options - `deadlineMs` from now; 0 tries once. An aborted `signal` rejects with its reason.
   * @throws `lock.contention` past the deadline, naming the entity, its holder and the time waited; nothing is held
   */
  acquire(
    requests: readonly LockRequest[],
    options: { readonly deadlineMs: number; readonly owner: LockOwner; readonly signal?: AbortSignal },
  ): Promise<HeldLocks>;

  /** Who holds a key now; `undefined` when nobody does. */
  holder(key: string): Promise<LockHolder | undefined>;

  /** Every lock of a scope that is held now, by kind, id and run; for people and dashboards. Absent: this manager can't tell. */
  list?(scope: Scope): Promise<readonly HeldLock[]>;
}
