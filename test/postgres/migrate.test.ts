import type { Pool } from "pg";
import type { MigrateReport } from "../../src/postgres/migrate.js";
import { describe, expect, inject, test, vi } from "vitest";
import { migrate, migrateSchema, prepareSchema, SCHEMA_VERSION, verifySchema } from "../../src/postgres/migrate.js";
import { numberedMigrations } from "../../src/postgres/migration.js";
import { migrationSql } from "../../src/postgres/migration-sql.js";
import { MIGRATIONS } from "../../src/postgres/migrations-generated.js";
import { schemaName } from "../../src/postgres/schema-name.js";
import { startChild } from "../sqlite/child.js";
import { bareDatabase, freshSchema, ownDatabase, refusal, testPool } from "./fresh-schema.js";

const NAMES = MIGRATIONS.map(({ name }) => name);

async function relationsOf(pool: Pool, schema: string): Promise<readonly string[]> {
  const found = await pool.query<{ relname: string }>(
    "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = $1 ORDER BY relname",
    [schema],
  );
  return found.rows.map(({ relname }) => relname);
}

async function versionsOf(pool: Pool, schema: string): Promise<readonly number[]> {
  const { quoted } = schemaName(schema);
  const found = await pool.query<{ version: number }>(`SELECT version FROM ${quoted}.migrations ORDER BY version`);
  return found.rows.map(({ version }) => version);
}

/** Migrations after ours. */
const andThen = (...more: readonly { readonly name: string; readonly sql: string }[]): ReturnType<typeof numberedMigrations> =>
  numberedMigrations([...MIGRATIONS, ...more]);

const ADDS = { name: "8000_adds", sql: "CREATE TABLE {{schema}}.added (n integer);\n" };
const BREAKS = { name: "9000_breaks", sql: "--! breaking\nALTER TABLE {{schema}}.worker_rows ADD COLUMN n integer;\n" };

describe("migrate (decision 4.8)", () => {
  test("makes a schema, says what it did, and has nothing to do the second time", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    expect(await migrate(pool, { schema })).toEqual({ schema, from: 0, to: SCHEMA_VERSION, applied: NAMES });
    expect(await migrate(pool, { schema })).toEqual({ schema, from: SCHEMA_VERSION, to: SCHEMA_VERSION, applied: [] });
    expect(await versionsOf(pool, schema)).toEqual(MIGRATIONS.map((_, place) => place + 1));
  });

  test("stops at the version it is told, and goes on from there", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    expect(await migrate(pool, { schema, to: 1 })).toEqual({ schema, from: 0, to: 1, applied: NAMES.slice(0, 1) });
    expect(await migrate(pool, { schema })).toEqual({ schema, from: 1, to: SCHEMA_VERSION, applied: NAMES.slice(1) });
    for (const to of [0, 1.5, SCHEMA_VERSION + 1, Number.NaN]) {
      await expect(migrate(pool, { schema, to })).rejects.toMatchObject({
        code: "instance.misconfigured",
        details: { option: "to" },
      });
    }
  });

  test.each([
    'we"ird',
    "it's",
    "Großes Schema",
    "sp ace; DROP TABLE x",
    "$1 %s %I {{schema}} {{name}} $$ $_$ \\",
    "x".repeat(63),
    "日本".repeat(10),
  ])("takes %j for the name of a schema (reliability row 91)", async (name) => {
    const pool = testPool();
    const schema = freshSchema(pool, name);
    await migrate(pool, { schema });
    expect(await relationsOf(pool, schema)).toContain("event_rows");
    expect((await migrate(pool, { schema, verifyOnly: true })).to).toBe(SCHEMA_VERSION);
    await expect(pool.query(`DELETE FROM ${schemaName(schema).quoted}.event_rows`)).rejects.toMatchObject({ code: "RS001" });
  });

  test.each(["", "x".repeat(64), "ä".repeat(32), "nul\0", "\ud800"])("refuses %j, which can't name a schema", async (schema) => {
    await expect(migrate(testPool(), { schema })).rejects.toMatchObject({ code: "instance.misconfigured" });
  });

  test("lets pools and processes try at once: each finds it done, each step was done once (reliability row 36)", async () => {
    const pool = testPool({ max: 6 });
    const schema = freshSchema(pool);
    const children = [1, 2, 3].map(() => startChild("../postgres/migrate-process.ts", inject("databaseUrl"), schema));
    await vi.waitUntil(() => children.every(({ lines }) => lines.length > 0), { timeout: 15_000, interval: 5 });
    const reports = await Promise.all([1, 2, 3].map(() => migrate(pool, { schema })));
    for (const { ended } of children) expect(await ended).toBe(0);
    const all = [...reports, ...children.map(({ lines }) => JSON.parse(lines[1] ?? "") as MigrateReport)];
    expect(all.map(({ to }) => to)).toEqual(all.map(() => SCHEMA_VERSION));
    expect(all.flatMap(({ applied }) => applied).sort()).toEqual(NAMES);
  });

  test("migrates two schemas of one database each for itself", async () => {
    const pool = testPool();
    const [one, other] = [freshSchema(pool), freshSchema(pool)];
    await Promise.all([migrate(pool, { schema: one }), migrate(pool, { schema: other })]);
    expect(await relationsOf(pool, one)).toEqual(await relationsOf(pool, other));
  });

  test("works in a schema that an administrator made, for a role that may not make schemas", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    const role = `r_${schema.replaceAll(/\W/g, "")}`;
    await pool.query(
      `CREATE ROLE ${role} LOGIN PASSWORD 'p'; CREATE SCHEMA "${schema}"; GRANT USAGE, CREATE ON SCHEMA "${schema}" TO ${role}`,
    );
    const owner = testPool({ connectionString: asRole(role) });
    expect((await migrate(owner, { schema })).applied).toEqual(NAMES);
    const elsewhere = freshSchema(pool);
    await expect(migrate(owner, { schema: elsewhere })).rejects.toMatchObject({
      code: "store.permission",
      details: { sqlState: "42501" },
    });
    await pool.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
  });
});

