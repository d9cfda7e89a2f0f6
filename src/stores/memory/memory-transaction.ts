import { GatedTransaction } from "../transaction-gate.js";
import { UndoLog } from "./undo-log.js";

/**
 * What `ctx.tx` is over memory stores: the host's own maps as the tables of a test, put back as they were when the transaction is rolled back.
 *
 * Nobody else is kept from them meanwhile, other than from a table of a database.
 */
export class MemoryTransaction {
  readonly #undo: UndoLog;
  readonly #assertOpen: (call: string) => void;

  /** @param assertOpen - throws once the transaction is over */
  constructor(undo: UndoLog, assertOpen: (call: string) => void) {
    this.#undo = undo;
    this.#assertOpen = assertOpen;
  }

  /**
   * Sets a map's entry.
   * @throws {@link RunsealError} `store.transaction_ended`, `store.transaction_timeout`
   */
  set<K, V>(map: Map<K, V>, key: K, value: V): void {
    this.#assertOpen("tx.set");
    this.#undo.set(map, key, value);
  }

  /**
   * Removes a map's entry.
   * @throws {@link RunsealError} `store.transaction_ended`, `store.transaction_timeout`
   */
  delete<K, V>(map: Map<K, V>, key: K): void {
    this.#assertOpen("tx.delete");
    this.#undo.delete(map, key);
  }

  /**
   * Does something else that `undo` takes back.
   * @throws {@link RunsealError} `store.transaction_ended`, `store.transaction_timeout`
   */
  do(act: () => void, undo: () => void): void {
    this.#assertOpen("tx.do");
    this.#undo.do(act, undo);
  }
}

/** A transaction over memory, and how to take it back. */
export class OpenMemoryTransaction extends GatedTransaction<MemoryTransaction> {
  readonly undo: UndoLog;

  constructor(of: object) {
    const undo = new UndoLog();
    super(of, (assertOpen) => new MemoryTransaction(undo, assertOpen));
    this.undo = undo;
  }
}
