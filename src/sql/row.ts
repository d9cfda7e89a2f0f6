import { RunsealError } from "../errors/error.js";

/** A row of any database, by column name. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * The text in a column.
 *
 * @throws {@link RunsealError} `store.corrupt` when the column does not hold text
 */
export function textIn(row: Row, column: string): string {
  const value = row[column];
  return typeof value === "string" ? value : corrupt(column, value);
}

/**
 * The text in a column, or null.
 *
 * @throws {@link RunsealError} `store.corrupt` when the column holds something other than text or null
 */
export function textOrNullIn(row: Row, column: string): string | null {
  return row[column] === null ? null : textIn(row, column);
}

/**
 * The integer in a column.
 *
 * @throws {@link RunsealError} `store.corrupt` when the column does not hold a safe integer
 */
export function integerIn(row: Row, column: string): number {
  const value = Number(row[column]);
  return row[column] !== null && Number.isSafeInteger(value) ? value : corrupt(column, row[column]);
}

/**
 * The integer in a column, or null.
 *
 * @throws {@link RunsealError} `store.corrupt` when the column holds something other than a safe integer or null
 */
export function integerOrNullIn(row: Row, column: string): number | null {
  return row[column] === null ? null : integerIn(row, column);
}

/**
 * The bytes in a column.
 *
 * @throws {@link RunsealError} `store.corrupt` when the column does not hold bytes
 */
export function bytesIn(row: Row, column: string): Uint8Array {
  const value = row[column];
  return value instanceof Uint8Array ? value : corrupt(column, value);
}

function corrupt(column: string, value: unknown): never {
  const found = value === null ? "null" : typeof value;
  throw new RunsealError("store.corrupt", `column "${column}" holds ${found}`, { what: "column", id: column, seq: null });
}
