import { AsyncLocalStorage } from "node:async_hooks";
import type { Clock } from "../time/clock.js";
import type { Database } from "./database.js";
import type { Listeners } from "../stores/listeners.js";
import type { PgClient, PgQuery, PgResult } from "./pg-types.js";
import type { StoreTransaction, Transactions } from "../stores/transactions.js";
import { GatedTransaction, inTransaction, TimeLimit } from "../stores/transaction-gate.js";
import { OpenTransaction } from "./open-transaction.js";
import { RunsealError } from "../errors/error.js";
import { Statement } from "./statement.js";
import { foreignClient } from "./foreign-client.js";
import { sqlFailure } from "./postgres-error.js";
import { systemClock } from "../time/clock.js";
import { textIn } from "../sql/row.js";

const CALL = "transactions.run";
/** How long an answer to ROLLBACK is waited for; after a broken connection it may never come. Milliseconds. */
const ROLLBACK_MS = 1_000;

/** Transactions on connections of the pool, each on its own; others go on meanwhile. */
export class PostgresTransactions implements Transactions {
  readonly #database: Database;
  readonly #changed: Listeners;
  readonly #clock: Clock;
  readonly #inside = new AsyncLocalStorage<OpenTransaction>();
  readonly #open = new Map<unknown, OpenTransaction>();
  readonly #number: Statement;
  readonly #fate: Statement;

  /** @param clock - of the 5 s that a transaction may stay open */
  constructor(database: Database, changed: Listeners, clock: Clock) {
    this.#database = database;
    this.#changed = changed;
    this.#clock = clock;
    this.#number = new Statement(database.schema, "SELECT pg_current_xact_id()::text AS xid");
    this.#fate = new Statement(database.schema, "SELECT pg_xact_status($1::xid8) AS fate");
  }

  async run<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
    this.#database.handle.use(CALL);
    if (this.#inside.getStore()?.isOpen === true) throw inTransaction(CALL);
    const { value, changes } = await this.#database.withClient(CALL, (client, spoil) => this.#runOn(client, work, spoil));
    for (const change of changes) this.#changed.notify(change);
    return value;
  }

  /**
   * The open transaction of these stores that a caller names, by itself or by its handle; `undefined` for anything that is none of theirs.
   *
   * @throws {@link RunsealError} `run.invalid_option` for one of other stores; `store.transaction_timeout`, `store.transaction_ended`
   */
  joined(tx: unknown, call: string): OpenTransaction | undefined {
    const open = this.#open.get(tx);
    if (open !== undefined) {
      open.assertOpen(call);
      return open;
    }
    if (!(tx instanceof GatedTransaction)) return undefined;
    if (tx.of === this) tx.assertOpen(call);
    throw new RunsealError("run.invalid_option", "this is a transaction of other stores", { option: "tx" });
  }

  /**
   * Reads through a transaction, on its connection: of these stores, or of the host.
   *
   * @throws {@link RunsealError} as {@link joined}; `run.invalid_option` when it is no transaction at all; what {@link sqlFailure} makes of a failure
   */
  async read(tx: unknown, call: string, statement: Statement, values: readonly unknown[]): Promise<PgResult> {
    const client = this.joined(tx, call)?.client ?? foreignClient(tx);
    await this.#database.prepared(call);
    try {
      return await client.query(statement.plain(values));
    } catch (thrown) {
      throw sqlFailure(thrown, call).error;
    }
  }

  async #runOn<T>(client: PgClient, work: (tx: StoreTransaction) => Promise<T>, spoil: () => void) {
    const transaction = new OpenTransaction(this, client);
    const limit = new TimeLimit(this.#clock, () => transaction.end("expired"));
    this.#open.set(transaction, transaction).set(transaction.handle, transaction);
    try {
      await this.#asked(client, { text: "BEGIN ISOLATION LEVEL READ COMMITTED" });
      const value = await Promise.race([this.#inside.run(transaction, async () => work(transaction)), limit.passed]);
      transaction.assertOpen(CALL);
      transaction.end("ended");
      await this.#commit(client, spoil);
      return { value, changes: transaction.changes };
    } catch (error) {
      // the connection is closed afterwards, which rolls back too, but later
      await Promise.race([client.query({ text: "ROLLBACK" }).catch(ignore), systemClock.sleep(ROLLBACK_MS)]);
      throw error;
    } finally {
      limit.lift();
      transaction.end("ended");
      this.#open.delete(transaction);
      this.#open.delete(transaction.handle);
    }
  }

  /** Commits; when the answer is lost, asks the server what became of the transaction. */
  async #commit(client: PgClient, spoil: () => void): Promise<void> {
    const numbered = await this.#asked(client, this.#number.with([]));
    const xid = textIn(numbered.rows[0] ?? {}, "xid");
    try {
      await this.#database.inTime(CALL, client.query({ text: "COMMIT" }));
    } catch (thrown) {
      spoil();
      const failure = sqlFailure(thrown, CALL);
      if (failure.kind === "final") throw failure.error;
      await this.#assertCommitted(xid, failure.error);
    }
  }

  async #assertCommitted(xid: string, lost: RunsealError): Promise<void> {
    const giveUpAt = systemClock.now() + this.#database.busyMs;
    for (let tries = 0; ; tries += 1) {
      const fate = await this.#fateOf(xid);
      if (fate === "committed") return;
      if (fate === "aborted") throw lost;
      if (systemClock.now() >= giveUpAt) throw unknownFate(xid, lost);
      await this.#database.pause(tries);
    }
  }

  async #fateOf(xid: string): Promise<unknown> {
    try {
      return (await this.#database.query(CALL, this.#fate, [xid])).rows[0]?.["fate"];
    } catch (error) {
      throw unknownFate(xid, error);
    }
  }

  /** A statement around the caller's, before anything is committed. */
  async #asked(client: PgClient, query: PgQuery): Promise<PgResult> {
    try {
      return await this.#database.inTime(CALL, client.query(query));
    } catch (thrown) {
      throw sqlFailure(thrown, CALL).error;
    }
  }
}

function unknownFate(xid: string, cause: unknown): RunsealError<"store.outcome_unknown"> {
  const message = `nobody can tell whether transaction ${xid} was committed; look again when the database answers`;
  return new RunsealError("store.outcome_unknown", message, { stream: "", seq: 0 }, { cause });
}

function ignore(): void {
  // whoever rolls back has a better reason to tell
}
