import type { Database } from "./database.js";
import { MIGRATIONS } from "./migrations-generated.js";
import { inSchema } from "./schema-name.js";

/** The schema that this version of the package understands: the number of its last migration. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings a schema up to date, under an advisory lock, so that several processes may try at once. */
export async function migrateSchema(database: Database): Promise<void> {
  const { schema } = database;
  const work = database.withClient(
    "migrate",
    async (client) => {
      await client.query({ text: "BEGIN" });
      await client.query({
        text: inSchema(schema, "SELECT pg_advisory_xact_lock(hashtextextended('runseal/migrate/{{name}}', 0))"),
      });
      const found = await client.query({ text: inSchema(schema, "SELECT to_regclass('{{schema}}.heads') AS heads") });
      if (found.rows[0]?.["heads"] === null) {
        await client.query({ text: inSchema(schema, "CREATE SCHEMA IF NOT EXISTS {{schema}}") });
        for (const { sql } of MIGRATIONS) await client.query({ text: inSchema(schema, sql) });
      }
      await client.query({ text: "COMMIT" });
    },
    { unprepared: true },
  );
  await work;
}
