import pg from "pg";
import { inject, onTestFinished } from "vitest";
import { Database } from "../../src/postgres/database.js";
import { migrateSchema } from "../../src/postgres/migrate.js";
import { inSchema, schemaName } from "../../src/postgres/schema-name.js";

let made = 0;

/** The name of a schema that nobody else has. */
export function freshSchemaName(): string {
  made += 1;
  return `t${process.pid}_${made}_${Date.now().toString(36)}`;
}

/** A schema of the shared server in a test's own hands. */
export interface OwnSchema {
  readonly name: string;
  readonly pool: pg.Pool;
  /** Every port's way to the server; its schema is made by the first call. */
  readonly database: Database;
  /** Runs a statement of the test's own, `{{schema}}` put in. */
  readonly ask: (text: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;
}

/** Opens a schema of its own, dropped when the test ends. */
export function ownSchema(name = freshSchemaName()): OwnSchema {
  const pool = new pg.Pool({ connectionString: inject("databaseUrl"), max: 20 });
  const schema = schemaName(name);
  const options = { pool, schema, busyMs: 5_000, statementMs: 30_000, prepare: migrateSchema };
  const ask: OwnSchema["ask"] = async (text, values = []) => {
    const result = await pool.query<Record<string, unknown>>(inSchema(schema, text), values);
    return result.rows;
  };
  onTestFinished(async () => {
    await ask("DROP SCHEMA IF EXISTS {{schema}} CASCADE");
    await pool.end();
  });
  return { name, pool, database: new Database(options), ask };
}
