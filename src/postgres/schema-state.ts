import type { Migration } from "./migration.js";
import type { PgClient } from "./pg-types.js";
import type { SchemaName } from "./schema-name.js";
import { RunsealError } from "../errors/error.js";
import { inSchema } from "./schema-name.js";

/** What a schema says of the migrations it has had. */
export interface SchemaState {
  /** The number of the last one, 0 = none. */
  readonly version: number;
  readonly applied: readonly AppliedMigration[];
}

/** A row of the table `migrations`. */
export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
  readonly isBreaking: boolean;
}

/** Reads which migrations a schema has had: two reads, none of which fails where there is no schema. */
export async function schemaState(client: PgClient, schema: SchemaName): Promise<SchemaState> {
  const found = await client.query({
    text: "SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'migrations') AS found",
    values: [schema.name],
  });
  if (found.rows[0]?.["found"] !== true) return { version: 0, applied: [] };
  const { rows } = await client.query({
    text: inSchema(schema, "SELECT version, name, checksum, breaking FROM {{schema}}.migrations ORDER BY version"),
  });
  const applied = rows.map((row) => ({
    version: Number(row["version"]),
    name: String(row["name"]),
    checksum: String(row["checksum"]),
    isBreaking: row["breaking"] === true,
  }));
  return { version: applied.at(-1)?.version ?? 0, applied };
}

/**
 * Refuses a schema that these migrations did not make, or that a later version of the package changed so that this one can't use it.
 *
 * A newer schema without a breaking step passes: what is added does no harm.
 *
 * @throws {@link RunsealError} `store.migration_changed` when a migration was applied with another text
 * @throws {@link RunsealError} `store.schema_newer` when a breaking migration was applied that is not known
 */
export function checkSchemaState(schema: SchemaName, state: SchemaState, known: readonly Migration[]): void {
  for (const { version, name, checksum, isBreaking } of state.applied) {
    const ours = known[version - 1];
    if (ours === undefined && isBreaking) {
      const message = `schema "${schema.name}" is at version ${state.version} with the breaking migration "${name}", this version of runseal knows ${known.length}; update the package`;
      throw new RunsealError("store.schema_newer", message, { found: state.version, supported: known.length });
    }
    if (ours !== undefined && ours.checksum !== checksum) {
      const message = `migration ${version} of schema "${schema.name}" was applied as "${name}" with another text than this version's "${ours.name}"`;
      throw new RunsealError("store.migration_changed", message, { version, name });
    }
  }
}

/**
 * Refuses a schema that lacks migrations.
 *
 * @param wanted - the version that must be there at least
 * @throws {@link RunsealError} `store.schema_older` naming both versions and the way out
 */
export function checkNotOlder(schema: SchemaName, state: SchemaState, wanted: number): void {
  if (state.version >= wanted) return;
  const message =
    `schema "${schema.name}" is at version ${state.version}, this version of runseal needs ${wanted}; ` +
    'call migrate(pool), or open the stores with { migrate: "auto" }, or have the text of migrationSql() applied';
  throw new RunsealError("store.schema_older", message, { found: state.version, supported: wanted });
}
