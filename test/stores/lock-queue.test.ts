import { describe, expect, test } from "vitest";
import { RunsealError } from "../../src/errors/error.js";
import type { LockOwner, LockRequest } from "../../src/stores/lock-manager.js";
import { LockQueue, locksClash, type LockBlocker, type LockTable } from "../../src/stores/lock-queue.js";
import { memoryStores } from "../../src/stores/memory/memory-stores.js";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { TurnedClock } from "./turned-clock.js";

const request = (id: string, access: "read" | "write" = "write"): LockRequest => ({
  key: id.repeat(16),
  kind: "account",
  id,
  access,
});
const ownerOf = (runId: string): LockOwner => ({ scope: "default", runId, runbookId: "rb_1", holder: "me" });
const blockedBy = (runId: string): LockBlocker => ({
  request: request("a"),
  holder: { source: "memory", runId, runbookId: null, holder: null },
});

/** A table that answers as it is told. */
class ScriptedTable implements LockTable {
  readonly given: number[] = [];
  answer: () => Promise<LockBlocker | undefined> = async () => undefined;
  giving: () => Promise<void> = async () => undefined;

  async take(): Promise<LockBlocker | undefined> {
    return this.answer();
  }

  async give(grant: number): Promise<void> {
    await this.giving();
    this.given.push(grant);
  }

  list(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }

  async holder(): Promise<undefined> {
    return undefined;
  }
}

function queue(pollMs?: () => number): { table: ScriptedTable; clock: TurnedClock; locks: LockQueue } {
  const table = new ScriptedTable();
  const clock = new TurnedClock(0);
  const locks = new LockQueue({ table, clock, ...(pollMs === undefined ? {} : { pollMs }) });
  return { table, clock, locks };
}

const refusal = new RunsealError("store.busy", "busy", { waitedMs: 1 });

describe("LockQueue", () => {
  test("rejects who asks when the table fails, and serves the next", async () => {
    const { table, locks } = queue();
    table.answer = async () => Promise.reject(refusal);
    await expect(locks.acquire([request("a")], { deadlineMs: 100, owner: ownerOf("r1") })).rejects.toBe(refusal);
    table.answer = async () => undefined;
    const held = await locks.acquire([request("a")], { deadlineMs: 0, owner: ownerOf("r2") });
    expect(held.waitedMs).toBe(0);
  });

  test("a release that failed can be made again", async () => {
    const { table, locks } = queue();
    const held = await locks.acquire([request("a")], { deadlineMs: 0, owner: ownerOf("r1") });
    table.giving = async () => Promise.reject(refusal);
    await expect(held.release()).rejects.toBe(refusal);
    table.giving = async () => undefined;
    await held.release();
    await held.release();
    expect(table.given).toHaveLength(1);
  });

  test("gives back what arrived after its wait was called off", async () => {
    const { table, locks } = queue();
    const controller = new AbortController();
    const pending: { resolve?: () => void } = {};
    table.answer = () => new Promise((resolve) => (pending.resolve = () => resolve(undefined)));
    const waiting = locks.acquire([request("a")], { deadlineMs: 100, owner: ownerOf("r1"), signal: controller.signal });
    await eventually("the table was asked", () => pending.resolve !== undefined);
    controller.abort(refusal);
    await expect(waiting).rejects.toBe(refusal);
    pending.resolve?.();
    await eventually("the locks went back", () => table.given.length === 1);
  });

  test("asks the table again by the poll, as another process tells nobody what it gave back", async () => {
    const { table, clock, locks } = queue(() => 7);
    table.answer = async () => blockedBy("other");
    const state = { isDone: false };
    const waiting = locks.acquire([request("a")], { deadlineMs: 100, owner: ownerOf("r1") }).then((held) => {
      state.isDone = true;
      return held;
    });
    await eventually("the table has been asked", async () => {
      clock.advance(7);
      table.answer = async () => undefined;
      await Promise.resolve();
      return state.isDone;
    });
    expect((await waiting).waitedMs).toBeLessThan(100);
  });

  test("names the entity and its holder past the deadline, and who is ahead where the table was not asked", async () => {
    const { table, clock, locks } = queue();
    table.answer = async () => blockedBy("other");
    const first = locks.acquire([request("a")], { deadlineMs: 50, owner: ownerOf("r1") });
    const second = locks.acquire([request("a", "read")], { deadlineMs: 20, owner: ownerOf("r2") });
    const state = { isDone: false };
    const outcome = Promise.allSettled([first, second]).finally(() => {
      state.isDone = true;
    });
    await eventually("both deadlines have passed", () => {
      clock.advance(10);
      return state.isDone;
    });
    for (const result of await outcome) {
      expect(result).toMatchObject({
        status: "rejected",
        reason: { code: "lock.contention", details: { kind: "account", id: "a", holder: "other" } },
      });
    }
  });

  test("tells every holder when its locks are lost, and no one whose locks were given back", async () => {
    const { locks } = queue();
    const [kept, returned] = await Promise.all(
      ["r1", "r2"].map((run) => locks.acquire([request(run)], { deadlineMs: 0, owner: ownerOf(run) })),
    );
    await returned?.release();
    locks.lose();
    expect([kept?.lost.aborted, returned?.lost.aborted]).toEqual([true, false]);
  });

  test("rejects everybody who waits when it closes", async () => {
    const { table, locks } = queue();
    table.answer = async () => blockedBy("other");
    const waiting = locks.acquire([request("a")], { deadlineMs: 1000, owner: ownerOf("r1") });
    locks.close(refusal);
    await expect(waiting).rejects.toBe(refusal);
  });

  test("a run that holds something goes ahead of those that wait for it, or neither would go on", async () => {
    const { clock } = queue();
    const stores = memoryStores({ clock });
    const holder = await stores.locks.acquire([request("a")], { deadlineMs: 0, owner: ownerOf("r1") });
    const both = stores.locks.acquire([request("a"), request("b")], { deadlineMs: 1_000, owner: ownerOf("r2") });
    const late = await stores.locks.acquire([request("b")], { deadlineMs: 1_000, owner: ownerOf("r1") });
    expect(late.waitedMs).toBe(0);
    await late.release();
    await holder.release();
    expect((await both).requests).toHaveLength(2);
  });
});

test("two locks on a key clash unless both are shared", () => {
  const pairs = (["read", "write"] as const).flatMap((a) => (["read", "write"] as const).map((b) => [a, b] as const));
  expect(pairs.map(([a, b]) => locksClash(request("x", a), request("x", b)))).toEqual([false, true, true, true]);
});
