export { openSqlite } from "./sqlite/open-sqlite.js";
export type { SqliteOptions, SqliteStores } from "./sqlite/open-sqlite.js";
export type { SqliteTransaction } from "./sqlite/sqlite-transaction.js";
export type { SqlRow, SqlValue } from "./sqlite/driver.js";
