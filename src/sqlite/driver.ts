/** What a column holds, and what a parameter may be. */
export type SqlValue = null | number | string | Uint8Array;

/** A row by column name; blobs are `Uint8Array`. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** A prepared statement. Parameters are positional. */
export interface SqlStatement {
  /** Runs it; gives the number of rows changed. */
  run(parameters: readonly SqlValue[]): number;
  /** The first row, `undefined` without one. */
  get(parameters: readonly SqlValue[]): SqlRow | undefined;
  all(parameters: readonly SqlValue[]): readonly SqlRow[];
}

/** An open database file. Everything is synchronous. */
export interface SqlConnection {
  /** Runs statements without parameters, separated by semicolons. */
  exec(sql: string): void;
  prepare(sql: string): SqlStatement;
  close(): void;
}

/** A way to open SQLite files: the one seam between this package and the library that reads them. */
export interface SqliteDriver {
  readonly name: "node:sqlite" | "libsql";
  open(path: string): SqlConnection;
  /** SQLite's primary result code of an error (5 = busy, 19 = constraint, 26 = not a database ...); `undefined` for other errors. */
  resultCode(error: unknown): number | undefined;
}
