import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { BuiltProcess } from "../kill/built-process.js";
import { accounts, LockProcess } from "./lock-process.js";
import { startTcpProxy } from "./tcp-proxy.js";

const schema = `locks_death_${randomUUID().slice(0, 8)}`;
const url = inject("databaseUrl");
const victims = new BuiltProcess("lock-victim", import.meta.dirname);

beforeAll(() => victims.build());
afterAll(async () => {
  victims.remove();
  const admin = new Client({ connectionString: url });
  await admin.connect();
  await admin.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
  await admin.end();
});

describe("locks of the dead", () => {
  test("a process that is killed with kill -9 leaves nothing locked, and its rows are forgotten (reliability rows 12, 48)", async () => {
    const process = new LockProcess({ connectionString: url }, { schema });
    const { child, said, end } = victims.start([url, schema, "a", "b"]);
    await eventually("the victim holds its locks", () => said().includes("held"));
    const refused = await process.locks
      .acquire(accounts(["a"]), { deadlineMs: 0, owner: process.ownerOf("r1") })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "lock.contention", details: { holder: "victim" } });
    child.kill("SIGKILL");
    expect((await end).signal).toBe("SIGKILL");
    const held = await process.locks.acquire(accounts(["a", "b"]), { deadlineMs: 15_000, owner: process.ownerOf("r1") });
    // the server sees the socket close at once
    expect(held.waitedMs).toBeLessThan(10_000);
    await held.release();
    await process.close();
    const next = new LockProcess({ connectionString: url }, { schema });
    await (await next.locks.acquire(accounts(["c"]), { deadlineMs: 0, owner: next.ownerOf("r2") })).release();
    const { rows } = await next.pool.query(`SELECT run_id FROM ${schema}.lock_rows`);
    expect(rows).toEqual([]);
    await next.close();
  });

  test("a connection that is cut tells its holders, and the next request has a session again (reliability row 26)", async () => {
    await using proxy = await startTcpProxy(Number(new URL(url).port));
    const through = new URL(url);
    through.port = String(proxy.port);
    const process = new LockProcess({ connectionString: url }, { schema, session: { connectionString: through.href } });
    const held = await process.locks.acquire(accounts(["cut"]), { deadlineMs: 0, owner: process.ownerOf("r1") });
    const former = process.session.pid;
    proxy.cut();
    await eventually("the holder is told", () => held.lost.aborted);
    const again = await process.locks.acquire(accounts(["cut"]), { deadlineMs: 15_000, owner: process.ownerOf("r2") });
    expect(process.session.pid).not.toBe(former);
    await again.release();
    await process.close();
  });

  test("a connection that goes silent is given up within heartbeat and statement time, and the session left on the server is ended by the next one (reliability row 28)", async () => {
    await using proxy = await startTcpProxy(Number(new URL(url).port));
    const through = new URL(url);
    through.port = String(proxy.port);
    const process = new LockProcess(
      { connectionString: url },
      { schema, session: { connectionString: through.href }, statementMs: 300 },
    );
    const held = await process.locks.acquire(accounts(["silent"]), { deadlineMs: 0, owner: process.ownerOf("r1") });
    proxy.blackHole(true);
    await eventually("the holder is told", () => held.lost.aborted);
    proxy.blackHole(false);
    const again = await process.locks.acquire(accounts(["silent"]), { deadlineMs: 15_000, owner: process.ownerOf("r2") });
    await again.release();
    await process.close();
  });
});
