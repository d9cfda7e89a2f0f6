import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import type { HeldLocks } from "../../src/stores/lock-manager.js";
import type { LockProcessOptions } from "./lock-process.js";
import { accounts, LockProcess } from "./lock-process.js";

const schema = `locks_batch_${randomUUID().slice(0, 8)}`;
const url = inject("databaseUrl");
const admin = new Client({ connectionString: url });
const opened: LockProcess[] = [];

const open = (options: Partial<LockProcessOptions> = {}): LockProcess => {
  const process = new LockProcess({ connectionString: url }, { schema, ...options });
  opened.push(process);
  return process;
};
const take = (process: LockProcess, run: string, names: readonly string[], deadlineMs = 0): Promise<HeldLocks> =>
  process.locks.acquire(accounts(names), { deadlineMs, owner: process.ownerOf(run) });
const many = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, index) => `e-${from + index}`);

beforeAll(async () => {
  await admin.connect();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((process) => process.close()));
});
afterAll(async () => {
  await admin.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await admin.end();
});

describe("locks in batches", () => {
  test("thirty-two runs that ask at once cost one statement, and giving all of it back another", async () => {
    const process = open({ session: { connectionString: url, options: "-c track_functions=pl" } });
    await (await take(process, "first", ["first"])).release();
    const held = await Promise.all(
      Array.from({ length: 32 }, (_, index) => take(process, `r${index}`, [`batch-${index}`, `own-${index}`])),
    );
    await Promise.all(held.map((locks) => locks.release()));
    // a backend tells what it counted when it ends, at the latest
    await process.close();
    opened.splice(0);
    const counted = async (): Promise<Record<string, number>> => {
      const { rows } = await admin.query<{ name: string; calls: string }>(
        "SELECT funcname AS name, calls FROM pg_stat_user_functions WHERE schemaname = $1 AND funcname IN ('take_locks', 'give_locks')",
        [schema],
      );
      return Object.fromEntries(rows.map(({ name, calls }) => [name, Number(calls)]));
    };
    await expect.poll(counted, { timeout: 10_000 }).toEqual({ take_locks: 2, give_locks: 2 });
  });

  test("a batch of which one is refused gives the others what they asked for, and keeps nothing of the refused one", async () => {
    const [one, two] = [open(), open()];
    const held = await take(one, "holder", ["x"]);
    const [a, b, c] = await Promise.allSettled([take(two, "a", ["p", "q"]), take(two, "b", ["r", "x"]), take(two, "c", ["s"])]);
    expect([a.status, b.status, c.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(b).toMatchObject({ reason: { code: "lock.contention", details: { id: "x", holder: "holder" } } });
    await (await take(one, "holder-2", ["r"])).release();
    await held.release();
  });

  test("a run above the cap takes stripes, at most 256, and it and runs below the cap keep each other out whatever they name first (decision 3.20, reliability point 6)", async () => {
    const [one, two] = [open(), open()];
    const bulk = await take(one, "bulk", many(0, 1_500));
    const { rows } = await admin.query<{ n: number }>(
      "SELECT count(*)::integer AS n FROM pg_locks WHERE locktype = 'advisory' AND pid = $1",
      [one.session.pid],
    );
    expect(rows[0]?.n).toBeLessThanOrEqual(257);
    for (const process of [one, two]) {
      await expect(take(process, "small", ["e-700"])).rejects.toMatchObject({
        code: "lock.contention",
        details: { kind: "account", id: "e-700", holder: "bulk" },
      });
    }
    const [request] = accounts(["e-3"]);
    expect(await two.locks.holder(request?.key ?? "")).toMatchObject({ source: "pg_locks", runId: "bulk" });
    await bulk.release();
    const small = await take(two, "small", ["e-700"]);
    for (const process of [one, two]) {
      const refused = await take(process, "bulk", many(0, 1_500)).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: "lock.contention", details: { kind: "account", holder: "small" } });
    }
    await small.release();
    await (await take(two, "bulk", many(0, 1_500))).release();
  });

  test("stripes lie within a scope: a bulk run leaves the entities of other scopes alone", async () => {
    const process = open({ stripedAbove: 3 });
    const bulk = await take(process, "bulk", many(0, 2_000));
    const owner = process.ownerOf("small", "tenant-2");
    await (await process.locks.acquire(accounts(["elsewhere"]), { deadlineMs: 0, owner })).release();
    await bulk.release();
  });

  test("a bulk run that waits is not overtaken for ever by small ones of its process", async () => {
    const process = open({ stripedAbove: 3 });
    const order: string[] = [];
    const held = await take(process, "small-1", ["a"]);
    const note = async (name: string, waiting: Promise<HeldLocks>): Promise<void> => {
      const locks = await waiting;
      order.push(name);
      await locks.release();
    };
    const bulk = note("bulk", take(process, "bulk", many(0, 2_000), 30_000));
    const later = note("later", take(process, "later", ["b"], 30_000));
    await held.release();
    await Promise.all([bulk, later]);
    expect(order).toEqual(["bulk", "later"]);
  });

  test("two schemas of one database never wait for each other", async () => {
    const other = `${schema}_2`;
    const [one, two] = [open(), open({ schema: other })];
    const held = await Promise.all([take(one, "r1", ["same"]), take(two, "r2", ["same"])]);
    expect(held).toHaveLength(2);
    await Promise.all(held.map((locks) => locks.release()));
    await admin.query(`DROP SCHEMA ${other} CASCADE`);
  });
});
