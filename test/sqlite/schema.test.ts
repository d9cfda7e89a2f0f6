import { expect, test } from "vitest";
import type { SqlConnection } from "../../src/sqlite/driver.js";
import { bareConnection, driverThat } from "./bare-connection.js";
import { openForTest } from "./filled-stores.js";
import { tempFile } from "./temp-file.js";

test("the schema is the one that is recorded; `npx vitest run test/sqlite/schema.test.ts -u` records a change", async () => {
  const path = tempFile();
  await openForTest(path).reader.head("default", "run/none");
  const bare = await bareConnection(path);
  const rows = bare.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name").all([]);
  const dump = rows.map((row) => `${String(row["sql"])};\n`).join("\n");
  expect(rows.length).toBeGreaterThan(35);
  await expect(dump).toMatchFileSnapshot("schema.golden.sql");
});

test("no query for work looks at runs that have ended: each goes through the index of its state", async () => {
  const statements = new Set<string>();
  const seen: { connection?: SqlConnection } = {};
  const drivers = driverThat((connection) => {
    const { prepare } = connection;
    seen.connection = connection;
    Object.assign(connection, {
      prepare: (sql: string) => {
        statements.add(sql);
        return prepare(sql);
      },
    });
  });
  const stores = openForTest(tempFile(), { drivers });
  for (const scope of ["default", null]) {
    for (const queues of [["a", "b"], null]) {
      await stores.runs.due({ scope, queues, limit: 10 });
      await stores.runs.nextWake({ scope, queues });
    }
  }
  const planOf = (sql: string): string =>
    (seen.connection?.prepare(`EXPLAIN QUERY PLAN ${sql}`).all([]) ?? []).map((row) => String(row["detail"])).join("; ");
  const queries = [...statements].filter((sql) => sql.includes("FROM runseal_heads"));
  expect(queries).toHaveLength(4 * 5 + 1);
  for (const sql of queries) {
    const state = /status = '(\w+)'/.exec(sql)?.[1] ?? "none";
    expect(planOf(sql), sql).toContain(`runseal_heads_${state}`);
  }
});
