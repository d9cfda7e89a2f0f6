import type { Pool } from "pg";
import type { RunStatus } from "../../src/model/run.js";
import type { Access } from "../../src/model/schema-description.js";
import type { InboxKind } from "../../src/stores/inbox.js";
import { describe, expect, test } from "vitest";
import { EVENTS } from "../../src/model/event.js";
import { migrate } from "../../src/postgres/migrate.js";
import { freshSchema, testPool } from "./fresh-schema.js";
import { schemaLines } from "../../src/postgres/schema-lines.js";

test("the schema is the one that is recorded, on every version of the server; `npx vitest run test/postgres/schema.test.ts -u` records a change (decision 4.8)", async () => {
  const pool = testPool();
  const schema = freshSchema(pool);
  await migrate(pool, { schema });
  const client = await pool.connect();
  const dump = (await schemaLines(client, schema))
    .map((line) => `${line}\n`)
    .join("")
    .replaceAll(schema, "runseal");
  client.release();
  expect(dump.split("\n").length).toBeGreaterThan(200);
  await expect(dump).toMatchFileSnapshot("schema.golden.sql");
});

/** The words that a CHECK of a column allows. */
async function allowedWords(pool: Pool, schema: string, constraint: string): Promise<readonly string[]> {
  const { rows } = await pool.query<{ text: string }>(
    `SELECT pg_get_constraintdef(k.oid) AS text FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
      WHERE n.nspname = $1 AND k.conname = $2 AND k.contype = 'c'`,
    [schema, constraint],
  );
  expect(rows).toHaveLength(1);
  return [...(rows[0]?.text ?? "").matchAll(/'([^']*)'/g)].map((match) => match[1] ?? "").sort();
}

describe("the CHECK lists are the exported unions (decision 4.1)", () => {
  // a member that is missing here, or too many, does not compile
  const statuses = { queued: 0, running: 0, parked: 0, completed: 0, failed: 0, canceled: 0 } satisfies Record<RunStatus, 0>;
  const kinds = { signal: 0, decision: 0, cancel: 0, pause: 0, resume: 0 } satisfies Record<InboxKind, 0>;
  const accesses = { read: 0, write: 0 } satisfies Record<Access, 0>;

  test.each([
    ["event_kind_check", EVENTS],
    ["run_status_check", statuses],
    ["inbox_kind_check", kinds],
    ["lock_rows_access_check", accesses],
  ])("%s", async (constraint, words) => {
    const pool = testPool();
    const schema = freshSchema(pool);
    await migrate(pool, { schema });
    expect(await allowedWords(pool, schema, constraint)).toEqual(Object.keys(words).sort());
  });

  test("and there is no other list", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    await migrate(pool, { schema });
    const { rows } = await pool.query<{ conname: string }>(
      `SELECT k.conname FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
        WHERE n.nspname = $1 AND k.contype = 'c' AND pg_get_constraintdef(k.oid) LIKE '%ARRAY[%' ORDER BY 1`,
      [schema],
    );
    const lists = ["event_kind_check", "inbox_kind_check", "lock_rows_access_check", "run_status_check"];
    expect(rows.map(({ conname }) => conname)).toEqual(lists);
  });
});
