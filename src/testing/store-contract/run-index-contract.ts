import assert from "node:assert/strict";
import type { RunFilter } from "../../stores/event-store.js";
import type { Stores } from "../../stores/stores.js";
import type { StreamHead } from "../../model/run.js";
import { casesOf, NO_CLOCK, NO_KILL } from "./contract-case.js";
import { parked, runCompleted, SAMPLE_LEASE_MS, SAMPLE_RUNBOOK, SampleRun, sampleRunId } from "./sample-run.js";

const ANY = { scope: null, queues: null };

const idsOf = (heads: readonly StreamHead[]): (number | undefined)[] =>
  heads.map(({ run }) => (run === null ? undefined : Number(run.runId.slice(-12))));

const due = async (stores: Stores, over: { scope?: string; queues?: string[]; limit?: number } = {}): Promise<unknown> =>
  idsOf(await stores.runs.due({ ...ANY, limit: 100, ...over }));

async function parkedRun(stores: Stores, number: number, until: number | null): Promise<SampleRun> {
  const run = new SampleRun(number);
  await run.submit(stores);
  await run.start(stores);
  await run.commit(stores, [parked(until)]);
  return run;
}

/** `RunIndex`: finding runs by their heads. */
export const runIndexContract = casesOf("runs", {
  "list gives heads of runs, newest run id first, and continues after one": async ({ stores }) => {
    for (const number of [2, 1, 4, 3]) await new SampleRun(number).submit(stores);
    assert.deepEqual(idsOf(await stores.runs.list("default", {})), [4, 3, 2, 1]);
    assert.deepEqual(idsOf(await stores.runs.list("default", { limit: 2 })), [4, 3]);
    assert.deepEqual(idsOf(await stores.runs.list("default", { limit: 2, after: sampleRunId(3) })), [2, 1]);
    assert.deepEqual(idsOf(await stores.runs.list("default", { after: sampleRunId(1) })), []);
  },
  "every member of a filter narrows": async ({ stores }) => {
    const other = `rb_${"0".repeat(64)}` as const;
    await new SampleRun(1).submit(stores, { queue: "slow", dedupKey: "k" });
    await new SampleRun(2).submit(stores, { runbookId: other, parent: sampleRunId(1) });
    const run = new SampleRun(3);
    await run.submit(stores, { uses: "once" });
    await run.start(stores);
    const listed = async (filter: RunFilter): Promise<unknown> => idsOf(await stores.runs.list("default", filter));
    assert.deepEqual(await listed({ status: ["queued"] }), [2, 1]);
    assert.deepEqual(await listed({ status: ["running", "queued"] }), [3, 2, 1]);
    assert.deepEqual(await listed({ status: [] }), []);
    assert.deepEqual(await listed({ runbookId: other }), [2]);
    assert.deepEqual(await listed({ queue: "slow" }), [1]);
    assert.deepEqual(await listed({ dedupKey: "k" }), [1]);
    assert.deepEqual(await listed({ useKey: `once:${SAMPLE_RUNBOOK}` }), [3]);
    assert.deepEqual(await listed({ parent: sampleRunId(1) }), [2]);
    assert.deepEqual(await listed({ queue: "default", runbookId: SAMPLE_RUNBOOK, status: ["running"] }), [3]);
    assert.deepEqual(await listed({ queue: "slow", runbookId: other }), []);
  },
  "due gives queued runs by priority, higher first, then run id": async ({ stores }) => {
    const priorities = [0, 5, 0, 5, -1];
    for (const [number, priority] of priorities.entries()) await new SampleRun(number).submit(stores, { priority });
    assert.deepEqual(await due(stores), [1, 3, 0, 2, 4]);
    assert.deepEqual(await due(stores, { limit: 2 }), [1, 3]);
  },
  "due looks into the queues and the scope it is asked about": async ({ stores }) => {
    await new SampleRun(1).submit(stores, { queue: "slow" });
    await new SampleRun(2).submit(stores, { queue: "fast" });
    await new SampleRun(3, "other").submit(stores, { queue: "slow" });
    assert.deepEqual(await due(stores), [1, 3, 2]);
    assert.deepEqual(await due(stores, { queues: ["slow"] }), [1, 3]);
    assert.deepEqual(await due(stores, { queues: ["slow"], scope: "default" }), [1]);
    assert.deepEqual(await due(stores, { queues: ["fast", "slow"], scope: "default" }), [1, 2]);
    assert.deepEqual(await due(stores, { queues: [] }), []);
  },
  "a living owner's run is never due, nor one that has ended or waits for a signal": async ({ stores, openAnother }) => {
    const other = await openAnother();
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.start(stores);
    const ended = new SampleRun(2);
    await ended.submit(stores);
    await ended.start(stores);
    await ended.commit(stores, [runCompleted]);
    await parkedRun(stores, 3, null);
    await stores.inbox.put({ scope: "default", runId: run.runId, key: "k", kind: "signal", payload: 1 });
    assert.deepEqual(await due(stores), []);
    assert.deepEqual(await due(other), []);
  },
  "a parked run is due when its wakeAt has come, or a message waits": async ({ stores }) => {
    const now = await stores.leases.now();
    await parkedRun(stores, 1, now);
    await parkedRun(stores, 2, now + 3_600_000);
    const signaled = await parkedRun(stores, 3, null);
    await stores.inbox.put({ scope: "default", runId: signaled.runId, key: "k", kind: "signal", payload: 1 });
    assert.deepEqual(await due(stores), [1, 3]);
  },
  "a running run is due once its lease has run out": async (env) => {
    if (env.advance === undefined) return NO_CLOCK;
    const { stores } = env;
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.start(stores);
    await env.advance(SAMPLE_LEASE_MS - 1);
    assert.deepEqual(await due(stores), []);
    await env.advance(1);
    assert.deepEqual(await due(stores), [1]);
    return undefined;
  },
  "a running run is due at once when its owner is gone": async (env) => {
    if (env.kill === undefined) return NO_KILL;
    const other = await env.openAnother();
    const run = new SampleRun(1);
    await run.submit(other);
    await run.start(other);
    assert.deepEqual(await due(env.stores), []);
    await env.kill(other);
    assert.deepEqual(await due(env.stores), [1]);
    await run.start(env.stores);
    assert.equal((await env.stores.reader.head("default", run.stream))?.owner, env.stores.owner);
    return undefined;
  },
  "nextWake gives the earliest wakeAt or lease end that lies ahead, by the store's clock": async ({ stores }) => {
    const empty = await stores.runs.nextWake(ANY);
    assert.equal(empty.at, null);
    assert.ok(Math.abs(empty.now - (await stores.leases.now())) < 60_000);
    const { now } = empty;
    await parkedRun(stores, 1, now - 1);
    await parkedRun(stores, 2, null);
    assert.equal((await stores.runs.nextWake(ANY)).at, null);
    await parkedRun(stores, 3, now + 7_200_000);
    await parkedRun(stores, 4, now + 3_600_000);
    assert.equal((await stores.runs.nextWake(ANY)).at, now + 3_600_000);
    const run = new SampleRun(5);
    await run.submit(stores, { queue: "slow" });
    await run.start(stores, 60_000);
    const head = await stores.reader.head("default", run.stream);
    assert.equal((await stores.runs.nextWake({ scope: "default", queues: ["slow"] })).at, head?.leaseUntil);
    assert.equal((await stores.runs.nextWake({ scope: "default", queues: ["default"] })).at, now + 3_600_000);
    assert.equal((await stores.runs.nextWake({ scope: "other", queues: null })).at, null);
  },
});
