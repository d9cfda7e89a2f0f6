import { MemoryTransaction } from "../../src/stores/memory/memory-transaction.js";
import type { PostgresTransaction } from "runseal/postgres";
import type { SqliteTransaction } from "runseal/sqlite";

/** Writes a credit through the transaction of a step, whatever stores it is of, and says how many there are in this database. */
export async function credit(tx: unknown, table: Map<string, number>, account: string): Promise<number> {
  if (tx instanceof MemoryTransaction) {
    tx.set(table, account, (table.get(account) ?? 0) + 1);
    return table.get(account) ?? 0;
  }
  if (isSqlite(tx)) {
    tx.run("CREATE TABLE IF NOT EXISTS credits (account TEXT NOT NULL)");
    tx.run("INSERT INTO credits VALUES (?)", [account]);
    return Number(tx.get("SELECT count(*) AS n FROM credits")?.["n"]);
  }
  const sql = tx as PostgresTransaction;
  await sql.query("CREATE TEMPORARY TABLE credits (account text NOT NULL) ON COMMIT DROP");
  await sql.query("INSERT INTO credits VALUES ($1)", [account]);
  return Number((await sql.query("SELECT count(*) AS n FROM credits")).rows[0]?.["n"]);
}

function isSqlite(tx: unknown): tx is SqliteTransaction {
  return typeof tx === "object" && tx !== null && "run" in tx;
}
