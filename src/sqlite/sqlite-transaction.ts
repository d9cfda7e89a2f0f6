import type { SqlConnection, SqlRow, SqlValue } from "./driver.js";
import { RunsealError } from "../errors/error.js";
import { GatedTransaction } from "../stores/transaction-gate.js";

/** Statements that begin or end a transaction, after white space and comments; going back to a savepoint is none. */
const CONTROLS = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/|;)*(?:begin|commit|end|rollback(?!\s+(?:transaction\s+)?to\b))\b/i;

/**
 * What `ctx.tx` is over SQLite: statements on the file's one connection, in the transaction that the log shares.
 *
 * Synchronous, one statement a call, parameters by position for `?`. Beginning and ending are not the handle's.
 */
export interface SqliteTransaction {
  /**
   * Runs a statement; gives the number of rows changed.
   * @throws `store.transaction_ended`, `store.transaction_timeout`; `store.failed` with SQLite's own error as its cause
   */
  run(sql: string, parameters?: readonly SqlValue[]): number;
  /** The first row, `undefined` without one; throws as {@link SqliteTransaction.run} does. */
  get(sql: string, parameters?: readonly SqlValue[]): SqlRow | undefined;
  /** Every row; throws as {@link SqliteTransaction.run} does. */
  all(sql: string, parameters?: readonly SqlValue[]): readonly SqlRow[];
}

/** A transaction over SQLite, and whether it is still whole. */
export class OpenSqliteTransaction extends GatedTransaction<SqliteTransaction> {
  #spoiledBy: unknown;
  #isSpoiled = false;

  /** @param errorOf - makes of what the driver threw what a caller is told */
  constructor(of: object, connection: SqlConnection, errorOf: (error: unknown, call: string) => unknown) {
    super(of, (assertOpen) =>
      handleOver(connection, (call, sql, work) => {
        assertOpen(call);
        this.assertWhole(call);
        if (CONTROLS.test(sql)) throw controlled(call);
        try {
          return work();
        } catch (error) {
          if (!isActive(connection)) this.spoil(error);
          throw errorOf(error, call);
        }
      }),
    );
  }

  /** Marks it as one of which a part may be missing: it can only be rolled back. */
  spoil(error: unknown): void {
    this.#isSpoiled = true;
    this.#spoiledBy ??= error;
  }

  /**
   * Refuses to go on in a transaction that SQLite has rolled back by itself, as it does when the disk is full: what came after would be
   * kept without what came before.
   *
   * @throws {@link RunsealError} `store.failed`
   */
  assertWhole(call: string): void {
    if (!this.#isSpoiled) return;
    const message = "the transaction was given up by SQLite after an error in it; nothing of it is kept, and it must be run anew";
    throw new RunsealError("store.failed", message, { call }, { cause: this.#spoiledBy });
  }
}

type Guard = <T>(call: string, sql: string, work: () => T) => T;

const NONE: readonly [] = [];

function handleOver(connection: SqlConnection, guard: Guard): SqliteTransaction {
  return Object.freeze({
    run: (sql: string, parameters: readonly SqlValue[] = NONE) =>
      guard("tx.run", sql, () => connection.prepare(sql).run(parameters)),
    get: (sql: string, parameters: readonly SqlValue[] = NONE) =>
      guard("tx.get", sql, () => connection.prepare(sql).get(parameters)),
    all: (sql: string, parameters: readonly SqlValue[] = NONE) =>
      guard("tx.all", sql, () => connection.prepare(sql).all(parameters)),
  });
}

/** Whether a transaction is open: beginning another one is then refused. Drivers of old Node versions can't be asked. */
function isActive(connection: SqlConnection): boolean {
  try {
    connection.exec("BEGIN");
  } catch {
    return true;
  }
  connection.exec("ROLLBACK");
  return false;
}

function controlled(call: string): RunsealError<"store.failed"> {
  const message = "a transaction is begun and ended by who opened it; the handle takes statements that read and write";
  return new RunsealError("store.failed", message, { call });
}
