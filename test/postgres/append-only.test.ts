import type { Pool } from "pg";
import { describe, expect, test } from "vitest";
import { inspectSchema } from "../../src/postgres/inspect-schema.js";
import { migrate } from "../../src/postgres/migrate.js";
import { sqlFailure } from "../../src/postgres/postgres-error.js";
import { roleSql } from "../../src/postgres/role-sql.js";
import { PROJECTION_TABLES, TRUTH_TABLES, VIEWS } from "../../src/postgres/tables.js";
import { freshSchema, ownDatabase, refusal, testPool } from "./fresh-schema.js";
import { makeRoles } from "./roles.js";

async function made(
  name?: string,
): Promise<{ readonly pool: Pool; readonly schema: string; readonly tables: readonly string[] }> {
  const pool = testPool();
  const schema = freshSchema(pool, name);
  await migrate(pool, { schema });
  const { rows } = await pool.query<{ relname: string }>(
    `SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE nspname = $1 AND relkind IN ('r', 'p') ORDER BY relname`,
    [schema],
  );
  return { pool, schema, tables: rows.map(({ relname }) => relname) };
}

const isProjection = (table: string): boolean => PROJECTION_TABLES.some((each) => each === table);

async function columnsOf(pool: Pool, schema: string, table: string): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute WHERE attrelid = format('%I.%I', $1::text, $2::text)::regclass AND attnum > 0
      AND attgenerated = '' AND attidentity = '' ORDER BY attnum`,
    [schema, table],
  );
  return rows.map(({ name }) => name);
}

/** Everything that changes rows of a table, each also where it changes none. */
async function attempts(pool: Pool, schema: string, table: string): Promise<readonly string[]> {
  const name = `"${schema}".${table}`;
  const columns = await columnsOf(pool, schema, table);
  const column = columns.at(-1) ?? "";
  const { rows } = await pool.query<{ v: number }>("SELECT current_setting('server_version_num')::integer AS v");
  const values = columns.map((each) => `(NULL::${name}).${each}`).join(", ");
  return [
    `UPDATE ${name} SET ${column} = ${column}`,
    `UPDATE ${name} SET ${column} = ${column} WHERE false`,
    `DELETE FROM ${name}`,
    `DELETE FROM ${name} WHERE false`,
    `TRUNCATE ${name}`,
    `TRUNCATE ${name} CASCADE`,
    `INSERT INTO ${name} (${columns.join(", ")}) SELECT ${values} WHERE false ON CONFLICT ON CONSTRAINT ${table}_pkey DO UPDATE SET ${column} = EXCLUDED.${column}`,
    `WITH gone AS (DELETE FROM ${name} RETURNING 1) SELECT count(*) FROM gone`,
    ...((rows[0]?.v ?? 0) >= 150_000
      ? [`MERGE INTO ${name} t USING (SELECT 1) s ON false WHEN MATCHED THEN UPDATE SET ${column} = t.${column}`]
      : []),
  ];
}

describe("tables that only grow, from a bare second connection as a superuser (X.5-11, decision 4.3, reliability 0.8)", () => {
  test("every table of the catalog is one, or a projection, or migrations", async () => {
    const { tables } = await made();
    expect(tables).toEqual([...TRUTH_TABLES, ...PROJECTION_TABLES, "migrations"].sort());
  });

  test("refuse UPDATE, DELETE, TRUNCATE, upserts and MERGE, also of no row, also in a replica's session", async () => {
    const { pool, schema, tables } = await made();
    const bare = await pool.connect();
    const truth = tables.filter((table) => !isProjection(table));
    expect(truth.length).toBeGreaterThanOrEqual(10);
    let tried = 0;
    for (const role of ["origin", "replica", "local"]) {
      await bare.query(`SET session_replication_role = ${role}`);
      for (const table of truth) {
        for (const sql of await attempts(pool, schema, table)) {
          const error: unknown = await bare.query(sql).catch((thrown: unknown) => thrown);
          expect(error, sql).toMatchObject({ code: "RS001", message: `${table} is append-only` });
          tried += 1;
        }
      }
    }
    expect(tried).toBeGreaterThanOrEqual(3 * 10 * 8);
    await bare.query("SET session_replication_role = DEFAULT");
    bare.release();
    const error: unknown = await pool.query(`DELETE FROM "${schema}".runbooks`).catch((thrown: unknown) => thrown);
    expect(sqlFailure(error, "call")).toMatchObject({
      kind: "final",
      error: { code: "store.append_only", details: { table: "runbooks" } },
    });
  });
});

describe("roles (decision 4.3, reliability 0.8)", () => {
  test("the application appends to what only grows, changes projections, and may do nothing else: 42501", async () => {
    const { pool, schema, tables } = await made("a\"b'c");
    const { app } = await makeRoles(pool, schema);
    const quoted = '"a""b\'c"';
    for (const table of tables) {
      const name = `${quoted}.${table}`;
      const column = (await columnsOf(pool, schema, table)).at(-1) ?? "";
      const allowed = isProjection(table);
      expect(await refusal(app.query(`SELECT * FROM ${name}`)), table).toBeNull();
      expect(await refusal(app.query(`UPDATE ${name} SET ${column} = ${column}`)), table).toBe(allowed ? null : "42501");
      expect(await refusal(app.query(`DELETE FROM ${name}`)), table).toBe(allowed ? null : "42501");
      for (const sql of [
        `TRUNCATE ${name}`,
        `ALTER TABLE ${name} DISABLE TRIGGER ALL`,
        `ALTER TABLE ${name} ALTER COLUMN ${column} TYPE text USING 'rewritten'`,
        `DROP TABLE ${name} CASCADE`,
        `CREATE TRIGGER t BEFORE INSERT ON ${name} EXECUTE FUNCTION ${quoted}.refuse_change()`,
        `CREATE RULE r AS ON INSERT TO ${name} DO INSTEAD NOTHING`,
        `GRANT ALL ON ${name} TO PUBLIC`,
      ]) {
        const state = await refusal(app.query(sql));
        if (sql.startsWith("GRANT")) continue;
        expect(state, sql).toBe("42501");
      }
    }
    const forbidden = [
      "SET session_replication_role = replica",
      `CREATE TABLE ${quoted}.mine (n integer)`,
      `CREATE OR REPLACE FUNCTION ${quoted}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
      `INSERT INTO ${quoted}.migrations VALUES (99, 'x', repeat('0', 64), true, 0)`,
      `SELECT ${quoted}.drop_payloads('default', 'run/x')`,
      `DROP SCHEMA ${quoted} CASCADE`,
      `ALTER FUNCTION ${quoted}.now_ms() RENAME TO then_ms`,
    ];
    for (const sql of forbidden) expect(await refusal(app.query(sql)), sql).toBe("42501");
    expect(await refusal(app.query(`INSERT INTO ${quoted}.streams (scope, stream) VALUES ('s', 'run/x')`))).toBeNull();
    expect(
      await refusal(app.query(`INSERT INTO ${quoted}.streams (scope, stream) VALUES ('s', 'run/x') ON CONFLICT DO NOTHING`)),
    ).toBeNull();
    expect((await inspectSchema(pool, { schema })).differences).toEqual([]);
  });

  test("the reader reads the views and nothing else", async () => {
    const { pool, schema, tables } = await made();
    const { reader } = await makeRoles(pool, schema);
    for (const view of VIEWS) expect(await refusal(reader.query(`SELECT * FROM "${schema}".${view}`)), view).toBeNull();
    for (const table of tables) expect(await refusal(reader.query(`SELECT * FROM "${schema}".${table}`)), table).toBe("42501");
    expect(await refusal(reader.query(`SELECT "${schema}".now_ms()`))).toBe("42501");
  });

  test("the application verifies the schema and can't migrate it, the owner migrates it; the text may be applied again", async () => {
    const { pool, schema } = await made();
    const { app, owner, names } = await makeRoles(pool, schema);
    expect((await migrate(app, { schema, verifyOnly: true })).applied).toEqual([]);
    expect(await refusal(owner.query(`CREATE TABLE "${schema}".next (n integer)`))).toBeNull();
    await owner.query(`DROP TABLE "${schema}".next`);
    await pool.query(roleSql({ schema, ...names }));
    expect((await inspectSchema(pool, { schema, app: names.app })).differences).toEqual([]);
  });

  test.each([
    [{ app: "" }, "app"],
    [{ app: "x".repeat(64) }, "app"],
    [{ app: "a", owner: "nul\0" }, "owner"],
    [{ app: "a", owner: "a" }, "app"],
    [{ app: "a", reader: "a" }, "reader"],
  ])("refuses %j", (options, option) => {
    expect(() => roleSql(options)).toThrow(expect.objectContaining({ code: "instance.misconfigured", details: { option } }));
  });
});

