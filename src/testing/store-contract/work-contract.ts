import assert from "node:assert/strict";
import type { JsonObject } from "../../json/value.js";
import type { DueQuery, RunLimit } from "../../stores/event-store.js";
import type { Stores } from "../../stores/stores.js";
import { casesOf, NO_CLOCK } from "./contract-case.js";
import { parked, SAMPLE_LEASE_MS, SampleRun, sampleRunId } from "./sample-run.js";

const ONE: RunLimit = { queue: "default", label: null, running: 1, starts: null };
const ONE_EACH: RunLimit = { queue: "default", label: "tenant", running: 1, starts: null };
const TWO_A_MINUTE: RunLimit = { queue: "default", label: null, running: null, starts: { runs: 2, perMs: 60_000 } };
const ONE_EACH_A_MINUTE: RunLimit = { queue: "default", label: "tenant", running: null, starts: { runs: 1, perMs: 60_000 } };

async function due(stores: Stores, over: Partial<DueQuery> = {}): Promise<number[]> {
  const heads = await stores.runs.due({ scope: null, queues: null, limit: 100, ...over });
  return heads.map(({ run }) => Number(run?.runId.slice(-12)));
}

async function queued(
  stores: Stores,
  number: number,
  over: { readonly scope?: string; readonly priority?: number; readonly queue?: string; readonly labels?: JsonObject } = {},
): Promise<SampleRun> {
  const { scope = "default", ...submission } = over;
  const run = new SampleRun(number, scope);
  await run.submit(stores, submission);
  return run;
}

