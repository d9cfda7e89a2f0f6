import { expect, test } from "vitest";
import { postgresStores } from "../../src/postgres/postgres-stores.js";
import { inSchema, schemaName } from "../../src/postgres/schema-name.js";
import { applicationName } from "../../src/postgres/session.js";
import { freshSchema, testPool } from "./fresh-schema.js";
import { accounts } from "./lock-process.js";

const END = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1";

test("the janitor sweeps rows of locks whose session has ended, and of workers gone for an hour; the view shows the rest", async () => {
  const pool = testPool();
  const schema = schemaName(freshSchema(pool));
  const open = (owner: string) => postgresStores(pool, { schema: schema.name, migrate: "auto", owner });
  const [dead, living] = [open("dead/1/2/3"), open("living/1/2/3")];
  const worker = { queues: ["mail"], scopes: null, concurrency: 4, active: 1, build: { gitCommit: "c0ffee" } };
  expect(await dead.workers.beat({ ...worker, workerId: "w1", owner: dead.owner }, 35_000)).toEqual({ isJanitor: true });
  expect(await living.workers.beat({ ...worker, workerId: "w2", owner: living.owner }, 35_000)).toEqual({ isJanitor: false });
  const ownerOf = (holder: string) => ({ scope: "default", runId: holder, runbookId: `rb_${holder}` as const, holder });
  await dead.locks.acquire(accounts(["a", "b"]), { deadlineMs: 0, owner: ownerOf(dead.owner) });
  await living.locks.acquire(accounts(["c"]), { deadlineMs: 0, owner: ownerOf(living.owner) });
  expect(await living.workers.sweep()).toEqual({ removed: 0 });
  await pool.query(END, [applicationName(dead.owner)]);
  // its sign of life has not run out, but its session has ended
  expect(await living.workers.beat({ ...worker, workerId: "w2", owner: living.owner }, 35_000)).toEqual({ isJanitor: true });
  expect(await living.workers.sweep()).toEqual({ removed: 2 });
  const rows = await pool.query(inSchema(schema, "SELECT id FROM {{schema}}.lock_rows"));
  expect(rows.rows).toEqual([{ id: "c" }]);
  const back = await pool.query(
    inSchema(schema, "UPDATE {{schema}}.worker_rows SET alive_until = {{schema}}.now_ms() - 3600000 WHERE worker_id = 'w1'"),
  );
  expect(back.rowCount).toBe(1);
  expect(await living.workers.sweep()).toEqual({ removed: 1 });
  const shown = await pool.query(
    inSchema(
      schema,
      "SELECT worker_id, owner, queues, scopes, concurrency, active, build, alive_until - last_seen_at AS term FROM {{schema}}.workers",
    ),
  );
  const { queues, scopes, concurrency, active, build } = worker;
  expect(shown.rows).toEqual([
    {
      worker_id: "w2",
      owner: living.owner,
      queues,
      scopes,
      concurrency,
      active,
      build,
      term: expect.objectContaining({ seconds: 35 }),
    },
  ]);
  for (const stores of [dead, living]) await stores.close();
});
