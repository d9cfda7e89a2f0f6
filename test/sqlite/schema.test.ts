import { expect, test } from "vitest";
import { bareConnection } from "./bare-connection.js";
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

test("no query of the run index scans runs that have ended", async () => {
  const path = tempFile();
  await openForTest(path).reader.head("default", "run/none");
  const bare = await bareConnection(path);
  const wake = "CASE WHEN pending > 0 THEN 0 ELSE wake_at END";
  const plans = [
    "SELECT stream FROM runseal_heads WHERE (status = 'queued') ORDER BY priority DESC, stream LIMIT 10",
    `SELECT stream FROM runseal_heads WHERE (status = 'parked' AND ${wake} <= 5) ORDER BY priority DESC, stream LIMIT 10`,
    `SELECT ${wake} FROM runseal_heads WHERE (status = 'parked' AND ${wake} > 5) ORDER BY ${wake} LIMIT 1`,
    "SELECT lease_until FROM runseal_heads WHERE (status = 'running' AND lease_until > 5) ORDER BY lease_until LIMIT 1",
    "SELECT DISTINCT owner FROM runseal_heads WHERE status = 'running' AND owner IS NOT NULL",
    "SELECT stream FROM runseal_heads WHERE scope = 'a' AND use_key = 'k' AND stream <> 's'",
  ].map((sql) =>
    bare
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all([])
      .map((row) => String(row["detail"]))
      .join("; "),
  );
  for (const [index, used] of ["queued", "parked", "parked", "running", "running", "use"].entries()) {
    expect(plans[index]).toContain(`runseal_heads_${used}`);
  }
});
