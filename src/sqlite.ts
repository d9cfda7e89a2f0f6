export { openSqlite } from "./sqlite/open-sqlite.js";
export type { SqliteOptions, SqliteStores } from "./sqlite/open-sqlite.js";
