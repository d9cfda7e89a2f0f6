import type { Scope } from "../model/ids.js";
import type { HeldLock, HeldLocks, LockHolder, LockManager, LockOwner, LockRequest } from "../stores/lock-manager.js";
import type { Counters } from "../stores/counters.js";
import type { Database } from "./database.js";
import type { Notifications } from "./notifications.js";
import type { Session } from "./session.js";
import { isRunsealError } from "../errors/error.js";
import { closedError } from "../stores/handle.js";
import { LockQueue } from "../stores/lock-queue.js";
import { systemClock } from "../time/clock.js";
import { LockKeys } from "./lock-keys.js";
import { PostgresLockTable } from "./postgres-lock-table.js";

/** Above how many requests a run's locks are taken in stripes (decision 3.20). */
const STRIPED_ABOVE = 1_000;

/** Bounds of the random delay between two looks at a lock that another session may hold, milliseconds: while nobody tells, and else. */
const POLL_MS_UNTOLD = [10, 40] as const;
const POLL_MS_TOLD = [80, 240] as const;

/** What a {@link PostgresLockManager} is made with. */
export interface LockManagerOptions {
  readonly session: Session;
  readonly database: Database;
  readonly notifications: Notifications;
  /** Default {@link STRIPED_ABOVE}. */
  readonly stripedAbove?: number;
}

/**
 * Locks over PostgreSQL: session-level advisory locks on the one session of this process, taken with the `try` functions alone
 * (decision 3.6). Who waits is told by a notification, and looks again after a random delay besides.
 */
export class PostgresLockManager implements LockManager {
  readonly stripedAbove: number;
  readonly #table: PostgresLockTable;
  readonly #queue: LockQueue;
  readonly #counters: Counters;

  constructor({ session, database, notifications, stripedAbove = STRIPED_ABOVE }: LockManagerOptions) {
    this.stripedAbove = stripedAbove;
    const table = new PostgresLockTable(session, database, new LockKeys(database.schema, stripedAbove));
    const pollMs = (): number => {
      notifications.start();
      const [min, max] = notifications.isListening ? POLL_MS_TOLD : POLL_MS_UNTOLD;
      return min + Math.random() * (max - min);
    };
    const queue = new LockQueue({ table, clock: systemClock, pollMs });
    table.isQuiet = () => queue.waiting === 0;
    session.onLost(() => queue.lose());
    notifications.onLocks = () => queue.wake();
    this.#table = table;
    this.#queue = queue;
    this.#counters = database.counters;
  }

  async acquire(
    requests: readonly LockRequest[],
    options: { readonly deadlineMs: number; readonly owner: LockOwner; readonly signal?: AbortSignal },
  ): Promise<HeldLocks> {
    try {
      const held = await this.#queue.acquire(requests, options);
      this.#counters.add("lockGrants");
      return held;
    } catch (error) {
      if (isRunsealError(error, "lock.contention")) this.#counters.add("lockTimeouts");
      throw error;
    }
  }

  holder(key: string): Promise<LockHolder | undefined> {
    return this.#queue.holder(key);
  }

  list(scope: Scope): Promise<readonly HeldLock[]> {
    return this.#queue.list(scope);
  }

  /** Rejects who waits and looks after nothing any more; the locks go with the session, which is somebody else's to close. */
  close(): void {
    this.#queue.close(closedError("locks.acquire"));
    this.#table.stop();
  }
}
