import type { Handle } from "../handle.js";
import type { RegisteredWorker, WorkerRecord, WorkerRegistry } from "../worker-registry.js";
import type { MemoryBacking } from "./backing.js";
import { GONE_SHOWN_MS } from "../worker-registry.js";

/** Workers in memory. */
export class MemoryWorkerRegistry implements WorkerRegistry {
  readonly #backing: MemoryBacking;
  readonly #handle: Handle;

  constructor(backing: MemoryBacking, handle: Handle) {
    this.#backing = backing;
    this.#handle = handle;
  }

  async beat(worker: WorkerRecord, termMs: number): Promise<{ readonly isJanitor: boolean }> {
    this.#handle.use("workers.beat");
    const now = this.#backing.clock.now();
    const startedAt = this.#backing.workers.get(worker.workerId)?.startedAt ?? now;
    const row = Object.freeze({ ...worker, startedAt, lastSeenAt: now, aliveUntil: now + termMs });
    this.#backing.workers.set(worker.workerId, row);
    const alive = this.#sorted().filter((other) => other.aliveUntil > now && this.#backing.isOwnerAlive(other.owner));
    return { isJanitor: (alive[0] ?? row).workerId === worker.workerId };
  }

  async leave(workerId: string): Promise<void> {
    this.#handle.use("workers.leave");
    this.#backing.workers.delete(workerId);
  }

  async list(): Promise<readonly RegisteredWorker[]> {
    this.#handle.use("workers.list");
    return this.#sorted();
  }

  async sweep(): Promise<{ readonly removed: number }> {
    this.#handle.use("workers.sweep");
    const before = this.#backing.clock.now() - GONE_SHOWN_MS;
    const gone = this.#sorted().filter(({ aliveUntil }) => aliveUntil <= before);
    for (const { workerId } of gone) this.#backing.workers.delete(workerId);
    return { removed: gone.length };
  }

  #sorted(): readonly RegisteredWorker[] {
    return [...this.#backing.workers.values()].sort((a, b) => a.startedAt - b.startedAt || (a.workerId < b.workerId ? -1 : 1));
  }
}
