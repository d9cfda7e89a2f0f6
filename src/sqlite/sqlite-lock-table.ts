import type { Clock, Scheduled } from "../time/clock.js";
import type { Access } from "../model/schema-description.js";
import type { RunbookId, Scope } from "../model/ids.js";
import type { HeldLock, LockHolder, LockOwner, LockRequest } from "../stores/lock-manager.js";
import type { LockBlocker, LockTable } from "../stores/lock-queue.js";
import type { Database } from "./database.js";
import type { Transaction } from "./transaction.js";
import type { SqlRow } from "./driver.js";
import { integerIn, textIn } from "../sql/row.js";
import { Refused } from "./database.js";
import { livenessOf } from "../sql/owner.js";

/** How long a row counts where nobody can tell whether its process lives: it was made on another host. Milliseconds. */
export const LOCK_TERM_MS = 30_000;

const SELECT_KEY = "SELECT key, holder, hold, scope, run_id, runbook_id, access, until FROM runseal_locks WHERE key = ?";
const SELECT_SCOPE = "SELECT holder, run_id, runbook_id, access, kind, id, until FROM runseal_locks WHERE scope = ?";
const INSERT = `INSERT INTO runseal_locks (key, holder, hold, scope, run_id, runbook_id, access, kind, id, until)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const DELETE_ROW = "DELETE FROM runseal_locks WHERE key = ? AND holder = ? AND hold = ?";
const DELETE_HOLD = "DELETE FROM runseal_locks WHERE holder = ? AND hold = ?";
const DELETE_HOLDER = "DELETE FROM runseal_locks WHERE holder = ?";
const RENEW = "UPDATE runseal_locks SET until = ? WHERE holder = ?";

/** Lock rows in SQLite. The holder in a row is the process of this store, whatever the run's owner says. */
export class SqliteLockTable implements LockTable {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #holder: string;
  /** Rows of each hold that this store wrote and did not give back. */
  readonly #held = new Map<number, number>();
  #timer: Scheduled | undefined;
  #renewedAt = 0;

  /** Called when rows of this store are gone without its doing. */
  onLost: () => void = () => undefined;

  constructor(database: Database, clock: Clock, holder: string) {
    this.#database = database;
    this.#clock = clock;
    this.#holder = holder;
  }

  async take(hold: number, requests: readonly LockRequest[], owner: LockOwner): Promise<LockBlocker | undefined> {
    const blocked = await this.#database.read(
      "locks.acquire",
      (transaction) => this.#blocker(transaction, requests, owner),
      "wait",
    );
    // most attempts of a waiting run end here, without taking the file from those who write
    if (blocked !== undefined) return blocked;
    const blocker = await this.#database.write<LockBlocker | undefined>(
      "locks.acquire",
      (transaction) => {
        const found = this.#blocker(transaction, requests, owner);
        if (found !== undefined) return new Refused<LockBlocker | undefined>(found);
        for (const request of requests) this.#insert(transaction, hold, request, owner);
        return undefined;
      },
      "wait",
    );
    if (blocker === undefined) this.#hold(hold, requests.length);
    return blocker;
  }

  async give(hold: number): Promise<void> {
    await this.#database.write("locks.release", (transaction) => transaction.run(DELETE_HOLD, this.#holder, hold), "wait");
    this.#held.delete(hold);
    if (this.#held.size === 0) this.#timer?.cancel();
  }

  async holder(key: string): Promise<LockHolder | undefined> {
    const rows = await this.#database.read("locks.holder", (transaction) => transaction.all(SELECT_KEY, key), "wait");
    const row = rows.find((each) => this.#isAlive(each));
    return row === undefined ? undefined : holderOf(row);
  }

  async list(scope: Scope): Promise<readonly HeldLock[]> {
    const rows = await this.#database.read("locks.list", (transaction) => transaction.all(SELECT_SCOPE, scope), "wait");
    return rows.filter((row) => this.#isAlive(row)).map((row) => heldLockOf(scope, row));
  }

  /** Gives back whatever this store holds: it is closing. */
  async giveAll(): Promise<void> {
    this.#timer?.cancel();
    if (this.#held.size === 0) return;
    await this.#database.write("locks.release", (transaction) => transaction.run(DELETE_HOLDER, this.#holder), "wait");
    this.#held.clear();
  }

  #hold(hold: number, rows: number): void {
    if (this.#held.size === 0) {
      this.#renewedAt = this.#clock.now();
      this.#renewLater();
    }
    this.#held.set(hold, rows);
  }

  #renewLater(): void {
    this.#timer = this.#clock.schedule(LOCK_TERM_MS / 3, () => void this.#renew());
  }

  /** Says that this process lives, for those who can't see it, and looks whether its rows are still there. */
  async #renew(): Promise<void> {
    const startedAt = this.#clock.now();
    const expected = (): number => [...this.#held.values()].reduce((sum, rows) => sum + rows, 0);
    try {
      const rows = await this.#database.write(
        "locks.renew",
        (transaction) => {
          const found = transaction.run(RENEW, this.#clock.now() + LOCK_TERM_MS, this.#holder);
          return { found, expected: expected() };
        },
        "wait",
      );
      this.#renewedAt = startedAt;
      if (rows.found < rows.expected) this.#lose();
    } catch {
      // a busy or broken store is asked again; what was not renewed for a whole term can't be relied on
      if (this.#clock.now() - this.#renewedAt >= LOCK_TERM_MS) this.#lose();
    }
    if (this.#held.size > 0 && !this.#database.handle.isClosed) this.#renewLater();
  }

  #lose(): void {
    this.#held.clear();
    this.onLost();
  }

  #insert(transaction: Transaction, hold: number, request: LockRequest, owner: LockOwner): void {
    const { key, access, kind, id } = request;
    for (const row of transaction.all(SELECT_KEY, key)) {
      if (!this.#isAlive(row)) transaction.run(DELETE_ROW, key, textIn(row, "holder"), integerIn(row, "hold"));
    }
    const until = this.#clock.now() + LOCK_TERM_MS;
    transaction.run(INSERT, key, this.#holder, hold, owner.scope, owner.runId, owner.runbookId, access, kind, id, until);
  }

  #blocker(transaction: Transaction, requests: readonly LockRequest[], owner: LockOwner): LockBlocker | undefined {
    for (const request of requests) {
      const row = transaction.all(SELECT_KEY, request.key).find((held) => this.#blocks(held, request.access, owner));
      if (row !== undefined) return { request, holder: holderOf(row) };
    }
    return undefined;
  }

  #blocks(row: SqlRow, access: Access, owner: LockOwner): boolean {
    const isSameRun = textIn(row, "scope") === owner.scope && textIn(row, "run_id") === owner.runId;
    return !isSameRun && (access === "write" || textIn(row, "access") === "write") && this.#isAlive(row);
  }

  #isAlive(row: SqlRow): boolean {
    const liveness = livenessOf(textIn(row, "holder"));
    return liveness === "unknown" ? integerIn(row, "until") > this.#clock.now() : liveness === "alive";
  }
}

function heldLockOf(scope: Scope, row: SqlRow): HeldLock {
  return Object.freeze({
    scope,
    runId: textIn(row, "run_id"),
    runbookId: textIn(row, "runbook_id") as RunbookId,
    holder: textIn(row, "holder"),
    kind: textIn(row, "kind"),
    id: textIn(row, "id"),
    access: textIn(row, "access") as Access,
  });
}

function holderOf(row: SqlRow): LockHolder {
  return {
    source: "sqlite",
    runId: textIn(row, "run_id"),
    runbookId: textIn(row, "runbook_id") as RunbookId,
    holder: textIn(row, "holder"),
  };
}
