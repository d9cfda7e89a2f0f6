import type { PgClient, PgPool } from "./pg-types.js";
import type { SchemaName } from "./schema-name.js";
import { ANYTHING, checkOptions, checkPool } from "./checked-options.js";
import { Database } from "./database.js";
import { KNOWN_MIGRATIONS, migrationText } from "./migration.js";
import { schemaLines } from "./schema-lines.js";
import { DEFAULT_SCHEMA, schemaName } from "./schema-name.js";
import { checkSchemaState, schemaState } from "./schema-state.js";
import { PROJECTION_TABLES, TRUTH_TABLES } from "./tables.js";

/** What {@link inspectSchema} looks at. */
export interface InspectSchemaOptions {
  /** Default "runseal". */
  readonly schema?: string;
  /** The role that processes work as: its rights are looked at too. */
  readonly app?: string;
}

/** Something that is not as migrations and `roleSql` leave it. */
export interface SchemaDifference {
  /** `missing` and `unexpected` speak of the schema's parts: a part that was changed is both. */
  readonly kind: "missing" | "unexpected" | "owner" | "right";
  /** The part, or who may or owns what. */
  readonly what: string;
}

/** What {@link inspectSchema} found. */
export interface SchemaInspection {
  readonly version: number;
  /** Empty: all is as it should be. */
  readonly differences: readonly SchemaDifference[];
}

const BUSY_MS = 5_000;

/**
 * Compares a schema with what its migrations make, and the rights on it with what `roleSql` gives: triggers that were dropped, disabled
 * or turned into something else, functions with another body, tables that are missing, owners that differ, rights too many.
 *
 * Makes the schema a second time among the session's temporary objects, and takes that back. Writes nothing. Sees the schema, not the
 * rows: that somebody emptied a table or rewrote it (`ALTER TABLE … TYPE … USING`) and put everything back is seen only by `verify`,
 * and by comparing heads with ones that were kept elsewhere.
 *
 * @throws {@link RunsealError} `store.migration_changed`, `store.schema_newer` as `migrate` does; `instance.misconfigured` naming the option
 */
export async function inspectSchema(pool: PgPool, options: InspectSchemaOptions = {}): Promise<SchemaInspection> {
  checkPool("inspectSchema", pool);
  checkOptions("inspectSchema", options, { schema: ANYTHING, app: ANYTHING });
  const schema = schemaName(options.schema ?? DEFAULT_SCHEMA);
  const prepare = (): Promise<void> => Promise.resolve();
  const database = new Database({ pool, schema, busyMs: BUSY_MS, statementMs: BUSY_MS, prepare });
  const attempt = (): Promise<SchemaInspection> =>
    database.withClient("inspectSchema", (client) => inspected(client, schema, options.app), { unprepared: true });
  return database.retrying("inspectSchema", attempt, { repeatable: true });
}

async function inspected(client: PgClient, schema: SchemaName, app: string | undefined): Promise<SchemaInspection> {
  const state = await schemaState(client, schema);
  checkSchemaState(schema, state, KNOWN_MIGRATIONS);
  const found = await schemaLines(client, schema.name, { viewText: true });
  const wanted = await wantedLines(client, schema, state.version);
  const differences: SchemaDifference[] = [
    ...wanted.filter((line) => !found.includes(line)).map((what) => ({ kind: "missing" as const, what })),
    ...found.filter((line) => !wanted.includes(line)).map((what) => ({ kind: "unexpected" as const, what })),
    ...(await ownersApart(client, schema)),
    ...(await rightsOfPublic(client, schema)),
    ...(app === undefined ? [] : await rightsTooMany(client, schema, app)),
  ];
  return Object.freeze({ version: state.version, differences: Object.freeze(differences) });
}

/** What the migrations up to a version make, found out by doing it where nobody sees it. */
async function wantedLines(client: PgClient, schema: SchemaName, version: number): Promise<readonly string[]> {
  const hidden: SchemaName = { ...schema, quoted: "pg_temp" };
  await client.query({ text: "BEGIN" });
  try {
    for (const migration of KNOWN_MIGRATIONS.slice(0, version)) {
      // temporary tables have no log in any case
      const text = migrationText(hidden, migration).replaceAll("CREATE UNLOGGED TABLE", "CREATE TABLE");
      await client.query({ text });
    }
    return await schemaLines(client, "pg_temp", { viewText: true, besides: schema.name });
  } finally {
    await client.query({ text: "ROLLBACK" });
  }
}

async function ownersApart(client: PgClient, schema: SchemaName): Promise<readonly SchemaDifference[]> {
  const { rows } = await client.query({
    text: `SELECT o.what, pg_get_userbyid(o.owner) AS owner, pg_get_userbyid(n.nspowner) AS wanted FROM pg_namespace n JOIN (
        SELECT relnamespace AS space, relname::text AS what, relowner AS owner FROM pg_class WHERE relkind IN ('r', 'p', 'v')
        UNION ALL SELECT pronamespace, proname || '()', proowner FROM pg_proc
        UNION ALL SELECT typnamespace, typname::text, typowner FROM pg_type WHERE typtype = 'd'
      ) o ON o.space = n.oid WHERE n.nspname = $1 AND o.owner <> n.nspowner ORDER BY 1`,
    values: [schema.name],
  });
  return rows.map(({ what, owner, wanted }) => ({
    kind: "owner",
    what: `"${String(what)}" belongs to "${String(owner)}", the schema to "${String(wanted)}"`,
  }));
}

async function rightsOfPublic(client: PgClient, schema: SchemaName): Promise<readonly SchemaDifference[]> {
  const { rows } = await client.query({
    text: `SELECT o.what, acl.privilege_type AS may FROM (
        SELECT c.relname::text AS what, c.relacl AS acl FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1
        UNION ALL SELECT 'the schema', nspacl FROM pg_namespace WHERE nspname = $1
      ) o CROSS JOIN LATERAL aclexplode(o.acl) acl WHERE acl.grantee = 0 ORDER BY 1, 2`,
    values: [schema.name],
  });
  return rows.map(({ what, may }) => ({ kind: "right", what: `everybody has ${String(may)} on "${String(what)}"` }));
}

/** What the role may beyond its needs, also by being a superuser, the owner, or a member of the owner. */
async function rightsTooMany(client: PgClient, schema: SchemaName, app: string): Promise<readonly SchemaDifference[]> {
  const { rows } = await client.query({
    text: `SELECT c.relname::text AS what, may FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
        unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) may
      WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v') AND has_table_privilege($2, c.oid, may)
        AND NOT (c.relname = ANY ($3) AND may = 'INSERT') AND NOT (c.relname = ANY ($4) AND may IN ('INSERT', 'UPDATE', 'DELETE'))
      UNION ALL SELECT 'the schema', 'CREATE' FROM pg_namespace WHERE nspname = $1 AND has_schema_privilege($2, oid, 'CREATE')
      ORDER BY 1, 2`,
    values: [schema.name, app, [...TRUTH_TABLES], [...PROJECTION_TABLES]],
  });
  return rows.map(({ what, may }) => ({ kind: "right", what: `"${app}" has ${String(may)} on "${String(what)}"` }));
}