describe("inspectSchema tells what the owner or a superuser did to the schema (reliability row 64)", () => {
  test.each<readonly [what: string, sql: string, kinds: readonly string[], part: RegExp]>([
    ["a trigger was dropped", "DROP TRIGGER append_only ON {}.inbox", ["missing"], /^trigger .* ON inbox .*enabled A$/],
    ["a trigger was disabled", "ALTER TABLE {}.inbox DISABLE TRIGGER ALL", ["missing", "unexpected"], /enabled D$/],
    ["a trigger is not always on", "ALTER TABLE {}.inbox ENABLE TRIGGER append_only", ["missing", "unexpected"], /enabled O$/],
    [
      "a function does something else",
      "CREATE OR REPLACE FUNCTION {}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
      ["missing", "unexpected"],
      /^function refuse_change\(\).*RETURN NULL; END/s,
    ],
    [
      "a column has another type",
      "ALTER TABLE {}.inbox ALTER COLUMN at TYPE numeric USING 0",
      ["missing", "unexpected"],
      /^table inbox: at numeric/,
    ],
    ["a check is gone", "ALTER TABLE {}.inbox DROP CONSTRAINT inbox_kind_check", ["missing"], /inbox_kind_check/],
    [
      "a domain allows more",
      "ALTER DOMAIN {}.event_kind DROP CONSTRAINT event_kind_check",
      ["missing", "unexpected"],
      /^domain event_kind: text  $/,
    ],
    ["an index is gone", "DROP INDEX {}.heads_use", ["missing"], /^index .*heads_use/],
    ["a table was added", "CREATE TABLE {}.more (n integer)", ["unexpected"], /^table more: n integer$/],
    ["everybody may read", "GRANT SELECT ON {}.event_rows TO PUBLIC", ["right"], /everybody has SELECT on "event_rows"/],
  ])("%s", async (_, sql, kinds, part) => {
    const { pool, schema } = await made();
    expect(await inspectSchema(pool, { schema })).toEqual({ version: expect.any(Number) as number, differences: [] });
    await pool.query(sql.replaceAll("{}", `"${schema}"`));
    const { differences } = await inspectSchema(pool, { schema });
    expect([...new Set(differences.map(({ kind }) => kind))]).toEqual(kinds);
    expect(differences.at(-1)?.what).toMatch(part);
  });

  test("nothing where nothing was done, whatever the schema is called: also as a setting of ours, runseal", async () => {
    const pool = testPool();
    const own = testPool({ connectionString: await ownDatabase(pool) });
    for (const schema of ["runseal", "$$", "$_$ $$", "new\nline", "r", "pg", "h.x"]) {
      await migrate(own, { schema });
      expect((await inspectSchema(own, { schema })).differences).toEqual([]);
    }
  });

  test("rights that the application has too many, and owners that differ", async () => {
    const { pool, schema } = await made();
    const { names } = await makeRoles(pool, schema);
    const role = `"${names.app.replaceAll('"', '""')}"`;
    await pool.query(
      `GRANT UPDATE, TRUNCATE ON "${schema}".event_rows TO ${role}; GRANT CREATE ON SCHEMA "${schema}" TO ${role}`,
    );
    await pool.query(`ALTER TABLE "${schema}".inbox OWNER TO postgres`);
    const { differences } = await inspectSchema(pool, { schema, app: names.app });
    expect(differences).toEqual([
      { kind: "owner", what: `"inbox" belongs to "postgres", the schema to "${names.owner}"` },
      { kind: "right", what: `"${names.app}" has TRUNCATE on "event_rows"` },
      { kind: "right", what: `"${names.app}" has UPDATE on "event_rows"` },
      { kind: "right", what: `"${names.app}" has CREATE on "the schema"` },
    ]);
  });

  test("rows that were rewritten by ALTER TYPE … USING are not its business: digests tell when they are read", async () => {
    const { pool, schema } = await made();
    await pool.query(`ALTER TABLE "${schema}".documents ALTER COLUMN document TYPE text COLLATE "C" USING 'rewritten'`);
    expect((await inspectSchema(pool, { schema })).differences).toEqual([]);
  });
});
