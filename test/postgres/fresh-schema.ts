import { randomBytes } from "node:crypto";
import { Pool } from "pg";
import type { PoolConfig } from "pg";
import { inject, onTestFinished } from "vitest";
import { Database } from "../../src/postgres/database.js";
import { schemaName } from "../../src/postgres/schema-name.js";

/** A pool on the shared server (or another), closed when the test ends. */
export function testPool(config: PoolConfig = {}): Pool {
  const pool = new Pool({ connectionString: inject("databaseUrl"), ...config });
  // a session that a test ends on purpose, while nobody uses it
  pool.on("error", () => undefined);
  onTestFinished(() => pool.end());
  return pool;
}

/** The name of a schema that nobody else has; dropped, should it be there, when the test ends. */
export function freshSchema(pool: Pool, name = `t ${randomBytes(6).toString("hex")}`): string {
  onTestFinished(async () => {
    await pool.query(`DROP SCHEMA IF EXISTS ${schemaName(name).quoted} CASCADE`);
  });
  return name;
}

/** A database that nothing is prepared for. */
export function bareDatabase(pool: Pool, schema: string): Database {
  const prepare = (): Promise<void> => Promise.resolve();
  return new Database({ pool, schema: schemaName(schema), busyMs: 5_000, statementMs: 20_000, prepare });
}

/** The SQLSTATE that a statement is refused with, `null` when it is not. */
export async function refusal(asked: Promise<unknown>): Promise<string | null> {
  try {
    await asked;
    return null;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

/** The address of a database of one's own on the shared server, dropped when the test ends. */
export async function ownDatabase(pool: Pool): Promise<string> {
  const name = `t_${randomBytes(6).toString("hex")}`;
  await pool.query(`CREATE DATABASE ${name}`);
  onTestFinished(async () => {
    await pool.query(`DROP DATABASE ${name} WITH (FORCE)`);
  });
  const url = new URL(inject("databaseUrl"));
  url.pathname = `/${name}`;
  return url.href;
}
