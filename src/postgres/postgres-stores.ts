import type { ChangeListener } from "../stores/store-change.js";
import type { Clock } from "../time/clock.js";
import type { PgPool } from "./pg-types.js";
import type { Stores } from "../stores/stores.js";
import { ANYTHING, MILLISECONDS, checkOptions, checkPool } from "./checked-options.js";
import { Database } from "./database.js";
import { Counters } from "../stores/counters.js";
import { Listeners } from "../stores/listeners.js";
import { PostgresArtifactStore } from "./postgres-artifact-store.js";
import { PostgresEventReader } from "./postgres-event-reader.js";
import { PostgresEventStore } from "./postgres-event-store.js";
import { PostgresInbox } from "./postgres-inbox.js";
import { PostgresLeaseStore } from "./postgres-lease-store.js";
import { PostgresProjections } from "./postgres-projections.js";
import { PostgresRetention } from "./postgres-retention.js";
import { PostgresRunIndex } from "./postgres-run-index.js";
import { PostgresRunbookStore } from "./postgres-runbook-store.js";
import { PostgresTransactions } from "./postgres-transactions.js";
import { PostgresWorkerRegistry } from "./postgres-worker-registry.js";
import { DEFAULT_SCHEMA, schemaName } from "./schema-name.js";
import { Notifications } from "./notifications.js";
import { PostgresLockManager } from "./postgres-lock-manager.js";
import { Session } from "./session.js";
import { type MigrateMode, prepareSchema } from "./migrate.js";
import { makeOwner } from "../sql/owner.js";
import { isStorable } from "../stores/storable-name.js";
import { systemClock } from "../time/clock.js";

/** What {@link postgresStores} may be told. */
export interface PostgresStoresOptions {
  /** Name of the schema that holds everything. Any name will do, quotes and all. Default `runseal`. */
  readonly schema?: string;
  /**
   * What the first call does about the schema: `verify` looks whether it is one that this version can use, `auto` brings it up to date first.
   * Default `verify`: in production `migrate` is a step of its own (decision 4.8).
   */
  readonly migrate?: MigrateMode;
  /**
   * How the one connection beside the pool is made, for locks and notifications: options of a `Client` of `pg`. It must reach the server
   * itself, or a pooler in session mode. Default: as the pool connects.
   */
  readonly session?: object;
  /** How long a call tries while the server is away, starting or busy, milliseconds. Default 5,000. */
  readonly busyMs?: number;
  /** How long one statement may take before its connection is given up, milliseconds. Default 30,000. */
  readonly statementMs?: number;
  /** What this process is called in leases and locks. Default: host, pid, start time and a nonce. */
  readonly owner?: string;
  /** Time of lock deadlines and of open transactions; leases go by the database's. Default: this machine's. */
  readonly clock?: Clock;
}

/** {@link Stores} with every port there is. */
export type PostgresStores = Stores & Required<Pick<Stores, "locks" | "metrics" | "retention" | "workers">>;

const OWNER_CHARS_MAX = 200;
const OPTIONS = {
  schema: ANYTHING,
  migrate: {
    right: '"auto" or "verify"',
    holds: (mode: unknown) => mode === "auto" || mode === "verify" || typeof mode === "boolean",
  },
  session: {
    right: "options of a Client of pg, such as { connectionString }",
    holds: (session: unknown) => typeof session === "object" && session !== null,
  },
  busyMs: MILLISECONDS,
  statementMs: MILLISECONDS,
  owner: {
    right: `a text of 1 to ${OWNER_CHARS_MAX} characters without NUL`,
    holds: (owner: unknown) => typeof owner === "string" && owner !== "" && owner.length <= OWNER_CHARS_MAX && isStorable(owner),
  },
  clock: {
    right: "a clock, such as systemClock",
    holds: (clock: unknown) => typeof clock === "object" && clock !== null && typeof Reflect.get(clock, "now") === "function",
  },
};

const BUSY_MS_DEFAULT = 5_000;
const STATEMENT_MS_DEFAULT = 30_000;

/**
 * Everything in one schema of a PostgreSQL that many processes on many machines share.
 *
 * Does no I/O: the first call connects. The pool stays the host's: it is neither changed nor closed here. Beside it stands one connection
 * of this package's own, which holds the locks and hears what other processes did; it is opened at first need.
 *
 * @param pool - of the package `pg`, connected as a role that may use the schema
 * @throws {@link RunsealError} `instance.misconfigured` naming the option that can't be right, such as a schema's name; from the first call `store.schema_older`,
 * `store.schema_newer` and `store.connection_lost`, from the first lock `lock.pooler_unsupported`
 */
export function postgresStores(pool: PgPool, options: PostgresStoresOptions = {}): PostgresStores {
  checkPool("postgresStores", pool);
  checkOptions("postgresStores", options, OPTIONS);
  const clock = options.clock ?? systemClock;
  const owner = options.owner ?? makeOwner();
  const busyMs = options.busyMs ?? BUSY_MS_DEFAULT;
  const statementMs = options.statementMs ?? STATEMENT_MS_DEFAULT;
  const counters = new Counters();
  const database = new Database({
    counters,
    pool,
    schema: schemaName(options.schema ?? DEFAULT_SCHEMA),
    busyMs,
    statementMs,
    prepare: (opened) => prepareSchema(opened, options.migrate ?? "verify"),
  });
  const changed = new Listeners();
  const session = new Session({ config: options.session ?? pool.options, owner, busyMs, statementMs, counters });
  const notifications = new Notifications({ session, channel: database.schema.channel, changed, origin: database.origin });
  const locks = new PostgresLockManager({ session, database, notifications });
  const transactions = new PostgresTransactions(database, changed, clock);
  return Object.freeze({
    runbooks: new PostgresRunbookStore(database, transactions),
    events: new PostgresEventStore(database, changed, transactions),
    reader: new PostgresEventReader(database),
    runs: new PostgresRunIndex(database, transactions),
    artifacts: new PostgresArtifactStore(database),
    inbox: new PostgresInbox(database, changed),
    leases: new PostgresLeaseStore(database),
    projections: new PostgresProjections(database),
    retention: new PostgresRetention(database),
    transactions,
    workers: new PostgresWorkerRegistry(database, session),
    locks,
    metrics: () => counters.read(),
    watch: (listener: ChangeListener) => {
      notifications.start();
      return changed.add(listener);
    },
    owner,
    close: async () => {
      if (database.handle.isClosed) return;
      database.handle.close();
      notifications.close();
      locks.close();
      await session.close();
    },
  });
}
