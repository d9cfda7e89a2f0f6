import { ANYTHING, checkOptions } from "./checked-options.js";
import { KNOWN_MIGRATIONS, migrationLock, migrationText } from "./migration.js";
import { DEFAULT_SCHEMA, inSchema, schemaName } from "./schema-name.js";
import { migrationRange } from "./migration-range.js";

/** What {@link migrationSql} prints. */
export interface MigrationSqlOptions {
  /** The version that the schema has now. Default 0: there is none yet. */
  readonly from?: number;
  /** The version that it has afterwards. Default: the newest. */
  readonly to?: number;
  /** Default "runseal". */
  readonly schema?: string;
}

/**
 * The SQL text that brings a schema from one version to another, for a person who applies it by hand, e.g. with `psql -f`.
 *
 * Does what `migrate` does: each migration in a transaction of its own, under the same lock, noted in `migrations`. Applied twice, it
 * fails without changing anything.
 *
 * @throws {@link RunsealError} `instance.misconfigured` when the range is none, or the schema's name is no good
 */
export function migrationSql(options: MigrationSqlOptions = {}): string {
  checkOptions("migrationSql", options, { from: ANYTHING, to: ANYTHING, schema: ANYTHING });
  const schema = schemaName(options.schema ?? DEFAULT_SCHEMA);
  const { from, to } = migrationRange({ from: options.from ?? 0, to: options.to });
  const steps = KNOWN_MIGRATIONS.slice(from, to).map((migration) => {
    const begin = migration.version === 1 ? inSchema(schema, "\n\nCREATE SCHEMA IF NOT EXISTS {{schema}};") : "";
    return `-- ${migration.name}
BEGIN ISOLATION LEVEL READ COMMITTED;
${migrationLock(schema)}${begin}

${migrationText(schema, migration)}

COMMIT;
`;
  });
  return `-- schema ${schema.quoted.replaceAll(/\s/g, " ")} of runseal, from version ${from} to ${to}\n\n${steps.join("\n")}`;
}
