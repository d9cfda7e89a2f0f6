import type { Clock } from "../time/clock.js";
import type { StoreChange } from "../stores/store-change.js";
import type { StoreTransaction } from "../stores/transactions.js";
import type { SqlConnection, SqliteDriver } from "./driver.js";
import type { DriverSource } from "./find-driver.js";
import { RunsealError } from "../errors/error.js";
import { Handle } from "../stores/handle.js";
import { findDriver } from "./find-driver.js";
import { migrate } from "./migrate.js";
import { TransactionGate } from "../stores/transaction-gate.js";
import { OpenSqliteTransaction } from "./sqlite-transaction.js";
import { isBusy, storeError } from "./sqlite-error.js";
import { Transaction } from "./transaction.js";

/** Pages of the write-ahead log after which it is folded into the file. */
const CHECKPOINT_PAGES = 200;
/** How long SQLite itself may wait for a lock, blocking the process, milliseconds; the rest is waited asynchronously. */
const BLOCKING_MS = 20;

/** First and largest delay between two attempts, milliseconds. */
const RETRY_BASE_MS = 2;
const RETRY_MAX_MS = 50;

/** What a {@link Database} is opened with. */
export interface DatabaseOptions {
  /** Absolute, or `:memory:`. */
  readonly path: string;
  /** How long a call tries while others hold the file, milliseconds. */
  readonly busyMs: number;
  readonly clock: Clock;
  readonly drivers: readonly DriverSource[];
}

/**
 * One database file and this store's connection to it: opened by the first call, with its schema brought up to date.
 *
 * No transaction is open across an `await`, so that the process never holds the file while it waits; who finds it held by another
 * process waits a random, growing time and tries again. The one exception are transactions that a host or a handler works in: while one is
 * open, every other call of these stores waits, because on one connection it would be part of it.
 */
