import { describe, expect, test } from "vitest";
import type { SqlConnection, SqlRow } from "../../src/sqlite/driver.js";
import { bareConnection } from "./bare-connection.js";
import { fill, openForTest } from "./filled-stores.js";
import { tempFile } from "./temp-file.js";

/** Every append-only table, and the columns of its keys. */
const TABLES: readonly (readonly [table: string, keys: readonly (readonly string[])[]])[] = [
  ["runseal_events", [["scope", "stream", "seq"]]],
  ["runseal_spent_tokens", [["scope", "token"]]],
  [
    "runseal_runbooks",
    [
      ["scope", "id"],
      ["scope", "ord"],
    ],
  ],
  [
    "runseal_documents",
    [
      ["scope", "runbook_id", "ord"],
      ["scope", "runbook_id", "digest"],
    ],
  ],
  ["runseal_versions", [["scope", "session_id", "version"]]],
  ["runseal_artifacts", [["scope", "id"]]],
  [
    "runseal_inbox",
    [
      ["scope", "run_id", "ord"],
      ["scope", "run_id", "key"],
    ],
  ],
  ["runseal_inbox_consumed", [["scope", "run_id", "ord"]]],
];

async function filled(): Promise<SqlConnection> {
  const path = tempFile();
  await fill(openForTest(path));
  return bareConnection(path);
}

const rowsOf = (bare: SqlConnection, table: string): readonly SqlRow[] => bare.prepare(`SELECT * FROM ${table}`).all([]);

const columnsOf = (bare: SqlConnection, table: string): readonly string[] =>
  bare
    .prepare("SELECT name FROM pragma_table_info(?)")
    .all([table])
    .map((row) => String(row["name"]));

/** An insert of a row that agrees with an existing one in `key` alone: other keys are made new. */
function collidingInsert(
  bare: SqlConnection,
  verb: string,
  table: string,
  key: readonly string[],
  keys: readonly (readonly string[])[],
): string {
  const others = new Set(keys.flat().filter((column) => !key.includes(column)));
  const values = columnsOf(bare, table).map((column) => {
    if (!others.has(column)) return column;
    return column === "ord" ? "ord + 1000" : `${column} || 'x'`;
  });
  return `${verb} INTO ${table} SELECT ${values.join(", ")} FROM ${table} LIMIT 1`;
}

describe.each(TABLES)("%s, from a bare second connection (X6, X.5-11, decision 4.3)", (table, keys) => {
  test("refuses UPDATE and DELETE, of one row and of all", async () => {
    const bare = await filled();
    const before = rowsOf(bare, table);
    expect(before.length).toBeGreaterThan(0);
    const column = columnsOf(bare, table).at(-1);
    for (const sql of [
      `UPDATE ${table} SET ${column} = ${column}`,
      `UPDATE OR REPLACE ${table} SET ${column} = ${column}`,
      `UPDATE OR IGNORE ${table} SET ${column} = ${column}`,
      `DELETE FROM ${table}`,
      `DELETE FROM ${table} WHERE scope = 'default'`,
    ]) {
      expect(() => bare.exec(sql), sql).toThrow(`${table} is append-only`);
    }
    expect(rowsOf(bare, table)).toEqual(before);
  });

  test("refuses INSERT OR REPLACE and its kin, by each of its keys (A-010, A-140)", async () => {
    const bare = await filled();
    const before = rowsOf(bare, table);
    for (const key of keys) {
      for (const verb of ["INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE", "INSERT"]) {
        const sql = collidingInsert(bare, verb, table, key, keys);
        expect(() => bare.exec(sql), sql).toThrow(`${table} is append-only`);
      }
      const upsert = collidingInsert(bare, "INSERT", table, key, keys).replace("LIMIT 1", "WHERE true LIMIT 1");
      const target = `ON CONFLICT (${key.join(", ")}) DO UPDATE SET scope = 'stolen'`;
      expect(() => bare.exec(`${upsert} ${target}`), upsert).toThrow(`${table} is append-only`);
    }
    expect(rowsOf(bare, table)).toEqual(before);
  });

  test("lets new rows in, or the refusals above would prove nothing", async () => {
    const bare = await filled();
    const before = rowsOf(bare, table).length;
    const values = columnsOf(bare, table).map((column) => (column === "scope" ? "'another'" : column));
    bare.exec(`INSERT INTO ${table} SELECT ${values.join(", ")} FROM ${table} LIMIT 1`);
    expect(rowsOf(bare, table).length).toBe(before + 1);
  });
});

test("every table but the projections, locks, workers and migrations is in the list above", async () => {
  const bare = await filled();
  const names = bare
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .all([])
    .map((row) => row["name"]);
  const mutable = ["runseal_heads", "runseal_locks", "runseal_migrations", "runseal_workers"];
  expect(names).toEqual([...TABLES.map(([table]) => table), ...mutable].sort());
});

test("kinds that this schema does not know are refused by its CHECK, also between lines", async () => {
  const bare = await filled();
  for (const kind of ["later.kind", "", "run.", "run.submitted\nrun.started", "run.submitted "]) {
    const columns = columnsOf(bare, "runseal_events").map((column) =>
      column === "kind" ? "?" : column === "scope" ? "'b'" : column,
    );
    const insert = bare.prepare(`INSERT INTO runseal_events SELECT ${columns.join(", ")} FROM runseal_events LIMIT 1`);
    expect(() => insert.run([kind]), JSON.stringify(kind)).toThrow("CHECK constraint failed");
  }
});
