import { resolve } from "node:path";
import type { Clock } from "../time/clock.js";
import type { ChangeListener } from "../stores/store-change.js";
import type { Stores } from "../stores/stores.js";
import type { DriverSource } from "./find-driver.js";
import { closedError } from "../stores/handle.js";
import { Listeners } from "../stores/listeners.js";
import { LockQueue } from "../stores/lock-queue.js";
import { systemClock } from "../time/clock.js";
import { Database } from "./database.js";
import { DRIVER_SOURCES } from "./find-driver.js";
import { makeOwner } from "../sql/owner.js";
import { SqliteArtifactStore } from "./sqlite-artifact-store.js";
import { SqliteEventReader } from "./sqlite-event-reader.js";
import { SqliteEventStore } from "./sqlite-event-store.js";
import { SqliteInbox } from "./sqlite-inbox.js";
import { SqliteLeaseStore } from "./sqlite-lease-store.js";
import { SqliteLockTable } from "./sqlite-lock-table.js";
import { SqliteProjections } from "./sqlite-projections.js";
import { SqliteRunIndex } from "./sqlite-run-index.js";
import { SqliteRunbookStore } from "./sqlite-runbook-store.js";
import { SqliteTransactions } from "./sqlite-transactions.js";
import { SqliteWorkerRegistry } from "./sqlite-worker-registry.js";

/** What {@link openSqlite} may be told. */
export interface SqliteOptions {
  /** How long a call tries while other processes hold the file, milliseconds. Default 5,000; then `store.busy`. */
  readonly busyMs?: number;
  /** Time of leases, events, retries and lock deadlines. Default: this machine's. */
  readonly clock?: Clock;
  /** What this process is called in leases and locks. Default: host, pid, start time and a nonce, so that its death is seen. */
  readonly owner?: string;
  /** Where to look for a driver, in this order. Default: `node:sqlite`, then the package `libsql`. */
  readonly drivers?: readonly DriverSource[];
}

/** {@link Stores} with every port there is. */
export type SqliteStores = Stores & Required<Pick<Stores, "locks" | "workers">>;

const BUSY_MS_DEFAULT = 5_000;

/** Bounds of the random delay between two looks at a lock that another process may hold, milliseconds. */
const POLL_MS_MIN = 5;
const POLL_MS_MAX = 25;

/**
 * Everything in one SQLite file: the embedded default. Several processes of one machine may share it.
 *
 * Does no I/O: the first call opens the file, creates it where there is none, and brings its schema up to date. `:memory:` keeps
 * everything in this process. The directory must exist; beside the file stand its `-wal` and `-shm`. Every commit is on the disk
 * before it is answered (WAL, `synchronous=FULL`). Tables are named `runseal_…`, so that the file can hold others too.
 *
 * @param path - of the file; never a URL, whatever it looks like
 * @throws {@link RunsealError} from the first call: `sqlite.driver_missing`, `store.schema_newer`, `store.corrupt` when it is not an
 * SQLite file, `store.failed` when it can't be opened or written
 */
export function openSqlite(path: string, options: SqliteOptions = {}): SqliteStores {
  const clock = options.clock ?? systemClock;
  const file = path === ":memory:" ? path : resolve(path);
  const busyMs = options.busyMs ?? BUSY_MS_DEFAULT;
  const database = new Database({ path: file, busyMs, clock, drivers: options.drivers ?? DRIVER_SOURCES });
  const changed = new Listeners();
  const owner = options.owner ?? makeOwner();
  const table = new SqliteLockTable(database, clock, owner);
  const locks = new LockQueue({ table, clock, pollMs });
  table.onLost = () => locks.lose();
  return Object.freeze({
    runbooks: new SqliteRunbookStore(database, clock),
    events: new SqliteEventStore(database, clock, changed),
    reader: new SqliteEventReader(database),
    runs: new SqliteRunIndex(database, clock),
    artifacts: new SqliteArtifactStore(database, clock),
    inbox: new SqliteInbox(database, clock, changed),
    leases: new SqliteLeaseStore(database, clock),
    locks,
    projections: new SqliteProjections(database),
    transactions: new SqliteTransactions(database, changed),
    workers: new SqliteWorkerRegistry(database, clock),
    watch: (listener: ChangeListener) => changed.add(listener),
    owner,
    close: async () => {
      if (database.handle.isClosed) return;
      locks.close(closedError("locks.acquire"));
      await table.giveAll();
      await database.close();
    },
  });
}

function pollMs(): number {
  return POLL_MS_MIN + Math.random() * (POLL_MS_MAX - POLL_MS_MIN);
}
