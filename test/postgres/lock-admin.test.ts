import { Client } from "pg";
import { afterEach, describe, expect, inject, onTestFinished, test } from "vitest";
import { postgresLocks } from "../../src/postgres/lock-admin.js";
import { accounts, LockProcess } from "./lock-process.js";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { freshSchema, testPool } from "./fresh-schema.js";
import { schemaName } from "../../src/postgres/schema-name.js";

const url = inject("databaseUrl");
const opened: LockProcess[] = [];

const open = (schema: string, owner: string): LockProcess => {
  const process = new LockProcess({ connectionString: url }, { schema, owner });
  opened.push(process);
  return process;
};

afterEach(async () => {
  await Promise.all(opened.splice(0).map((process) => process.close()));
});

describe("postgresLocks", () => {
  test("lists what is held: on whose behalf, by which process and session, since when, which entities", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    const process = open(schema, "host/1/2/three");
    const admin = postgresLocks(pool, { schema });
    const before = Date.now();
    const first = await process.locks.acquire(accounts(["b", "a"]), { deadlineMs: 0, owner: process.ownerOf("r1") });
    await process.locks.acquire(accounts(["c"], "read"), { deadlineMs: 0, owner: process.ownerOf("r2") });
    const listed = await admin.list();
    expect(listed.map(({ since: _since, heldMs: _heldMs, ...rest }) => rest)).toEqual([
      {
        scope: "default",
        runId: "r1",
        runbookId: "rb_r1",
        holder: "host/1/2/three",
        pid: process.session.pid,
        applicationName: "runseal/host/1/2/three",
        isStriped: false,
        entities: ["a", "b"].map((id) => ({ kind: "account", id, access: "write" })),
      },
      {
        scope: "default",
        runId: "r2",
        runbookId: "rb_r2",
        holder: "host/1/2/three",
        pid: process.session.pid,
        applicationName: "runseal/host/1/2/three",
        isStriped: false,
        entities: [{ kind: "account", id: "c", access: "read" }],
      },
    ]);
    expect(Math.abs((listed[0]?.since ?? 0) - before)).toBeLessThan(10_000);
    expect(listed[0]?.heldMs).toBeGreaterThanOrEqual(0);
    await first.release();
    expect((await admin.list()).map(({ runId }) => runId)).toEqual(["r2"]);
  });

  test("frees the locks of a stuck process, which is told that it lost them; one that holds none is none of its business", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    const process = open(schema, "stuck/1/2/3");
    const held = await process.locks.acquire(accounts(["a", "b"]), { deadlineMs: 0, owner: process.ownerOf("r1") });
    const admin = postgresLocks(pool, { schema });
    expect(await admin.release("somebody/else")).toEqual({ locks: 0 });
    expect(await admin.release("stuck/1/2/3")).toEqual({ locks: 2 });
    expect(await admin.list()).toEqual([]);
    await eventually("the holder is told", () => held.lost.aborted);
  });

  test("refuses while the process drives a run (lease.held), and to end a session that is none of ours (lock.not_ours)", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    const ask = (text: string, values: unknown[] = []) =>
      pool.query(text.replaceAll("{{schema}}", schemaName(schema).quoted), values);
    const process = open(schema, "alive/1/2/3");
    await process.locks.acquire(accounts(["a"]), { deadlineMs: 0, owner: process.ownerOf("r1") });
    const admin = postgresLocks(pool, { schema });
    await ask("INSERT INTO {{schema}}.streams (scope, stream) VALUES ('default', 'run/r1')");
    await ask(`INSERT INTO {{schema}}.heads (id, scope, stream, epoch, owner, lease_until)
      SELECT id, scope, stream, 1, 'alive/1/2/3', {{schema}}.now_ms() + 60000 FROM {{schema}}.streams`);
    await expect(admin.release("alive/1/2/3")).rejects.toMatchObject({
      code: "lease.held",
      details: { runId: "r1", owner: "alive/1/2/3" },
    });
    await ask("UPDATE {{schema}}.heads SET lease_until = {{schema}}.now_ms() - 1");
    const stranger = new Client({ connectionString: url, application_name: "psql" });
    await stranger.connect();
    onTestFinished(() => stranger.end());
    const { rows } = await stranger.query<{ pid: number }>(
      "SELECT pg_backend_pid() AS pid, pg_advisory_lock(5), pg_advisory_lock(4711)",
    );
    await ask(
      `INSERT INTO {{schema}}.lock_rows SELECT 4711, 1, 5, 6, false, $1, 0, 0, 'write', 'default', 'r9', 'rb_9', 'alive/1/2/3', 'account', 'z'`,
      [rows[0]?.pid],
    );
    await expect(admin.release("alive/1/2/3")).rejects.toMatchObject({
      code: "lock.not_ours",
      details: { applicationName: "psql" },
    });
    expect((await admin.list()).map(({ runId }) => runId)).toEqual(["r9", "r1"]);
  });
});
