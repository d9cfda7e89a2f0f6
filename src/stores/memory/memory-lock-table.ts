import type { Scope } from "../../model/ids.js";
import type { HeldLock, LockHolder, LockOwner, LockRequest } from "../lock-manager.js";
import type { LockBlocker, LockTable } from "../lock-queue.js";
import type { LockRow, MemoryBacking } from "./backing.js";
import type { Handle } from "../handle.js";
import { locksClash } from "../lock-queue.js";

/** Lock rows in memory, for one of the stores that share a backing. */
export class MemoryLockTable implements LockTable {
  readonly #backing: MemoryBacking;
  readonly #handle: Handle;
  readonly #owner: string;

  constructor(backing: MemoryBacking, handle: Handle, owner: string) {
    this.#backing = backing;
    this.#handle = handle;
    this.#owner = owner;
  }

  async take(grant: number, requests: readonly LockRequest[], owner: LockOwner): Promise<LockBlocker | undefined> {
    this.#handle.use("locks.acquire");
    for (const request of requests) {
      const row = this.#rows(request.key).find((held) => !isSameRun(held.owner, owner) && locksClash(held.request, request));
      if (row !== undefined) return { request, holder: holderOf(row) };
    }
    for (const request of requests) {
      this.#backing.locks.set(request.key, [...this.#rows(request.key), { grant: this.#name(grant), request, owner }]);
    }
    return undefined;
  }

  async give(grant: number): Promise<void> {
    this.#drop((row) => row.grant === this.#name(grant));
  }

  async holder(key: string): Promise<LockHolder | undefined> {
    this.#handle.use("locks.holder");
    const row = this.#rows(key)[0];
    return row === undefined ? undefined : holderOf(row);
  }

  async list(scope: Scope): Promise<readonly HeldLock[]> {
    this.#handle.use("locks.list");
    return [...this.#backing.locks.keys()]
      .flatMap((key) => this.#rows(key))
      .filter(({ owner }) => owner.scope === scope)
      .map(({ request: { kind, id, access }, owner }) => Object.freeze({ ...owner, kind, id, access }));
  }

  /** Gives back whatever this store still holds. */
  giveAll(): void {
    this.#drop((row) => row.grant.startsWith(`${this.#owner}#`));
  }

  #drop(isGone: (row: LockRow) => boolean): void {
    for (const [key, rows] of this.#backing.locks) {
      const left = rows.filter((row) => !isGone(row));
      if (left.length === 0) this.#backing.locks.delete(key);
      else if (left.length < rows.length) this.#backing.locks.set(key, left);
    }
    this.#backing.unlocked.notify();
  }

  #rows(key: string): readonly LockRow[] {
    return (this.#backing.locks.get(key) ?? []).filter((row) => this.#backing.isOwnerAlive(row.owner.holder));
  }

  #name(grant: number): string {
    return `${this.#owner}#${grant}`;
  }
}

function isSameRun(a: LockOwner, b: LockOwner): boolean {
  return a.scope === b.scope && a.runId === b.runId;
}

function holderOf({ owner }: LockRow): LockHolder {
  return { source: "memory", runId: owner.runId, runbookId: owner.runbookId, holder: owner.holder };
}
