import type { Pool } from "pg";
import { describe, expect, test } from "vitest";
import type { DueQuery } from "../../src/stores/event-store.js";
import type { Stores } from "../../src/stores/stores.js";
import { dueText, nextWakeText } from "../../src/postgres/due-text.js";
import { postgresStores } from "../../src/postgres/postgres-stores.js";
import { inSchema, schemaName } from "../../src/postgres/schema-name.js";
import { Values } from "../../src/postgres/statements.js";
import { SampleRun } from "../../src/testing/store-contract/sample-run.js";
import { freshSchema, testPool } from "./fresh-schema.js";

interface Opened {
  readonly pool: Pool;
  readonly open: () => Stores;
  readonly ask: (sql: string, values?: unknown[]) => Promise<readonly Record<string, unknown>[]>;
}

function openSchema(): Opened {
  const pool = testPool({ max: 24 });
  const schema = schemaName(freshSchema(pool));
  return {
    pool,
    open: () => postgresStores(pool, { schema: schema.name, migrate: "auto" }),
    ask: async (sql, values = []) => (await pool.query<Record<string, unknown>>(inSchema(schema, sql), values)).rows,
  };
}

/** Ten thousand runs of one queue in one state, `many` after those that are there. */
const FILL = `WITH named AS (
    INSERT INTO {{schema}}.streams (scope, stream) SELECT 'default', 'run/' || $1::text || lpad(n::text, 8, '0') FROM generate_series(1, 10000) n
    RETURNING id, scope, stream
  ), logged AS (
    INSERT INTO {{schema}}.event_rows (stream_id, at, seq, epoch, v, kind, payload_digest, hash, payload)
    SELECT id, 0, 1, 0, 1, 'run.submitted', sha256('p'), sha256('h'), '{}' FROM named
  )
  INSERT INTO {{schema}}.heads (id, scope, stream, epoch, status, wake_at, runbook_id, requires, queue, priority, labels, submitted_at,
    owner, lease_until)
  SELECT id, scope, stream, 0, $1::text, $2::bigint, 'rb', '["c1"]', 'default', id % 5, '{}', 0, $3::text, $4::bigint FROM named`;

async function filled(): Promise<Opened & { readonly stores: Stores }> {
  const opened = openSchema();
  const stores = opened.open();
  const now = await stores.leases.now();
  await opened.ask(FILL, ["queued", 0, null, null]);
  await opened.ask(FILL, ["parked", now + 3_600_000, null, null]);
  await opened.ask(FILL, ["completed", null, null, null]);
  await opened.ask(FILL, ["running", null, "dead", now - 1]);
  return { ...opened, stores };
}

/** Rows that the scans of the table gave and threw away, all loops counted. */
function rowsRead(plan: string): number {
  const scans = [...plan.matchAll(/on heads \w+ \(actual rows=([\d.]+) loops=(\d+)\)/g)];
  const thrown = [...plan.matchAll(/Rows Removed by (?:Filter|Index Recheck): (\d+)/g)];
  const given = scans.reduce((sum, [, rows, loops]) => sum + Number(rows) * Number(loops), 0);
  return given + thrown.reduce((sum, [, rows]) => sum + Number(rows), 0);
}

describe("due among ten thousand runs in each state", () => {
  test.each(["before", "after"])("reads no more rows than it was asked for, through indexes, %s statistics", async (when) => {
    const { ask, stores } = await filled();
    if (when === "after") await ask("ANALYZE {{schema}}.heads");
    const all = { scope: null, queues: null, limit: 50 };
    const queries: readonly DueQuery[] = [
      all,
      { ...all, scope: "default" },
      { ...all, scope: ["default", "other"], queues: ["default", "slow"], serves: ["c1", "c2"], after: "a" },
      { ...all, states: ["queued"] },
    ];
    const explain = async (text: string, values: Values): Promise<string> => {
      const lines = await ask(`EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ${text}`, [...values.all]);
      return lines.map((line) => String(line["QUERY PLAN"])).join("\n");
    };
    for (const query of queries) {
      const [due, wake] = [new Values(), new Values()];
      const plans = [await explain(dueText(query, due), due), await explain(nextWakeText(query, wake), wake)];
      for (const plan of plans) expect(plan).not.toContain("Seq Scan on heads");
      const read = plans.map(rowsRead);
      expect(read[0]).toBeGreaterThan(0);
      if (when === "after") expect(Math.max(...read)).toBeLessThan(1000);
      expect(await stores.runs.due(query)).toHaveLength(50);
    }
  });
});

describe("due while others work", () => {
  test("passes over a run that another transaction holds, and tells of it again", async () => {
    const { open, pool, ask } = openSchema();
    const stores = open();
    const runs = [1, 2].map((number) => new SampleRun(number));
    for (const run of runs) await run.submit(stores);
    const query = { scope: null, queues: null, limit: 1 };
    const due = async (): Promise<unknown> => (await stores.runs.due(query)).map(({ stream }) => stream);
    const [first, second] = runs;
    const [{ table } = { table: "" }] = await ask("SELECT '{{schema}}.heads'::regclass::text AS table");
    const client = await pool.connect();
    await client.query("BEGIN");
    await client.query(`SELECT 1 FROM ${String(table)} WHERE stream = $1 FOR UPDATE`, [first?.stream]);
    expect(await due()).toEqual([second?.stream]);
    await client.query("ROLLBACK");
    client.release();
    expect(await due()).toEqual([first?.stream]);
  });

  test("ten workers at once, each beginning anywhere among equals, take two hundred runs, each once, and seldom want the same", async () => {
    const { open } = openSchema();
    const [submitter, ...workers] = Array.from({ length: 11 }, open);
    const runs = new Map(Array.from({ length: 200 }, (_, number) => new SampleRun(number)).map((run) => [run.stream, run]));
    for (const run of runs.values()) await run.submit(submitter ?? expect.fail());
    const counts = { committed: 0, refused: 0 };
    const work = async (stores: Stores): Promise<void> => {
      for (;;) {
        const heads = await stores.runs.due({ scope: null, queues: null, limit: 50 });
        const head = heads[Math.floor(Math.random() * heads.length)];
        if (head === undefined) return;
        const run = runs.get(head.stream as `run/${string}`) ?? expect.fail();
        const { kind } = await stores.events.commit([run.claim(stores)]);
        counts[kind === "committed" ? "committed" : "refused"] += 1;
      }
    };
    await Promise.all(workers.map(work));
    process.stdout.write(`due: ${counts.refused} claims refused for ${counts.committed} taken by ten workers\n`);
    expect(counts.committed).toBe(200);
    expect(counts.refused).toBeLessThan(100);
  });
});
