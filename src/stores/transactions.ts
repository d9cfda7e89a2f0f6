/** A transaction of the store that host code and the log share. */
export interface StoreTransaction {
  /** What `ctx.tx` is: the database's own means of working in this transaction, such as `SqliteTransaction`. */
  readonly handle: unknown;
  /**
   * Rejects when what was done in it can't be committed any more, e.g. because a statement failed and its error was caught: before something
   * is recorded in it that would be lost with it. Absent: nothing of the kind can happen.
   */
  assertSound?(): Promise<void>;
}

/**
 * Transactions that hold more than one commit: what host code writes through the handle and what the log gets are on the disk together, or
 * neither is (decision 3.12).
 */
export interface Transactions {
  /**
   * Runs `work` in one transaction: committed when it returns, rolled back when it throws.
   *
   * `EventStore.commit(writes, { tx })` joins it, `tx` being the transaction or its handle. Watchers are told after the commit. It may stay
   * open for 5 s. Where a database has one connection, every other call of these stores waits for its end; a writing call that `work`
   * itself makes beside the transaction would wait for itself, and is refused.
   *
   * @throws `store.transaction_timeout` when `work` took longer than 5 s: rolled back, and the handle is of no use any more
   * @throws `store.in_transaction` when it is called inside another one
   * @throws whatever `work` throws; `store.busy`, `store.closed` and the like from the store
   */
  run<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
}