export class Database {
  readonly handle = new Handle();
  readonly #gate: TransactionGate<OpenSqliteTransaction>;
  readonly #options: DatabaseOptions;
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#gate = new TransactionGate(options.clock);
  }

  /**
   * Reads, outside a transaction.
   *
   * @throws {@link RunsealError} `store.closed`, `store.busy`, `store.corrupt`, `store.failed`, `store.schema_newer`,
   * `sqlite.driver_missing`
   */
  async read<T>(call: string, work: (transaction: Transaction) => T, access: "read" | "wait" = "read"): Promise<T> {
    const { driver, transaction } = await this.#open(call);
    return this.#retrying(call, driver, () => work(transaction), access);
  }

  /**
   * Does `work` in one transaction: all of it is written when it returns, none when it throws or gives a {@link Refused}.
   *
   * @throws {@link RunsealError} what {@link read} throws, and `store.full`
   */
  async write<T>(
    call: string,
    work: (transaction: Transaction) => T | Refused<T>,
    access: "write" | "wait" = "write",
  ): Promise<T> {
    const { driver, transaction } = await this.#open(call);
    return this.#retrying(call, driver, () => transact(transaction, work), access);
  }

  /**
   * Runs `work` in a transaction that stays open over its awaits; every other call waits.
   *
   * @returns what `work` gave, and what the commits of the log have changed that joined
   * @throws {@link RunsealError} what {@link write} throws; `store.transaction_timeout`, `store.in_transaction`; and what `work` throws
   */
  async transact<T>(
    call: string,
    work: (tx: StoreTransaction) => Promise<T>,
  ): Promise<{ readonly value: T; readonly changes: readonly StoreChange[] }> {
    const opened = await this.#open(call);
    const { driver, transaction, connection } = opened;
    const { path } = this.#options;
    const errorOf = (error: unknown, of: string): unknown => storeError(driver, error, of, path);
    const open = new OpenSqliteTransaction(this, connection, errorOf);
    await this.#retrying(
      call,
      driver,
      () => {
        transaction.runChecked("BEGIN IMMEDIATE", NONE);
        this.#gate.enter(open);
      },
      "write",
    );
    const commit = (): void => {
      open.assertWhole(call);
      try {
        transaction.runChecked("COMMIT", NONE);
      } catch (error) {
        throw errorOf(error, call);
      }
    };
    const value = await this.#gate.run(open, { commit, rollBack: () => rollBack(transaction) }, work);
    return { value, changes: open.changes };
  }

  /**
   * Does `work` in the open transaction that `tx` names; a {@link Refused} takes back what `work` itself has written.
   *
   * @param changes - told to watchers after the transaction
   * @throws {@link RunsealError} `run.invalid_option` when it is no open transaction of this store; and what {@link write} throws
   */
  async join<T>(
    call: string,
    tx: unknown,
    changes: readonly StoreChange[],
    work: (transaction: Transaction) => T | Refused<T>,
  ): Promise<T> {
    const { driver, transaction } = await this.#open(call);
    const open = this.#gate.joined(this, tx, call);
    open.assertWhole(call);
    try {
      const result = savepoint(transaction, work);
      if (result instanceof Refused) return result.answer;
      open.changes.push(...changes);
      return result;
    } catch (error) {
      // part of it may be there: the rest of the transaction must not be kept without the whole of this
      open.spoil(error);
      throw storeError(driver, error, call, this.#options.path);
    }
  }

  /** Closes the file, its write-ahead log folded in where nobody else reads it; what comes later throws `store.closed`. */
  async close(): Promise<void> {
    while (this.#gate.isInWay(this, "close", "write")) await this.#gate.ended();
    if (this.handle.isClosed) return;
    this.handle.close();
    const opened = this.#opened ?? (await this.#opening?.catch(() => this.#opened));
    if (opened === undefined) return;
    checkpoint(opened.connection);
    opened.connection.close();
  }

  async #open(call: string): Promise<Opened> {
    this.handle.use(call);
    if (this.#opened !== undefined) return this.#opened;
    this.#opening ??= this.#connect(call);
    try {
      this.#opened = await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
    this.handle.use(call);
    return this.#opened;
  }

  async #connect(call: string): Promise<Opened> {
    const { path, drivers } = this.#options;
    const driver = await findDriver(drivers, process.versions.node);
    const connection = await this.#retrying(call, driver, () => driver.open(path));
    try {
      const transaction = new Transaction(connection);
      await this.#retrying(call, driver, () => configure(connection));
      await this.#retrying(call, driver, () => migrate(transaction, this.#options.clock.now()));
      return { driver, connection, transaction };
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  async #retrying<T>(
    call: string,
    driver: SqliteDriver,
    attempt: () => T,
    access: "read" | "write" | "wait" = "write",
  ): Promise<T> {
    const { clock, busyMs, path } = this.#options;
    const since = clock.now();
    for (let tries = 0; ; tries += 1) {
      while (this.#gate.isInWay(this, call, access)) await this.#gate.ended();
      this.handle.use(call);
      try {
        return attempt();
      } catch (error) {
        if (!isBusy(driver, error)) throw storeError(driver, error, call, path);
        const waitedMs = clock.now() - since;
        if (waitedMs >= busyMs) throw busyError(path, waitedMs, error);
        await clock.sleep(Math.random() * Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** tries));
      }
    }
  }
}

/** Wraps an answer that says no: the transaction is rolled back and the answer handed out. */
export class Refused<T> {
  readonly answer: T;

  constructor(answer: T) {
    this.answer = answer;
  }
}

interface Opened {
  readonly driver: SqliteDriver;
  readonly connection: SqlConnection;
  readonly transaction: Transaction;
}

const NONE: readonly [] = [];

function transact<T>(transaction: Transaction, work: (transaction: Transaction) => T | Refused<T>): T {
  transaction.runChecked("BEGIN IMMEDIATE", NONE);
  try {
    const result = work(transaction);
    if (result instanceof Refused) {
      transaction.run("ROLLBACK");
      return result.answer;
    }
    transaction.runChecked("COMMIT", NONE);
    return result;
  } catch (error) {
    rollBack(transaction);
    throw error;
  }
}

function savepoint<T>(transaction: Transaction, work: (transaction: Transaction) => T | Refused<T>): T | Refused<T> {
  transaction.run("SAVEPOINT joined_commit");
  const result = work(transaction);
  if (result instanceof Refused) transaction.run("ROLLBACK TO joined_commit");
  transaction.run("RELEASE joined_commit");
  return result;
}

/** Rolls back what SQLite has not rolled back by itself, as it does when the disk is full. */
function rollBack(transaction: Transaction): void {
  try {
    transaction.run("ROLLBACK");
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("no transaction is active"))) throw error;
  }
}

/** `busy_timeout` comes first: without it, switching to WAL fails at once while another process opens the file. */
function configure(connection: SqlConnection): void {
  connection.exec(`PRAGMA busy_timeout = ${BLOCKING_MS}`);
  connection.exec("PRAGMA journal_mode = WAL");
  connection.exec("PRAGMA synchronous = FULL");
  connection.exec("PRAGMA recursive_triggers = ON");
  // meant to write the log over sooner instead of growing it; no gain beyond noise was shown (docs/benchmarks.md)
  connection.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
}

/** Folds the log into the file, so that one file holds everything; false when that must wait: nothing is lost, the log stays. */
function checkpoint(connection: SqlConnection): boolean {
  try {
    return connection.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get(NONE)?.["busy"] === 0;
  } catch {
    return false;
  }
}

function busyError(path: string, waitedMs: number, cause: unknown): RunsealError<"store.busy"> {
  const message = `"${path}" stayed locked by another process for ${waitedMs} ms; look for one that holds a transaction open`;
  return new RunsealError("store.busy", message, { waitedMs }, { cause });
}
