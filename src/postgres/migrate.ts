import type { Migration } from "./migration.js";
import type { PgClient, PgPool } from "./pg-types.js";
import type { SchemaState } from "./schema-state.js";
import { RunsealError } from "../errors/error.js";
import { ANYTHING, YES_OR_NO, checkOptions, checkPool } from "./checked-options.js";
import { Database } from "./database.js";
import { KNOWN_MIGRATIONS, migrationLock, migrationText } from "./migration.js";
import { migrationRange } from "./migration-range.js";
import { DEFAULT_SCHEMA, inSchema, schemaName } from "./schema-name.js";
import { checkNotOlder, checkSchemaState, schemaState } from "./schema-state.js";

/** The schema that this version of the package understands: the number of its last migration. */
export const SCHEMA_VERSION = KNOWN_MIGRATIONS.length;

/** How long a migration waits for a server that is away or starting, milliseconds. */
const BUSY_MS = 30_000;

/** What {@link migrate} does. */
export interface MigrateOptions {
  /** Default "runseal". Made when it is not there. */
  readonly schema?: string;
  /** The version to stop at. Default: the newest. Nothing is ever taken back. */
  readonly to?: number;
  /** Only looks: nothing is written. Default `false`. */
  readonly verifyOnly?: boolean;
  /** Also applies migrations that processes of an older version can't live with: stop those first. Default `false`. */
  readonly allowBreaking?: boolean;
}

const OPTIONS = { schema: ANYTHING, to: ANYTHING, verifyOnly: YES_OR_NO, allowBreaking: YES_OR_NO };

/** What {@link migrate} found and did. */
export interface MigrateReport {
  readonly schema: string;
  /** The version before, 0 = there was no schema. */
  readonly from: number;
  readonly to: number;
  /** Names of the migrations that this call applied; another process may have applied the rest. */
  readonly applied: readonly string[];
}

/** Whether opening stores brings the schema up to date (`auto`, or `true`), or only looks whether it is (`verify`, or `false`). */
export type MigrateMode = "auto" | "verify" | boolean;

/**
 * Brings a schema up to date: each migration in a transaction of its own, under an advisory lock of the schema (decision 4.8).
 *
 * Several processes may try at once; each returns when the schema is up to date. A process that dies leaves the schema at a version,
 * never between two. Needs a role that may create in the schema, or in the database when there is no schema; see `roleSql`.
 * Cheap when there is nothing to do: two reads.
 *
 * @param pool - of the package `pg`; not closed
 * @throws {@link RunsealError} `store.schema_older` when `verifyOnly` and migrations are missing
 * @throws {@link RunsealError} `store.schema_newer` when a later version of the package made a breaking change
 * @throws {@link RunsealError} `store.migration_changed` when a migration was applied with another text
 * @throws {@link RunsealError} `store.migration_breaking` when one is missing that needs `allowBreaking`; nothing was applied
 * @throws {@link RunsealError} `store.permission` when the role may not
 * @throws {@link RunsealError} `instance.misconfigured` when the name of the schema, `to` or another option is no good
 */
export async function migrate(pool: PgPool, options: MigrateOptions = {}): Promise<MigrateReport> {
  checkPool("migrate", pool);
  checkOptions("migrate", options, OPTIONS);
  const schema = schemaName(options.schema ?? DEFAULT_SCHEMA);
  const { to } = migrationRange({ from: 1, to: options.to });
  const nothing = (): Promise<void> => Promise.resolve();
  const database = new Database({ pool, schema, busyMs: BUSY_MS, statementMs: BUSY_MS, prepare: nothing });
  const { allowBreaking = false } = options;
  if (options.verifyOnly !== true) return migrateSchema(database, { to, allowBreaking });
  const { version } = await verifySchema(database, { to });
  return Object.freeze({ schema: schema.name, from: version, to: version, applied: Object.freeze([]) });
}

/** What {@link migrateSchema} and {@link verifySchema} work with beside the database. */
export interface SchemaPlan {
  /** Default: the newest version. */
  readonly to?: number;
  readonly allowBreaking?: boolean;
  /** Default: those of this package. */
  readonly known?: readonly Migration[];
}

/** Prepares the schema when stores are opened: `verify` (what production wants) writes nothing, `auto` applies what is missing. */
export async function prepareSchema(database: Database, mode: MigrateMode): Promise<void> {
  await (mode === "auto" || mode === true ? migrateSchema(database) : verifySchema(database));
}

