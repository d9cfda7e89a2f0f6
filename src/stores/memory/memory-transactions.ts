import type { Handle } from "../handle.js";
import type { StoreTransaction, Transactions } from "../transactions.js";
import type { MemoryBacking } from "./backing.js";
import { OpenMemoryTransaction } from "./memory-transaction.js";

/** Transactions over memory: what was done is taken back, last first, when the work throws. */
export class MemoryTransactions implements Transactions {
  readonly #backing: MemoryBacking;
  readonly #handle: Handle;

  constructor(backing: MemoryBacking, handle: Handle) {
    this.#backing = backing;
    this.#handle = handle;
  }

  async run<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
    this.#handle.use("transactions.run");
    const { gate, changed } = this.#backing;
    while (gate.isInWay(this.#handle, "transactions.run", "write")) await this.#backing.ended(this.#handle, "transactions.run");
    const transaction = new OpenMemoryTransaction(this.#handle);
    gate.enter(transaction);
    const ends = { commit: () => undefined, rollBack: () => transaction.undo.rollBack() };
    const value = await gate.run(transaction, ends, work);
    for (const change of transaction.changes) changed.notify(change);
    return value;
  }
}