/** `RunIndex.due` and `nextWake` for a fleet: scopes in turns, and what is held back left out. */
export const workContract = casesOf("runs", {
  "due over several scopes gives a run of each in turn, so that none keeps another waiting": async ({ stores }) => {
    for (const number of [1, 2, 3, 4]) await queued(stores, number, { scope: "acme" });
    await queued(stores, 5, { scope: "duff" });
    for (const number of [6, 7]) await queued(stores, number, { scope: "corp" });
    assert.deepEqual(await due(stores), [1, 6, 5, 2, 7, 3, 4]);
    assert.deepEqual(await due(stores, { limit: 3 }), [1, 6, 5]);
    assert.deepEqual(await due(stores, { scope: ["duff", "acme", "none", "acme"] }), [1, 5, 2, 3, 4]);
    assert.deepEqual(await due(stores, { scope: ["acme"], limit: 2 }), [1, 2]);
    assert.deepEqual(await due(stores, { scope: [] }), []);
  },
  "each turn begins behind the scope that was served last": async ({ stores }) => {
    for (const [at, scope] of ["acme", "acme", "corp", "corp", "duff"].entries()) await queued(stores, at, { scope });
    assert.deepEqual(await due(stores, { after: "acme" }), [2, 4, 0, 3, 1]);
    assert.deepEqual(await due(stores, { after: "bond" }), [2, 4, 0, 3, 1]);
    assert.deepEqual(await due(stores, { after: "duff" }), [0, 2, 4, 1, 3]);
    assert.deepEqual(await due(stores, { after: "corp", scope: ["acme", "corp"] }), [0, 2, 1, 3]);
  },
  "priority goes before turns, and turns are counted for each priority": async ({ stores }) => {
    await queued(stores, 1, { scope: "acme" });
    await queued(stores, 2, { scope: "acme", priority: 5 });
    await queued(stores, 3, { scope: "acme", priority: 5 });
    await queued(stores, 4, { scope: "corp" });
    await queued(stores, 5, { scope: "corp", priority: 5 });
    assert.deepEqual(await due(stores), [2, 5, 3, 1, 4]);
  },
  "runs that were started take their turns with those that were not": async ({ stores }) => {
    const now = await stores.leases.now();
    for (const number of [1, 2]) {
      const run = await queued(stores, number, { scope: "acme" });
      await run.start(stores);
      await run.commit(stores, [parked(now)]);
    }
    await queued(stores, 3, { scope: "acme" });
    await queued(stores, 4, { scope: "corp" });
    assert.deepEqual(await due(stores), [1, 4, 2, 3]);
  },
  "due gives the states it is asked for": async (env) => {
    if (env.advance === undefined) return NO_CLOCK;
    const { stores } = env;
    await queued(stores, 1);
    const waiting = await queued(stores, 2);
    await waiting.start(stores);
    await waiting.commit(stores, [parked(0)]);
    await (await queued(stores, 3)).start(stores);
    await env.advance(SAMPLE_LEASE_MS);
    assert.deepEqual(await due(stores), [1, 2, 3]);
    assert.deepEqual(await due(stores, { states: ["queued"] }), [1]);
    assert.deepEqual(await due(stores, { states: ["parked", "running"] }), [2, 3]);
    assert.deepEqual(await due(stores, { states: [] }), []);
    return undefined;
  },
  "due leaves out runs that require a contract that is not served (decision 1.7)": async ({ stores }) => {
    await queued(stores, 1);
    assert.deepEqual(await due(stores, { serves: ["c1", "c2", "c3"] }), [1]);
    assert.deepEqual(await due(stores, { serves: ["c1"] }), []);
    assert.deepEqual(await due(stores, { serves: [] }), []);
  },
  "what a queue's ceiling holds back does not hide what lies behind it": async ({ stores }) => {
    const running = await queued(stores, 1);
    await running.start(stores);
    for (const number of [2, 3, 4]) await queued(stores, number, { priority: 9 });
    await queued(stores, 5, { queue: "slow" });
    assert.deepEqual(await due(stores, { limit: 2 }), [2, 3]);
    assert.deepEqual(await due(stores, { limit: 2, limits: [ONE] }), [5]);
    assert.deepEqual(await due(stores, { limits: [{ ...ONE, running: 2 }] }), [2, 3, 4, 5]);
    await running.commit(stores, [], { releaseLease: true });
    assert.deepEqual(await due(stores, { limits: [ONE] }), [1, 5]);
    const [one] = await stores.runs.due({ scope: null, queues: null, limit: 1, limits: [ONE] });
    assert.equal(one?.run?.runId, sampleRunId(1));
  },
  "what a label's ceiling holds back is left out for that value and scope alone": async ({ stores }) => {
    const acme = { labels: { tenant: "acme" } };
    await (await queued(stores, 1, acme)).start(stores);
    await queued(stores, 2, acme);
    await queued(stores, 3, { labels: { tenant: "acme", more: 1 } });
    await queued(stores, 4, { labels: { tenant: true } });
    await queued(stores, 5, { labels: {} });
    await queued(stores, 6, { ...acme, queue: "slow" });
    await queued(stores, 7, { ...acme, scope: "other" });
    assert.deepEqual((await due(stores, { limits: [ONE_EACH] })).sort(), [4, 5, 6, 7]);
    assert.deepEqual((await due(stores, { limits: [{ ...ONE_EACH, queue: "slow" }] })).sort(), [2, 3, 4, 5, 6, 7]);
  },
  "parked runs wait for room among the running, runs under a dead lease have it": async (env) => {
    if (env.advance === undefined) return NO_CLOCK;
    const { stores } = env;
    const waiting = await queued(stores, 1);
    await waiting.start(stores);
    await waiting.commit(stores, [parked(0)]);
    await (await queued(stores, 2)).start(stores);
    assert.deepEqual(await due(stores, { limits: [ONE] }), []);
    assert.deepEqual(await due(stores, { limits: [{ ...TWO_A_MINUTE, starts: { runs: 1, perMs: 60_000 } }] }), [1]);
    await env.advance(SAMPLE_LEASE_MS);
    assert.deepEqual(await due(stores, { limits: [ONE] }), [2]);
    return undefined;
  },
  "a rate that is used up leaves queued runs out until a start has left its window, and nextWake says when": async (env) => {
    if (env.advance === undefined) return NO_CLOCK;
    const { stores } = env;
    const limits = [TWO_A_MINUTE];
    const first = await stores.leases.now();
    const wake = async (): Promise<number | null> =>
      (await stores.runs.nextWake({ scope: "default", queues: ["none"], limits })).at;
    await (await queued(stores, 1)).start(stores, 3_600_000);
    await env.advance(10_000);
    await queued(stores, 2);
    assert.deepEqual([await due(stores, { limits }), await wake()], [[2], null]);
    await (await queued(stores, 3)).start(stores, 3_600_000);
    assert.deepEqual([await due(stores, { limits }), await wake()], [[], first + 60_000]);
    await env.advance(50_000);
    assert.deepEqual([await due(stores, { limits }), await wake()], [[2], null]);
    return undefined;
  },
  "a label's rate is used up for each value for itself": async (env) => {
    if (env.advance === undefined) return NO_CLOCK;
    const { stores } = env;
    const limits = [ONE_EACH_A_MINUTE];
    const first = await stores.leases.now();
    const wake = async (): Promise<number | null> => (await stores.runs.nextWake({ scope: [], queues: null, limits })).at;
    await (await queued(stores, 1, { labels: { tenant: "acme" } })).start(stores, 3_600_000);
    await queued(stores, 2, { labels: { tenant: "acme" } });
    await queued(stores, 3, { labels: { tenant: "duff" } });
    await queued(stores, 4, { labels: {} });
    assert.deepEqual([await due(stores, { limits }), await wake()], [[3, 4], first + 60_000]);
    await env.advance(60_000);
    assert.deepEqual([await due(stores, { limits }), await wake()], [[2, 3, 4], null]);
    return undefined;
  },
  "child runs are told whatever the limits": async ({ stores }) => {
    await (await queued(stores, 1)).start(stores);
    await new SampleRun(2).submit(stores, { parent: sampleRunId(1) });
    assert.deepEqual(await due(stores, { limits: [ONE, { ...TWO_A_MINUTE, starts: { runs: 1, perMs: 60_000 } }] }), [2]);
  },
});
