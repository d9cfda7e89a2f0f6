import type { Clock } from "../../time/clock.js";
import type { Stores } from "../stores.js";
import type { ChangeListener } from "../store-change.js";
import { invariant } from "../../errors/invariant.js";
import { systemClock } from "../../time/clock.js";
import { closedError, Handle } from "../handle.js";
import { LockQueue } from "../lock-queue.js";
import { MemoryBacking } from "./backing.js";
import { MemoryArtifactStore } from "./memory-artifact-store.js";
import { MemoryEventReader } from "./memory-event-reader.js";
import { MemoryEventStore } from "./memory-event-store.js";
import { MemoryInbox } from "./memory-inbox.js";
import { MemoryLeaseStore } from "./memory-lease-store.js";
import { MemoryLockTable } from "./memory-lock-table.js";
import { MemoryProjections } from "./memory-projections.js";
import { MemoryRunIndex } from "./memory-run-index.js";
import { MemoryRunbookStore } from "./memory-runbook-store.js";
import { MemoryTransactions } from "./memory-transactions.js";
import { MemoryWorkerRegistry } from "./memory-worker-registry.js";

/** What {@link memoryStores} may be told. */
export interface MemoryStoresOptions {
  /** Time of leases, events and lock deadlines. Default: this machine's. */
  readonly clock?: Clock;
  /** Whether the process behind an owner lives; a dead owner's leases and locks are free at once. Default: everybody lives. */
  readonly ownerAlive?: (owner: string) => boolean;
  /** Stores made here before: the new ones see the same data under another owner, as a second process would. */
  readonly sharedWith?: Stores;
}

/** {@link Stores} with every port there is. */
export type MemoryStores = Stores & Required<Pick<Stores, "locks" | "workers">>;

const backings = new WeakMap<Stores, MemoryBacking>();

/**
 * Everything in memory, for tests and trials: the same checks and answers as the databases, gone with the process.
 *
 * Nothing is shared between two calls unless `sharedWith` says so; clock and `ownerAlive` are then those of the first.
 *
 * @throws {@link RunsealError} `internal.invariant` when `sharedWith` was not made by this function
 */
export function memoryStores(options: MemoryStoresOptions = {}): MemoryStores {
  const backing = backingFor(options);
  const handle = new Handle();
  const owner = backing.nextOwner();
  const table = new MemoryLockTable(backing, handle, owner);
  const locks = new LockQueue({ table, clock: backing.clock });
  const unwatchLocks = backing.unlocked.add(() => locks.wake());
  const stores: MemoryStores = Object.freeze({
    runbooks: new MemoryRunbookStore(backing, handle),
    events: new MemoryEventStore(backing, handle),
    reader: new MemoryEventReader(backing, handle),
    runs: new MemoryRunIndex(backing, handle),
    artifacts: new MemoryArtifactStore(backing, handle),
    inbox: new MemoryInbox(backing, handle),
    leases: new MemoryLeaseStore(backing, handle),
    locks,
    projections: new MemoryProjections(backing, handle),
    transactions: new MemoryTransactions(backing, handle),
    workers: new MemoryWorkerRegistry(backing, handle),
    watch: (listener: ChangeListener) => backing.changed.add(listener),
    owner,
    close: async () => {
      if (handle.isClosed) return;
      handle.close();
      unwatchLocks();
      locks.close(closedError("locks.acquire"));
      table.giveAll();
    },
  });
  backings.set(stores, backing);
  return stores;
}

function backingFor({ clock, ownerAlive, sharedWith }: MemoryStoresOptions): MemoryBacking {
  if (sharedWith === undefined) return new MemoryBacking(clock ?? systemClock, ownerAlive ?? (() => true));
  const backing = backings.get(sharedWith);
  invariant(backing !== undefined, "sharedWith was made by memoryStores");
  return backing;
}