describe("a schema that is not ours to use", () => {
  test("verify-only writes nothing, and names both versions and the way out (reliability row 37)", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    const refused = { code: "store.schema_older", details: { found: 0, supported: SCHEMA_VERSION } };
    await expect(migrate(pool, { schema, verifyOnly: true })).rejects.toMatchObject(refused);
    const error: unknown = await prepareSchema(bareDatabase(pool, schema), "verify").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(refused);
    expect(String(error)).toContain(`is at version 0, this version of runseal needs ${SCHEMA_VERSION}; call migrate(pool)`);
    expect(await relationsOf(pool, schema)).toEqual([]);
  });

  test("older by one step is refused too, and auto brings it up to date", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    const known = andThen(ADDS);
    const database = bareDatabase(pool, schema);
    await prepareSchema(database, "auto");
    const details = { found: SCHEMA_VERSION, supported: SCHEMA_VERSION + 1 };
    await expect(verifySchema(database, { known })).rejects.toMatchObject({ code: "store.schema_older", details });
    expect((await migrateSchema(database, { known })).applied).toEqual(["8000_adds"]);
    expect((await verifySchema(database, { known })).version).toBe(SCHEMA_VERSION + 1);
  });

  test("newer without a breaking step is fine for an older package, newer with one is refused (reliability row 37)", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    const database = bareDatabase(pool, schema);
    await migrateSchema(database, { known: andThen(ADDS) });
    expect((await verifySchema(database)).version).toBe(SCHEMA_VERSION + 1);
    expect(await migrate(pool, { schema })).toMatchObject({ to: SCHEMA_VERSION + 1, applied: [] });
    await migrateSchema(database, { known: andThen(ADDS, BREAKS) });
    const refused = { code: "store.schema_newer", details: { found: SCHEMA_VERSION + 2, supported: SCHEMA_VERSION } };
    await expect(verifySchema(database)).rejects.toMatchObject(refused);
    await expect(migrate(pool, { schema })).rejects.toMatchObject(refused);
  });

  test("a migration with another text than ours is found on every open", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    const database = bareDatabase(pool, schema);
    await migrateSchema(database);
    const [first, ...rest] = MIGRATIONS;
    const changed = numberedMigrations([{ name: first?.name ?? "", sql: `${first?.sql ?? ""} ` }, ...rest]);
    const refused = { code: "store.migration_changed", details: { version: 1, name: "0001_stores" } };
    await expect(verifySchema(database, { known: changed })).rejects.toMatchObject(refused);
    await expect(migrateSchema(database, { known: changed })).rejects.toMatchObject(refused);
  });

  test("a breaking migration waits until it is allowed, and nothing before it is applied; nobody is asked where there is nothing", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    const database = bareDatabase(pool, schema);
    await migrateSchema(database);
    await pool.query(`INSERT INTO "${schema}".streams (scope, stream) VALUES ('s', 'run/x')`);
    const known = andThen(ADDS, BREAKS);
    const refused = { code: "store.migration_breaking", details: { version: SCHEMA_VERSION + 2, name: "9000_breaks" } };
    await expect(migrateSchema(database, { known })).rejects.toMatchObject(refused);
    expect(await versionsOf(pool, schema)).toEqual(MIGRATIONS.map((_, place) => place + 1));
    expect((await migrateSchema(database, { known, allowBreaking: true })).applied).toEqual(["8000_adds", "9000_breaks"]);

    const empty = bareDatabase(pool, freshSchema(pool));
    expect((await migrateSchema(empty, { known })).to).toBe(SCHEMA_VERSION + 2);
  });

  test("a migration that fails leaves the version before it", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    const fails = { name: "8000_fails", sql: "CREATE TABLE {{schema}}.half (n integer);\nSELECT 1/0;\n" };
    await expect(migrateSchema(bareDatabase(pool, schema), { known: andThen(fails) })).rejects.toMatchObject({
      code: "store.failed",
    });
    expect(await versionsOf(pool, schema)).toHaveLength(SCHEMA_VERSION);
    expect(await relationsOf(pool, schema)).not.toContain("half");
  });
});

