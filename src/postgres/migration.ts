import type { SchemaName } from "./schema-name.js";
import { sha256Hex } from "../json/digest.js";
import { MIGRATIONS } from "./migrations-generated.js";
import { inSchema } from "./schema-name.js";

/** First line of a migration that an older version of the package can't live with. */
const BREAKING_LINE = "--! breaking";

const encoder = new TextEncoder();

/** One step of the schema. */
export interface Migration {
  /** From 1. */
  readonly version: number;
  /** Its file without `.sql`. */
  readonly name: string;
  /** With `{{schema}}` and `{{name}}` where the schema goes. */
  readonly sql: string;
  /** SHA-256 of `sql`, hexadecimal. */
  readonly checksum: string;
  /** Whether processes of an older version must have stopped before it. */
  readonly isBreaking: boolean;
}

/** Numbers and checksums the texts of migrations, in their order. */
export function numberedMigrations(texts: readonly { readonly name: string; readonly sql: string }[]): readonly Migration[] {
  return texts.map(({ name, sql }, place) => ({
    version: place + 1,
    name,
    sql,
    checksum: sha256Hex(encoder.encode(sql)),
    isBreaking: sql.startsWith(`${BREAKING_LINE}\n`),
  }));
}

/** The migrations that this version of the package brings. */
export const KNOWN_MIGRATIONS = numberedMigrations(MIGRATIONS);

/** The advisory lock under which migrations are applied, given back with the transaction. */
export function migrationLock(schema: SchemaName): string {
  return inSchema(schema, "SELECT pg_advisory_xact_lock(hashtextextended('runseal/migrate/{{name}}', 0));");
}

/** The statements of one migration and of its row in `migrations`, for a transaction that holds {@link migrationLock}. */
export function migrationText(schema: SchemaName, migration: Migration): string {
  const { version, name, sql, checksum, isBreaking } = migration;
  return inSchema(
    schema,
    `${statements(sql).replaceAll("$$", () => bodyQuote(schema))}

INSERT INTO {{schema}}.migrations (version, name, checksum, breaking, at)
VALUES (${version}, '${name}', '${checksum}', ${isBreaking}, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint);`,
  );
}

/** Without comments on placeholders: a name may hold the end of a line. */
function statements(sql: string): string {
  return sql.trimEnd().replaceAll(/^--.*\{\{.*\n/gm, "");
}

/** What `$$` around the body of a function becomes where the name of the schema has `$$` in it. */
function bodyQuote({ name }: SchemaName): string {
  let word = "";
  while (name.includes(`$${word}$`)) word += "_";
  return `$${word}$`;
}
