import pg from "pg";
import type { Stores } from "runseal";
import type { MigrateMode } from "runseal/postgres";
import { postgresStores } from "runseal/postgres";
import type { WorkerConfig } from "./worker-config.js";

/** Stores of one process, with what closes their pool. Workers find the schema made. */
export function openStores(
  { name, url, schema }: Pick<WorkerConfig, "name" | "url" | "schema">,
  migrate: MigrateMode = "verify",
): {
  readonly stores: Stores;
  readonly close: () => Promise<void>;
} {
  const pool = new pg.Pool({ connectionString: url, max: 8, application_name: `pool ${name}` });
  pool.on("error", () => undefined);
  return { stores: postgresStores(pool, { schema, migrate }), close: async () => pool.end() };
}
