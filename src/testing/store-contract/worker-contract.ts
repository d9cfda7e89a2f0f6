import assert from "node:assert/strict";
import type { ContractOutcome } from "./contract-case.js";
import type { Stores } from "../../stores/stores.js";
import type { WorkerRecord, WorkerRegistry } from "../../stores/worker-registry.js";
import { casesOf, NO_CLOCK, NO_KILL } from "./contract-case.js";

const NO_WORKERS: ContractOutcome = { skipped: "these stores keep no list of workers" };

const record = (stores: Stores, name: string, over: Partial<WorkerRecord> = {}): WorkerRecord => ({
  workerId: name,
  owner: stores.owner,
  queues: null,
  scopes: ["default"],
  concurrency: 8,
  active: 0,
  build: { gitCommit: "c0ffee" },
  ...over,
});

const idsOf = async (workers: WorkerRegistry): Promise<string[]> => (await workers.list()).map(({ workerId }) => workerId);

/** `WorkerRegistry`: which workers there are, and which of them cleans up. */
export const workerContract = casesOf("workers", {
  "a worker is listed with what it last said of itself, and is gone when it leaves": async ({ stores }) => {
    const { workers } = stores;
    if (workers === undefined) return NO_WORKERS;
    const now = await stores.leases.now();
    await workers.beat(record(stores, "w1"), 5_000);
    await workers.beat(record(stores, "w1", { active: 3 }), 6_000);
    await workers.beat(record(stores, "w2", { queues: ["a", "b"], scopes: null }), 5_000);
    const [first, second] = await workers.list();
    assert.ok(first && second);
    assert.deepEqual(
      { ...first, startedAt: 0, lastSeenAt: 0, aliveUntil: 0 },
      {
        ...record(stores, "w1", { active: 3 }),
        ...{ startedAt: 0, lastSeenAt: 0, aliveUntil: 0 },
      },
    );
    assert.ok(first.startedAt >= now && first.lastSeenAt >= first.startedAt);
    assert.equal(first.aliveUntil, first.lastSeenAt + 6_000);
    assert.deepEqual([second.queues, second.scopes], [["a", "b"], null]);
    await workers.leave("w1");
    await workers.leave("w1");
    assert.deepEqual(await idsOf(workers), ["w2"]);
    return undefined;
  },
  "the janitor is the one that was there first; who comes later takes over when it leaves or is not heard of": async (env) => {
    const { workers } = env.stores;
    if (workers === undefined) return NO_WORKERS;
    if (env.advance === undefined) return NO_CLOCK;
    const other = await env.openAnother();
    const first = record(env.stores, "w9");
    const second = record(other, "w1");
    const third = record(other, "w2");
    assert.deepEqual(await workers.beat(first, 1_000), { isJanitor: true });
    await env.advance(10);
    assert.deepEqual(await other.workers?.beat(second, 10_000), { isJanitor: false });
    await env.advance(10);
    assert.deepEqual(await workers.beat(third, 10_000), { isJanitor: false });
    await env.advance(1_000);
    assert.deepEqual(await workers.beat(third, 10_000), { isJanitor: false });
    assert.deepEqual(await other.workers?.beat(second, 10_000), { isJanitor: true });
    await workers.leave("w1");
    assert.deepEqual(await workers.beat(third, 10_000), { isJanitor: true });
    // whoever comes back is the one that was there first
    assert.deepEqual(await workers.beat(first, 1_000), { isJanitor: true });
    assert.deepEqual(await workers.beat(third, 10_000), { isJanitor: false });
    return undefined;
  },
  "a process that is known to be gone is no janitor": async (env) => {
    const { workers } = env.stores;
    if (workers === undefined) return NO_WORKERS;
    if (env.kill === undefined) return NO_KILL;
    const other = await env.openAnother();
    assert.deepEqual(await other.workers?.beat(record(other, "w1"), 3_600_000), { isJanitor: true });
    assert.deepEqual(await workers.beat(record(env.stores, "w2"), 3_600_000), { isJanitor: false });
    await env.kill(other);
    assert.deepEqual(await workers.beat(record(env.stores, "w2"), 3_600_000), { isJanitor: true });
    return undefined;
  },
  "sweep forgets workers that have been gone for an hour, and no others": async (env) => {
    const { workers } = env.stores;
    if (workers === undefined) return NO_WORKERS;
    if (env.advance === undefined) return NO_CLOCK;
    await workers.beat(record(env.stores, "w1"), 1_000);
    await workers.beat(record(env.stores, "w2"), 1_001);
    await env.advance(3_600_999);
    assert.deepEqual(await workers.sweep(), { removed: 0 });
    await env.advance(1);
    assert.deepEqual(await workers.sweep(), { removed: 1 });
    assert.deepEqual(await idsOf(workers), ["w2"]);
    return undefined;
  },
});