describe("a migrator that dies between two statements (reliability row 36)", () => {
  /** Lets the server end the migrator's session, or hold it, at the n-th thing that a migration makes. */
  async function at(pool: Pool, n: number, what: string): Promise<void> {
    await pool.query(`CREATE TABLE public.watched (n integer); CREATE SEQUENCE public.made;
      CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$
      BEGIN IF nextval('public.made') = ${n} THEN ${what}; END IF; END $$;
      CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION public.watch()`);
  }

  test.each([1, 2, 9, 30, 47])("by its session's end at statement %i: nothing, then the whole on the next try", async (n) => {
    const pool = testPool({ connectionString: await ownDatabase(testPool()) });
    await at(pool, n, "PERFORM pg_terminate_backend(pg_backend_pid())");
    const database = bareDatabase(pool, "runseal");
    const retried = await migrateSchema(database);
    expect(retried).toMatchObject({ from: 0, to: SCHEMA_VERSION });
    await pool.query("ALTER EVENT TRIGGER watch DISABLE");
    const untouched = testPool();
    const other = freshSchema(untouched);
    await migrate(untouched, { schema: other });
    expect(await relationsOf(pool, "runseal")).toEqual(await relationsOf(untouched, other));
    expect(await versionsOf(pool, "runseal")).toEqual(MIGRATIONS.map((_, place) => place + 1));
  });

  test("by SIGKILL in the middle of the first: the schema is not there, and another migrator makes it whole", async () => {
    const address = await ownDatabase(testPool());
    const pool = testPool({ connectionString: address });
    await at(pool, 20, "PERFORM pg_advisory_lock(7)");
    const holder = await pool.connect();
    await holder.query("SELECT pg_advisory_lock(7)");
    const child = startChild("../postgres/migrate-process.ts", address, "runseal");
    const waiting = "SELECT count(*)::integer AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    await vi.waitUntil(async () => (await pool.query<{ n: number }>(waiting)).rows[0]?.n === 1, {
      timeout: 15_000,
      interval: 10,
    });
    child.process.kill("SIGKILL");
    expect(await child.ended).toBe("SIGKILL");
    expect(await relationsOf(pool, "runseal")).toEqual([]);
    await holder.query("SELECT pg_advisory_unlock(7)");
    holder.release();
    expect(await migrate(pool)).toMatchObject({ from: 0, to: SCHEMA_VERSION, applied: NAMES });
  });
});

describe("migrationSql", () => {
  test("prints what a person can apply by hand: migrate finds it done, and the schema is the same", async () => {
    const pool = testPool();
    const [byHand, byMigrate] = [freshSchema(pool, "by \"hand'"), freshSchema(pool)];
    await pool.query(migrationSql({ schema: byHand }));
    await migrate(pool, { schema: byMigrate });
    expect(await migrate(pool, { schema: byHand, verifyOnly: true })).toMatchObject({ from: SCHEMA_VERSION });
    expect(await relationsOf(pool, byHand)).toEqual(await relationsOf(pool, byMigrate));
  });

  test("prints by range, for the schema runseal where none is named, and changes nothing when it is applied twice", async () => {
    expect(migrationSql()).toContain('CREATE SCHEMA IF NOT EXISTS "runseal";');
    expect(migrationSql({ from: SCHEMA_VERSION })).not.toContain("BEGIN");
    expect(migrationSql({ from: 0, to: 1 }).match(/^COMMIT;$/gm)).toHaveLength(1);
    if (SCHEMA_VERSION > 1) expect(migrationSql({ from: 1 })).not.toContain("CREATE SCHEMA");
    const pool = testPool();
    const schema = freshSchema(pool);
    await pool.query(migrationSql({ schema }));
    const client = await pool.connect();
    expect(await refusal(client.query(migrationSql({ schema, to: 1 })))).toBe("42723");
    await client.query("ROLLBACK");
    client.release();
    expect(await versionsOf(pool, schema)).toHaveLength(SCHEMA_VERSION);
  });

  test.each([{ from: -1 }, { from: 0.5 }, { to: SCHEMA_VERSION + 1 }, { from: 1, to: 0 }, { from: Number.NaN }])(
    "refuses the range %j",
    (range) => {
      expect(() => migrationSql(range)).toThrow(expect.objectContaining({ code: "instance.misconfigured" }));
    },
  );
});

function asRole(role: string): string {
  const url = new URL(inject("databaseUrl"));
  url.username = role;
  url.password = "p";
  return url.href;
}
