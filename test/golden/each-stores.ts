import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "pg";
import { inject } from "vitest";
import { memoryStores } from "runseal";
import type { Clock, Stores } from "runseal";
import { migrate, postgresStores } from "runseal/postgres";
import type { PostgresStores } from "runseal/postgres";
import { openSqlite } from "runseal/sqlite";
import { schemaName } from "../../src/postgres/schema-name.js";

/** Stores that belong to one test. */
export interface OwnStores<S extends Stores = Stores> {
  readonly stores: S;
  /** Closes them and leaves nothing behind. */
  readonly remove: () => Promise<void>;
}

/** How stores of each kind are opened, empty. */
export const STORES: Readonly<Record<"memory" | "SQLite" | "PostgreSQL", (clock?: Clock) => Promise<OwnStores>>> = {
  memory: async (clock) => {
    const stores = memoryStores({ ownerAlive: () => false, ...(clock !== undefined && { clock }) });
    return { stores, remove: () => stores.close() };
  },
  SQLite: async (clock) => {
    const folder = mkdtempSync(join(tmpdir(), "runseal-golden-"));
    const stores = openSqlite(join(folder, "runs.db"), { owner: "golden", ...(clock !== undefined && { clock }) });
    const remove = async (): Promise<void> => {
      await stores.close();
      rmSync(folder, { recursive: true, force: true });
    };
    return { stores, remove };
  },
  PostgreSQL: (clock) => openPostgres(clock),
};

/** Stores in a schema of their own; where a clock is given, the database's stands at what it says now. */
export async function openPostgres(
  clock?: Clock,
): Promise<OwnStores<PostgresStores> & { readonly pool: Pool; readonly schema: string }> {
  const pool = new Pool({ connectionString: inject("databaseUrl"), max: 4 });
  pool.on("error", () => undefined);
  const { name: schema, quoted } = schemaName(`golden ${randomBytes(6).toString("hex")}`);
  await migrate(pool, { schema });
  if (clock !== undefined)
    await pool.query(
      `CREATE OR REPLACE FUNCTION ${quoted}.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT ${clock.now()}::bigint'`,
    );
  const stores = postgresStores(pool, { schema, owner: "golden", ...(clock !== undefined && { clock }) });
  const remove = async (): Promise<void> => {
    await stores.close();
    await pool.query(`DROP SCHEMA ${quoted} CASCADE`);
    await pool.end();
  };
  return { stores, pool, schema, remove };
}
