import type { SqliteDriver } from "./driver.js";
import { RunsealError } from "../errors/error.js";

const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const PROTOCOL = 15;
const CONSTRAINT = 19;
const NOTADB = 26;

const APPEND_ONLY = /\b(\w{1,64}) is append-only/;

/** Whether another connection stood in the way, so that trying again makes sense. */
export function isBusy(driver: SqliteDriver, error: unknown): boolean {
  const code = driver.resultCode(error);
  return code === BUSY || code === LOCKED || code === PROTOCOL;
}

/**
 * Turns what a driver threw into an error of this package; its own errors pass through.
 *
 * @param call - the port's method
 * @param path - of the file, for the reader of the message
 */
export function storeError(driver: SqliteDriver, error: unknown, call: string, path: string): unknown {
  const code = driver.resultCode(error);
  if (error instanceof RunsealError || !(error instanceof Error) || code === undefined) return error;
  const options = { cause: error };
  switch (code) {
    case FULL:
      return new RunsealError("store.full", `the disk of "${path}" is full; make room and try again`, { call }, options);
    case NOTADB:
    case CORRUPT: {
      const message = `"${path}" is not an intact SQLite database; restore it, or open another file`;
      return new RunsealError("store.corrupt", message, { what: "file", id: path, seq: null }, options);
    }
    case CONSTRAINT:
      return appendOnlyError(error, options) ?? failed(`refused by the schema of "${path}"`, error, call);
    case CANTOPEN:
      return failed(`"${path}" can't be opened; its directory must exist and be writable`, error, call);
    case READONLY:
      return failed(`"${path}" is read-only; the file and its directory must be writable`, error, call);
    default:
      return failed(`SQLite could not do "${call}" on "${path}"`, error, call);
  }
}

function appendOnlyError(error: Error, options: ErrorOptions): RunsealError<"store.append_only"> | undefined {
  const table = APPEND_ONLY.exec(error.message)?.[1];
  if (table === undefined) return undefined;
  const message = `"${table}" is append-only; nothing in it is changed or deleted`;
  return new RunsealError("store.append_only", message, { table }, options);
}

function failed(message: string, error: Error, call: string): RunsealError<"store.failed"> {
  return new RunsealError("store.failed", `${message}: ${error.message}`, { call }, { cause: error });
}
