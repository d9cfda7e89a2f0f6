import { describe, expect, test } from "vitest";
import type { LockOwner } from "../../src/stores/lock-manager.js";
import type { SqliteStores } from "../../src/sqlite/open-sqlite.js";
import { LOCK_TERM_MS } from "../../src/sqlite/sqlite-lock-table.js";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { sampleRunId } from "../../src/testing/store-contract/sample-run.js";
import { TurnedClock } from "../stores/turned-clock.js";
import { bareConnection } from "./bare-connection.js";
import { openForTest } from "./filled-stores.js";
import { tempFile } from "./temp-file.js";

const REQUEST = { key: "ab".repeat(8), kind: "account", id: "a", access: "write" } as const;
/** An owner on another host: nobody here can tell whether it lives. */
const FOREIGN = "elsewhere/1/1/n";

const ownerOf = (stores: SqliteStores, run: number): LockOwner => ({
  scope: "default",
  runId: sampleRunId(run),
  runbookId: `rb_${"0".repeat(64)}`,
  holder: stores.owner,
});

describe("locks of a process that nobody here can see", () => {
  test("count while they are renewed, and are dead a term after the last renewal", async () => {
    const path = tempFile();
    const clock = new TurnedClock(1_000_000);
    const foreign = openForTest(path, { clock, owner: FOREIGN });
    const here = openForTest(path, { clock });
    const bare = await bareConnection(path);
    await foreign.locks.acquire([REQUEST], { deadlineMs: 0, owner: ownerOf(foreign, 1) });
    const until = (): unknown => bare.prepare("SELECT until FROM runseal_locks").get([])?.["until"];
    for (let renewal = 1; renewal <= 6; renewal += 1) {
      clock.advance(LOCK_TERM_MS / 3);
      const renewed = 1_000_000 + (renewal * LOCK_TERM_MS) / 3 + LOCK_TERM_MS;
      await eventually("the row was renewed", () => until() === renewed);
    }
    await expect(here.locks.acquire([REQUEST], { deadlineMs: 0, owner: ownerOf(here, 2) })).rejects.toMatchObject({
      code: "lock.contention",
      details: { holder: sampleRunId(1) },
    });
    bare.exec(`UPDATE runseal_locks SET until = ${clock.now()}`);
    const held = await here.locks.acquire([REQUEST], { deadlineMs: 0, owner: ownerOf(here, 2) });
    expect((await here.locks.holder(REQUEST.key))?.runId).toBe(sampleRunId(2));
    await held.release();
  });
});

describe("the signal of held locks", () => {
  test("is aborted when their rows are gone", async () => {
    const path = tempFile();
    const clock = new TurnedClock(1_000_000);
    const stores = openForTest(path, { clock });
    const held = await stores.locks.acquire([REQUEST], { deadlineMs: 0, owner: ownerOf(stores, 1) });
    clock.advance(LOCK_TERM_MS / 3);
    const bare = await bareConnection(path);
    bare.exec("DELETE FROM runseal_locks");
    expect(held.lost.aborted).toBe(false);
    await eventually("the loss was noticed", () => {
      clock.advance(LOCK_TERM_MS / 3);
      return held.lost.aborted;
    });
    await held.release();
  });

  test("is aborted when they could not be renewed for a term", async () => {
    const path = tempFile();
    const clock = new TurnedClock(1_000_000);
    const stores = openForTest(path, { clock, busyMs: 10 });
    const held = await stores.locks.acquire([REQUEST], { deadlineMs: 0, owner: ownerOf(stores, 1) });
    const bare = await bareConnection(path);
    bare.exec("BEGIN IMMEDIATE");
    await eventually("the loss was noticed", () => {
      clock.advance(LOCK_TERM_MS / 10);
      return held.lost.aborted;
    });
    bare.exec("COMMIT");
  });

  test("no timer is left when everything was given back", async () => {
    const clock = new TurnedClock(1_000_000);
    const stores = openForTest(tempFile(), { clock });
    const held = await stores.locks.acquire([REQUEST], { deadlineMs: 0, owner: ownerOf(stores, 1) });
    expect(clock.alarms).toBe(1);
    await held.release();
    expect(clock.alarms).toBe(0);
  });
});
