import assert from "node:assert/strict";
import type { HeldLocks, LockOwner, LockRequest } from "../../stores/lock-manager.js";
import type { Stores } from "../../stores/stores.js";
import type { ContractEnv } from "./contract-case.js";
import { isRunsealError, RunsealError } from "../../errors/error.js";
import { casesOf, eventually, locksOf, NO_KILL, NO_LOCKS, settled } from "./contract-case.js";
import { SAMPLE_RUNBOOK, sampleRunId } from "./sample-run.js";

const PATIENT_MS = 60_000;

const ownerOf = (stores: Stores, run: number): LockOwner => ({
  scope: "default",
  runId: sampleRunId(run),
  runbookId: SAMPLE_RUNBOOK,
  holder: stores.owner,
});

const lock = (name: string, access: "read" | "write" = "write"): LockRequest => ({
  key: Buffer.from(name.padEnd(8, ".")).toString("hex"),
  kind: "account",
  id: name,
  access,
});

/** Acquires for a run, trying once unless told to wait. */
const take = (stores: Stores, run: number, requests: readonly LockRequest[], deadlineMs = 0): Promise<HeldLocks> =>
  locksOf(stores).acquire(requests, { deadlineMs, owner: ownerOf(stores, run) });

async function refused(env: ContractEnv, attempt: Promise<HeldLocks>, id: string, holderRun: number): Promise<void> {
  const result = await settled(env, attempt);
  assert.equal(result.status, "rejected", "the locks were given");
  const error: unknown = result.reason;
  assert.ok(isRunsealError(error, "lock.contention"), String(error));
  assert.deepEqual([error.details.kind, error.details.id, error.details.holder], ["account", id, sampleRunId(holderRun)]);
}

/** A deed that needs locks, with a second process. */
const withLocks = (deed: (env: ContractEnv, other: Stores) => Promise<void>) => async (env: ContractEnv) => {
  if (env.stores.locks === undefined) return NO_LOCKS;
  await deed(env, await env.openAnother());
  return undefined;
};

