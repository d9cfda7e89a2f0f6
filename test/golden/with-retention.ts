import { type PgPool, type PostgresStores } from "runseal/postgres";
import type { Stores } from "runseal";
import { Database } from "../../src/postgres/database.js";
import { PostgresRetention } from "../../src/postgres/postgres-retention.js";
import { DEFAULT_SCHEMA, schemaName } from "../../src/postgres/schema-name.js";

/** Stores that may drop payloads, over the same schema, which is migrated. */
export function withRetention(stores: PostgresStores, pool: PgPool, schema: string = DEFAULT_SCHEMA): Stores {
  const database = new Database({
    pool,
    schema: schemaName(schema),
    busyMs: 5_000,
    statementMs: 20_000,
    prepare: () => Promise.resolve(),
  });
  return { ...stores, retention: new PostgresRetention(database) };
}
