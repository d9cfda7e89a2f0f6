import type { SqlConnection, SqliteDriver, SqlRow, SqlStatement, SqlValue } from "./driver.js";

interface NodeStatement {
  run(...parameters: readonly SqlValue[]): { readonly changes: number | bigint };
  get(...parameters: readonly SqlValue[]): SqlRow | undefined;
  all(...parameters: readonly SqlValue[]): readonly SqlRow[];
}

interface NodeDatabase {
  exec(sql: string): void;
  prepare(sql: string): NodeStatement;
  close(): void;
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => NodeDatabase;
}

/** `node:sqlite`, where this Node has it (22.13 and later). Asked for at run time, so that no bundler looks for it. */
export function nodeDriver(): SqliteDriver | undefined {
  const sqlite = process.getBuiltinModule("node:sqlite");
  return isNodeSqlite(sqlite) ? driverOver(sqlite) : undefined;
}

function isNodeSqlite(module: object | undefined): module is NodeSqlite {
  return module !== undefined && "DatabaseSync" in module;
}

function driverOver(sqlite: NodeSqlite): SqliteDriver {
  return { name: "node:sqlite", open: (path) => connectionOver(new sqlite.DatabaseSync(path)), resultCode };
}

function connectionOver(database: NodeDatabase): SqlConnection {
  return {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => statementOver(database.prepare(sql)),
    close: () => database.close(),
  };
}

function statementOver(statement: NodeStatement): SqlStatement {
  return {
    run: (parameters) => Number(statement.run(...parameters).changes),
    get: (parameters) => statement.get(...parameters),
    all: (parameters) => statement.all(...parameters),
  };
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}
