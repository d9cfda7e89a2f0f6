import { join } from "node:path";
import type { Stores } from "runseal";
import { Pool } from "pg";
import { memoryStores } from "runseal";
import { openSqlite } from "runseal/sqlite";
import type { ProgramConfig } from "./program.mjs";

/** The door that is measured. */
interface PostgresDoor {
  readonly postgresStores: (pool: Pool, options: { readonly migrate: "auto" }) => Stores;
}

/** Stores, and how to let go of them. */
export interface BenchStores {
  readonly stores: Stores;
  readonly close: () => Promise<void>;
}

/** Stores over the database of this round. `variant` says `sqlite` or `memory` where another store is tried. */
export async function benchStores(config: ProgramConfig): Promise<BenchStores> {
  if (config.variant.includes("memory")) return closing(memoryStores());
  if (config.variant.includes("sqlite")) return closing(openSqlite(join(config.folder, "runs.db")));
  // bundled beside the programs, so that programs can be built before there is such a door
  const door = (await import(new URL("./postgres.js", import.meta.url).href)) as Partial<PostgresDoor>;
  if (door.postgresStores === undefined) throw new TypeError('"runseal/postgres" has no postgresStores');
  const pool = new Pool({ connectionString: config.databaseUrl });
  pool.on("error", () => undefined);
  const { stores, close } = closing(door.postgresStores(pool, { migrate: "auto" }));
  return {
    stores,
    close: async () => {
      await close();
      await pool.end();
    },
  };
}

function closing(stores: Stores): BenchStores {
  return { stores, close: () => stores.close() };
}
