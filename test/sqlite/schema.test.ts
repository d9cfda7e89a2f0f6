import { expect, test } from "vitest";
import type { RunLimit } from "../../src/stores/event-store.js";
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

const LIMITS: readonly RunLimit[] = [null, "tenant"].map((label) => ({
  queue: "a",
  label,
  running: 1,
  starts: { runs: 2, perMs: 3 },
}));

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
      await stores.runs.due({ scope, queues, limit: 10, limits: LIMITS, serves: ["c"] });
      await stores.runs.nextWake({ scope, queues, limits: LIMITS });
    }
  }
  const planOf = (sql: string): string =>
    (seen.connection?.prepare(`EXPLAIN QUERY PLAN ${sql}`).all([]) ?? []).map((row) => String(row["detail"])).join("; ");
  const queries = [...statements].filter((sql) => sql.includes("FROM runseal_heads"));
  // owners; scopes by state; per queues yes or no: due by state, with limits and without, two wakes; windows of the two limits
  expect(queries).toHaveLength(1 + 3 + 2 * (3 + 3 + 2) + 2);
  for (const sql of queries) {
    const steps = planOf(sql)
      .split("; ")
      .filter((step) => step.includes("runseal_heads"));
    expect(steps.length, sql).toBeGreaterThan(0);
    for (const step of steps)
      expect(step, sql).toMatch(/USING (COVERING )?INDEX runseal_heads_(queued|parked|running|busy|started)/);
  }
});
