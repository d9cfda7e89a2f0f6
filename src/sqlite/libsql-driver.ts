import type { SqlConnection, SqliteDriver, SqlRow, SqlStatement, SqlValue } from "./driver.js";

interface LibsqlStatement {
  run(parameters: readonly SqlValue[]): { readonly changes: number };
  get(parameters: readonly SqlValue[]): Record<string, unknown> | undefined;
  all(parameters: readonly SqlValue[]): readonly Record<string, unknown>[];
}

interface LibsqlDatabase {
  exec(sql: string): void;
  prepare(sql: string): LibsqlStatement;
  close(): void;
}

interface Libsql {
  readonly default: new (path: string) => LibsqlDatabase;
}

/** SQLite's code for a file that can't be opened; libsql only mentions it in its text. */
const CANTOPEN = 14;

/** The optional package `libsql`: prebuilt, for Node versions without `node:sqlite`. */
export async function libsqlDriver(): Promise<SqliteDriver | undefined> {
  try {
    const { default: Database } = (await import("libsql")) as Libsql;
    return { name: "libsql", open: (path) => connectionOver(new Database(path)), resultCode };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The package is not installed, or not for this platform. */
function isMissing(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND";
}

function connectionOver(database: LibsqlDatabase): SqlConnection {
  return {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => statementOver(database.prepare(sql)),
    close: () => database.close(),
  };
}

/** Parameters go in one array: libsql takes a lone `null` or blob for a record of named ones. */
function statementOver(statement: LibsqlStatement): SqlStatement {
  return {
    run: (parameters) => statement.run(parameters).changes,
    get: (parameters) => {
      const row = statement.get(parameters);
      if (row === undefined) return undefined;
      // libsql puts the time that it took into the first row
      Reflect.deleteProperty(row, "_metadata");
      return withBytes(row);
    },
    all: (parameters) => statement.all(parameters).map(withBytes),
  };
}

/** libsql gives blobs as `ArrayBuffer` or `Buffer`, by the way they were asked for. */
function withBytes(row: Record<string, unknown>): SqlRow {
  for (const [name, value] of Object.entries(row)) {
    if (value instanceof ArrayBuffer || Buffer.isBuffer(value))
      return { ...withBytes(without(row, name)), [name]: new Uint8Array(value) };
  }
  return row;
}

function without(row: Record<string, unknown>, name: string): Record<string, unknown> {
  const { [name]: _bytes, ...rest } = row;
  return rest;
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("rawCode" in error && typeof error.rawCode === "number") return error.rawCode & 0xff;
  return error.message.startsWith("ConnectionFailed(") && error.message.includes(`: ${CANTOPEN}`) ? CANTOPEN : undefined;
}