/** `LockManager`: locks on entities, between runs of one process and of several. */
export const lockContract = casesOf("locks", {
  "an exclusive lock keeps other runs out, in this process and in others, and the error names who has it (A-131)": withLocks(
    async (env, other) => {
      const held = await take(env.stores, 1, [lock("a")]);
      for (const stores of [env.stores, other]) {
        await refused(env, take(stores, 2, [lock("a")]), "a", 1);
        await refused(env, take(stores, 2, [lock("a", "read")]), "a", 1);
      }
      await held.release();
      await (await take(other, 2, [lock("a")])).release();
    },
  ),
  "shared locks stand beside each other and keep an exclusive one out": withLocks(async (env, other) => {
    const first = await take(env.stores, 1, [lock("a", "read")]);
    const second = await take(other, 2, [lock("a", "read")]);
    await first.release();
    await refused(env, take(env.stores, 3, [lock("a")]), "a", 2);
    await second.release();
    await (await take(env.stores, 3, [lock("a")])).release();
  }),
  "acquire takes all or none": withLocks(async (env, other) => {
    const held = await take(env.stores, 1, [lock("b")]);
    await refused(env, take(other, 2, [lock("a"), lock("b"), lock("c")]), "b", 1);
    await (await take(env.stores, 3, [lock("a"), lock("c")])).release();
    await held.release();
    const all = await take(other, 2, [lock("a"), lock("b"), lock("c")]);
    assert.deepEqual(
      all.requests.map(({ id }) => id),
      ["a", "b", "c"],
    );
    await all.release();
  }),
  "past the deadline acquire throws lock.contention with the time waited (A-132)": withLocks(async (env) => {
    const held = await take(env.stores, 1, [lock("a")]);
    const result = await settled(env, take(env.stores, 2, [lock("a")], 60));
    assert.equal(result.status, "rejected");
    const error: unknown = result.reason;
    assert.ok(isRunsealError(error, "lock.contention"));
    assert.ok(error.details.waitedMs >= 60, `waited ${error.details.waitedMs}`);
    await held.release();
  }),
  "who waits gets the locks when they are given back, in this process and from another": withLocks(async (env, other) => {
    for (const giver of [env.stores, other]) {
      const held = await take(giver, 1, [lock("a")]);
      const waiting = take(env.stores, 2, [lock("a")], PATIENT_MS);
      await held.release();
      const got = await settled(env, waiting);
      assert.equal(got.status, "fulfilled");
      assert.ok(got.value.waitedMs >= 0);
      await got.value.release();
    }
  }),
  "first come, first served inside a process: a crowd of readers does not starve a writer": withLocks(async (env) => {
    const order: string[] = [];
    const held = await take(env.stores, 1, [lock("a", "read")]);
    const noted = (name: string, waiting: Promise<HeldLocks>): Promise<void> =>
      waiting.then(async (locks) => {
        order.push(name);
        await locks.release();
      });
    const writer = noted("writer", take(env.stores, 2, [lock("a")], PATIENT_MS));
    const readers = [3, 4].map((run) => noted(`reader ${run}`, take(env.stores, run, [lock("a", "read")], PATIENT_MS)));
    const apart = await take(env.stores, 5, [lock("b")]);
    await held.release();
    await settled(env, Promise.all([writer, ...readers]));
    assert.equal(order[0], "writer");
    assert.equal(order.length, 3);
    await apart.release();
  }),
  "a run that asks for a key that it already holds gets it, and keeps it until both are given back": withLocks(
    async (env, other) => {
      const outer = await take(env.stores, 1, [lock("a", "read"), lock("b")]);
      const waiting = take(env.stores, 2, [lock("a")], PATIENT_MS);
      const inner = await take(env.stores, 1, [lock("a"), lock("b", "read")]);
      await inner.release();
      await refused(env, take(other, 3, [lock("b")]), "b", 1);
      await outer.release();
      const got = await settled(env, waiting);
      assert.equal(got.status, "fulfilled");
      await got.value.release();
    },
  ),
  "a run of the same id in another scope is another run": withLocks(async (env) => {
    const held = await take(env.stores, 1, [lock("a")]);
    const owner = { ...ownerOf(env.stores, 1), scope: "other" };
    await refused(env, locksOf(env.stores).acquire([lock("a")], { deadlineMs: 0, owner }), "a", 1);
    await held.release();
  }),
  "release gives everything back once; a second call does nothing": withLocks(async (env, other) => {
    const first = await take(env.stores, 1, [lock("a"), lock("b")]);
    await first.release();
    const second = await take(env.stores, 1, [lock("a"), lock("b")]);
    await first.release();
    await refused(env, take(other, 2, [lock("a")]), "a", 1);
    await second.release();
    await (await take(other, 2, [lock("a"), lock("b")])).release();
  }),
  "an aborted signal ends the wait, and what was asked for stays free": withLocks(async (env, other) => {
    const held = await take(env.stores, 1, [lock("a")]);
    const controller = new AbortController();
    const options = { deadlineMs: PATIENT_MS, owner: ownerOf(env.stores, 2), signal: controller.signal };
    const waiting = locksOf(env.stores).acquire([lock("a"), lock("b")], options);
    controller.abort(new RunsealError("run.invalid_option", "no longer wanted", { option: "signal" }));
    await assert.rejects(waiting, { message: "no longer wanted" });
    await assert.rejects(locksOf(env.stores).acquire([lock("c")], options), { message: "no longer wanted" });
    await held.release();
    await (await take(other, 3, [lock("a"), lock("b"), lock("c")])).release();
  }),
  "holder tells who has a key, and from where that is known": withLocks(async (env, other) => {
    const { key } = lock("a");
    assert.equal(await locksOf(other).holder(key), undefined);
    const held = await take(env.stores, 1, [lock("a")]);
    const holder = await locksOf(other).holder(key);
    assert.deepEqual([holder?.runId, holder?.runbookId, holder?.holder], [sampleRunId(1), SAMPLE_RUNBOOK, env.stores.owner]);
    assert.ok(holder?.source !== undefined && holder.source !== "unknown");
    await held.release();
    await eventually("the key is free", async () => (await locksOf(other).holder(key)) === undefined);
  }),
  "locks of stores that were closed are free": withLocks(async (env, other) => {
    await take(other, 1, [lock("a")]);
    const waiting = take(env.stores, 2, [lock("a")], PATIENT_MS);
    await other.close();
    const got = await settled(env, waiting);
    assert.equal(got.status, "fulfilled");
    await got.value.release();
  }),
  "locks of a process that is gone are free": async (env) => {
    if (env.stores.locks === undefined) return NO_LOCKS;
    if (env.kill === undefined) return NO_KILL;
    const other = await env.openAnother();
    await take(other, 1, [lock("a"), lock("b", "read")]);
    await refused(env, take(env.stores, 2, [lock("a")]), "a", 1);
    await env.kill(other);
    const got = await settled(env, take(env.stores, 2, [lock("a"), lock("b")], PATIENT_MS));
    assert.equal(got.status, "fulfilled");
    await got.value.release();
    return undefined;
  },
  "fifty runs over the same five entities all get through, never two at once (X.5-8)": withLocks(async (env, other) => {
    const inside = new Map<string, number>();
    let most = 0;
    const work = async (run: number): Promise<void> => {
      const names = ["a", "b", "c", "d", "e"].filter((_, index) => (run + index) % 3 !== 0);
      const held = await take(
        run % 2 === 0 ? env.stores : other,
        run,
        names.map((name) => lock(name)),
        PATIENT_MS,
      );
      for (const name of names) inside.set(name, (inside.get(name) ?? 0) + 1);
      most = Math.max(most, ...inside.values());
      await Promise.resolve();
      for (const name of names) inside.set(name, (inside.get(name) ?? 0) - 1);
      await held.release();
    };
    const all = await settled(env, Promise.all(Array.from({ length: 50 }, (_, run) => work(run))));
    assert.equal(all.status, "fulfilled");
    assert.equal(most, 1);
  }),
  "the signal of held locks is not aborted while they can be relied on": withLocks(async (env) => {
    const held = await take(env.stores, 1, [lock("a")]);
    assert.equal(held.lost.aborted, false);
    await held.release();
    assert.equal(held.lost.aborted, false);
  }),
});
