import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import type { HeldLocks } from "../../src/stores/lock-manager.js";
import type { LockProcessOptions } from "./lock-process.js";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { accounts, LockProcess } from "./lock-process.js";

const schema = `locks ${randomUUID().slice(0, 8)}`;
const url = inject("databaseUrl");
const opened: LockProcess[] = [];
const admin = new Client({ connectionString: url });

const open = (options: Partial<LockProcessOptions> = {}): LockProcess => {
  const process = new LockProcess({ connectionString: url }, { schema, ...options });
  opened.push(process);
  return process;
};

const take = (process: LockProcess, run: string, names: readonly string[], deadlineMs = 0): Promise<HeldLocks> =>
  process.locks.acquire(accounts(names), { deadlineMs, owner: process.ownerOf(run) });

const read = (process: LockProcess, run: string, names: readonly string[], deadlineMs = 0): Promise<HeldLocks> =>
  process.locks.acquire(accounts(names, "read"), { deadlineMs, owner: process.ownerOf(run) });

const locksOf = async (pid: number): Promise<number> => {
  const { rows } = await admin.query<{ n: number }>(
    "SELECT count(*)::integer AS n FROM pg_locks WHERE locktype = 'advisory' AND pid = $1",
    [pid],
  );
  return rows[0]?.n ?? -1;
};

beforeAll(async () => {
  await admin.connect();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((process) => process.close()));
});
afterAll(async () => {
  await admin.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
  await admin.end();
});

describe("advisory locks", () => {
  test("fifty runs of four processes whose write-sets are declared in opposite orders all get through, never two at once, without a deadlock, and who is in the way is named (X.5-8, decision 3.6, reliability row 44)", async () => {
    const processes = [open(), open(), open(), open()];
    const deadlocks = async (): Promise<string> => {
      const { rows } = await admin.query<{ n: string }>(
        "SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()",
      );
      return rows[0]?.n ?? "";
    };
    const before = await deadlocks();
    const inside = new Map<string, string>();
    const named: string[] = [];
    const names = Array.from({ length: 8 }, (_, index) => `crowd-${index}`);
    const work = async (index: number): Promise<void> => {
      const process = processes[index % processes.length];
      if (process === undefined) return;
      const run = `run-${index}`;
      const wanted = names.filter((_, place) => (index * 7 + place) % 3 !== 0);
      const held = await take(process, run, index % 2 === 0 ? wanted : [...wanted].reverse(), 60_000);
      for (const name of wanted) {
        expect(inside.get(name)).toBeUndefined();
        inside.set(name, run);
      }
      const other = processes[(index + 1) % processes.length];
      const told = await take(other ?? process, `probe-${index}`, wanted).catch((error: unknown) => error);
      // whoever was ahead in that process may be named too, as long as it holds what it is said to hold
      named.push(String(Reflect.get(Reflect.get(Object(told), "details") ?? {}, "holder")));
      for (const name of wanted) inside.delete(name);
      await held.release();
    };
    await Promise.all(Array.from({ length: 50 }, (_, index) => work(index)));
    expect(named).toHaveLength(50);
    expect(named.filter((holder) => !/^run-\d+$/.test(holder))).toEqual([]);
    expect(await deadlocks()).toBe(before);
    for (const { session } of processes) expect(await locksOf(session.pid ?? 0)).toBeLessThanOrEqual(2);
  });

  test("readers stand beside each other in and between processes, and a writer waits for all of them (X15)", async () => {
    const [one, two] = [open(), open()];
    const first = await read(one, "r1", ["shared"]);
    const second = await read(two, "r2", ["shared"]);
    await expect(take(one, "w", ["shared"])).rejects.toMatchObject({ code: "lock.contention" });
    const writing = take(two, "w", ["shared"], 60_000);
    await first.release();
    await second.release();
    await (await writing).release();
  });

  test("a second run of the same process waits, although PostgreSQL would give its session the lock again", async () => {
    const process = open();
    const held = await take(process, "r1", ["mine"]);
    await expect(take(process, "r2", ["mine"])).rejects.toMatchObject({
      code: "lock.contention",
      details: { kind: "account", id: "mine", holder: "r1" },
    });
    await held.release();
    await (await take(process, "r2", ["mine"])).release();
  });

  test("contention names run, runbook and process of the holder, from pg_locks, and the time waited (decision 3.8, A-131, A-132)", async () => {
    const [one, two] = [open(), open()];
    const held = await take(one, "r1", ["named", "other"]);
    const refused = await take(two, "r2", ["named"], 30).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "lock.contention", details: { kind: "account", id: "named", holder: "r1" } });
    expect(Reflect.get(Reflect.get(Object(refused), "details"), "waitedMs")).toBeGreaterThanOrEqual(30);
    const [request] = accounts(["named"]);
    expect(await two.locks.holder(request?.key ?? "")).toEqual({
      source: "pg_locks",
      runId: "r1",
      runbookId: "rb_r1",
      holder: one.owner,
    });
    await held.release();
    expect(await two.locks.holder(request?.key ?? "")).toBeUndefined();
  });

  test("a session that the server ends tells every holder at once, and what was held is free (X17, reliability rows 26, 48)", async () => {
    const [one, two] = [open(), open()];
    const held = await Promise.all(["a", "b", "c"].map((name) => take(one, `run-${name}`, [`lost-${name}`])));
    await admin.query("SELECT pg_terminate_backend($1)", [one.session.pid]);
    await eventually("all are told", () => held.every(({ lost }) => lost.aborted));
    await (await take(two, "other", ["lost-a", "lost-b", "lost-c"], 60_000)).release();
    // a late release gives nothing back that is somebody else's, and the next request opens a session anew
    const again = await take(one, "run-a", ["lost-a"], 60_000);
    await held[0]?.release();
    await expect(take(two, "other", ["lost-a"])).rejects.toMatchObject({ details: { holder: "run-a" } });
    await again.release();
    const { rows } = await admin.query(`SELECT * FROM "${schema}".lock_rows`);
    expect(rows).toEqual([]);
  });

  test("nothing stays on the server after close, and the session says whose it is", async () => {
    const process = open({ owner: "host.example/4711/123/nonce" });
    await take(process, "r1", ["closing"]);
    const { pid } = process.session;
    const { rows } = await admin.query("SELECT application_name AS name FROM pg_stat_activity WHERE pid = $1", [pid]);
    expect(rows).toEqual([{ name: "runseal/host.example/4711/123/nonce" }]);
    expect(await locksOf(pid ?? 0)).toBe(3);
    await process.close();
    opened.splice(0);
    await eventually("its locks are gone", async () => (await locksOf(pid ?? 0)) === 0);
  });
});
