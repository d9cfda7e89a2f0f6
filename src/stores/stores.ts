import type { ArtifactStore } from "./artifact-store.js";
import type { StoreMetrics } from "./counters.js";
import type { EventReader, EventStore, ProjectionAdmin, RunIndex } from "./event-store.js";
import type { Inbox } from "./inbox.js";
import type { LeaseStore } from "./lease-store.js";
import type { LockManager } from "./lock-manager.js";
import type { Retention } from "./retention.js";
import type { RunbookStore } from "./runbook-store.js";
import type { ChangeListener } from "./store-change.js";
import type { Transactions } from "./transactions.js";
import type { WorkerRegistry } from "./worker-registry.js";

/** Everything an instance keeps, behind small ports. Making one does no I/O; the first call opens it. */
export interface Stores {
  readonly runbooks: RunbookStore;
  readonly events: EventStore;
  readonly reader: EventReader;
  readonly runs: RunIndex;
  readonly artifacts: ArtifactStore;
  readonly inbox: Inbox;
  readonly leases: LeaseStore;
  /** Absent: runbooks with a write-set are refused with `lock.required`. */
  readonly locks?: LockManager;
  readonly projections: ProjectionAdmin;
  /** Absent: these stores drop no payloads. On PostgreSQL only the owner of the tables may. */
  readonly retention?: Retention;
  /** Transactions that a host's own writes and the log share. */
  readonly transactions: Transactions;
  /** Absent: these stores keep no list of workers. */
  readonly workers?: WorkerRegistry;
  /** What these stores have done since they were made; reading costs nothing. Absent: they count nothing. */
  metrics?(): StoreMetrics;
  /**
   * Calls back after a commit or an inbox message of this process (and of others, where the store can tell), so that waiting
   * code looks again without polling. Only a hint. Returns the unsubscription.
   */
  watch(listener: ChangeListener): () => void;
  /** What a process is called in leases and locks: host, pid, start time and a nonce. */
  readonly owner: string;
  /** Closes files and connections; later calls throw `store.closed`. */
  close(): Promise<void>;
}