/**
 * Looks whether a schema is one that this version of the package can use.
 *
 * @throws {@link RunsealError} as {@link migrate} with `verifyOnly`
 */
export async function verifySchema(database: Database, plan: SchemaPlan = {}): Promise<SchemaState> {
  const { known = KNOWN_MIGRATIONS } = plan;
  const state = await stateOf(database, known);
  checkNotOlder(database.schema, state, plan.to ?? known.length);
  return state;
}

/**
 * {@link migrate} on a database that is open already.
 *
 * @throws {@link RunsealError} as {@link migrate}
 */
export async function migrateSchema(database: Database, plan: SchemaPlan = {}): Promise<MigrateReport> {
  const { known = KNOWN_MIGRATIONS } = plan;
  const { to = known.length, allowBreaking = false } = plan;
  const { version: from } = await stateOf(database, known);
  const applied: string[] = [];
  let version = from;
  while (version < to) {
    const step = await database.retrying(
      "migrate",
      () => inTransaction(database, (client) => applyNext(client, database, { to, allowBreaking, known })),
      { repeatable: true },
    );
    if (step.applied !== null) applied.push(step.applied);
    version = step.version;
  }
  return Object.freeze({ schema: database.schema.name, from, to: version, applied: Object.freeze(applied) });
}

async function stateOf(database: Database, known: readonly Migration[]): Promise<SchemaState> {
  const { schema } = database;
  const read = (): Promise<SchemaState> =>
    database.withClient("migrate", (client) => schemaState(client, schema), { unprepared: true });
  const state = await database.retrying("migrate", read, { repeatable: true });
  checkSchemaState(schema, state, known);
  return state;
}

/** READ COMMITTED, whatever the default of the database is: the statement after the lock must see what the last holder wrote. */
async function inTransaction<T>(database: Database, work: (client: PgClient) => Promise<T>): Promise<T> {
  return database.withClient(
    "migrate",
    async (client) => {
      await client.query({ text: "BEGIN ISOLATION LEVEL READ COMMITTED" });
      const result = await work(client);
      await client.query({ text: "COMMIT" });
      return result;
    },
    { unprepared: true },
  );
}

/** Applies the migration after those that are there, once it holds the lock; none when somebody else was there before. */
async function applyNext(
  client: PgClient,
  { schema }: Database,
  { to, allowBreaking, known }: Required<SchemaPlan>,
): Promise<{ readonly version: number; readonly applied: string | null }> {
  await client.query({ text: migrationLock(schema) });
  const state = await schemaState(client, schema);
  checkSchemaState(schema, state, known);
  const missing = known.slice(state.version, to);
  const next = missing[0];
  if (next === undefined) return { version: state.version, applied: null };
  const breaking = missing.find(({ isBreaking }) => isBreaking);
  if (breaking !== undefined && !allowBreaking && (await isInUse(client, schema.name))) throw breakingError(breaking);
  if (state.version === 0) await createSchema(client, inSchema(schema, "CREATE SCHEMA {{schema}}"), schema.name);
  await client.query({ text: migrationText(schema, next) });
  return { version: next.version, applied: next.name };
}

/** Asked for first: who may create in a schema need not be somebody who may create schemas. */
async function createSchema(client: PgClient, text: string, name: string): Promise<void> {
  const { rows } = await client.query({ text: "SELECT 1 FROM pg_namespace WHERE nspname = $1", values: [name] });
  if (rows.length === 0) await client.query({ text });
}

/** Whether any table of the schema but `migrations` has a row: a change breaks nobody where there is nothing. */
async function isInUse(client: PgClient, schema: string): Promise<boolean> {
  const { rows } = await client.query({
    text: `SELECT string_agg(format('EXISTS (SELECT 1 FROM %I.%I)', n.nspname, c.relname), ' OR ') AS looks
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname <> 'migrations'`,
    values: [schema],
  });
  const looks = rows[0]?.["looks"];
  if (typeof looks !== "string") return false;
  const found = await client.query({ text: `SELECT ${looks} AS found` });
  return found.rows[0]?.["found"] === true;
}

function breakingError({ version, name }: Migration): RunsealError<"store.migration_breaking"> {
  const message = `migration ${version}, "${name}", breaks processes of older versions; stop them, then migrate with { allowBreaking: true }`;
  return new RunsealError("store.migration_breaking", message, { version, name });
}
