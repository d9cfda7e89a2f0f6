import type { LockOwner } from "../stores/lock-manager.js";
import type { LockBlocker } from "../stores/lock-queue.js";
import type { AdvisoryLock, AdvisoryRequest } from "./lock-keys.js";

interface LocalHold {
  readonly owner: LockOwner;
  readonly lock: AdvisoryLock;
}

/** What the runs of this process hold in its session: PostgreSQL itself would give each of them what another one has. */
export class LocalLocks {
  readonly #byLock = new Map<string, Map<number, LocalHold>>();
  readonly #byGrant = new Map<number, AdvisoryRequest>();

  /** The first lock of a request that another run of this process keeps it from. */
  blocker(request: AdvisoryRequest, owner: LockOwner): LockBlocker | undefined {
    for (const wanted of request.locks) {
      for (const held of this.#byLock.get(wanted.lock)?.values() ?? []) {
        const isSameRun = held.owner.scope === owner.scope && held.owner.runId === owner.runId;
        if (isSameRun || (held.lock.isShared && wanted.isShared)) continue;
        const { runId, runbookId, holder } = held.owner;
        return { request: wanted.request, holder: { source: "memory", runId, runbookId, holder } };
      }
    }
    return undefined;
  }

  /** Notes that a grant holds all locks of a request. */
  add(grant: number, request: AdvisoryRequest, owner: LockOwner): void {
    this.#byGrant.set(grant, request);
    for (const lock of request.locks) {
      const holds = this.#byLock.get(lock.lock);
      if (holds === undefined) this.#byLock.set(lock.lock, new Map([[grant, { owner, lock }]]));
      else holds.set(grant, { owner, lock });
    }
  }

  /** Notes that a grant was given back. */
  remove(grant: number): void {
    for (const { lock } of this.#byGrant.get(grant)?.locks ?? []) {
      const holds = this.#byLock.get(lock);
      holds?.delete(grant);
      if (holds?.size === 0) this.#byLock.delete(lock);
    }
    this.#byGrant.delete(grant);
  }

  /** Notes that nothing is held any more. */
  clear(): void {
    this.#byLock.clear();
    this.#byGrant.clear();
  }
}
