import type { Listeners } from "../stores/listeners.js";
import type { StoreTransaction, Transactions } from "../stores/transactions.js";
import type { Database } from "./database.js";

/** Transactions over the one connection to the file. */
export class SqliteTransactions implements Transactions {
  readonly #database: Database;
  readonly #changed: Listeners;

  constructor(database: Database, changed: Listeners) {
    this.#database = database;
    this.#changed = changed;
  }

  async run<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
    const { value, changes } = await this.#database.transact("transactions.run", work);
    for (const change of changes) this.#changed.notify(change);
    return value;
  }
}
