import type { Transaction } from "./transaction.js";
import { RunsealError } from "../errors/error.js";
import { MIGRATIONS } from "./migrations-generated.js";

/** The schema that this version of the package understands: the number of its last migration. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Brings the schema of an open file up to date, each migration in a transaction of its own (decision 4.8).
 *
 * Cheap when there is nothing to do: one read. Several processes may try at once; the second finds it done.
 *
 * @param at - milliseconds since the epoch, noted beside each migration
 * @throws {@link RunsealError} `store.schema_newer` when a later version of the package wrote the file; nothing is changed
 */
export function migrate(transaction: Transaction, at: number): void {
  while (versionOf(transaction) < SCHEMA_VERSION) {
    transaction.exec("BEGIN IMMEDIATE");
    try {
      apply(transaction, versionOf(transaction) + 1, at);
      transaction.exec("COMMIT");
    } catch (error) {
      transaction.exec("ROLLBACK");
      throw error;
    }
  }
}

function apply(transaction: Transaction, version: number, at: number): void {
  const migration = MIGRATIONS[version - 1];
  if (migration === undefined) return;
  transaction.exec(migration.sql);
  transaction.exec(
    "CREATE TABLE IF NOT EXISTS runseal_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL) STRICT",
  );
  // written out, so that no statement is prepared against a schema that is still changing
  transaction.exec(
    `INSERT INTO runseal_migrations (version, name, at) VALUES (${version}, '${migration.name}', ${Math.trunc(at)})`,
  );
}

function versionOf(transaction: Transaction): number {
  const table = transaction.get("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'runseal_migrations'");
  const found =
    table === undefined ? 0 : Number(transaction.get("SELECT max(version) AS version FROM runseal_migrations")?.["version"]);
  if (found <= SCHEMA_VERSION) return found;
  const message = `the file has schema ${found}, this version of runseal knows ${SCHEMA_VERSION}; update the package`;
  throw new RunsealError("store.schema_newer", message, { found, supported: SCHEMA_VERSION });
}
