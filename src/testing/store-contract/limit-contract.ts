import assert from "node:assert/strict";
import type { JsonObject } from "../../json/value.js";
import type { CommitAnswer, RunLimit } from "../../stores/event-store.js";
import type { Stores } from "../../stores/stores.js";
import { casesOf, NO_CLOCK, NO_KILL } from "./contract-case.js";
import { parked, runCanceledVoid, runCompleted, SAMPLE_LEASE_MS, SampleRun, sampleRunId } from "./sample-run.js";

const TWO: RunLimit = { queue: "default", label: null, running: 2, starts: null };
const ONE_EACH: RunLimit = { queue: "default", label: "tenant", running: 1, starts: null };
const TWO_A_MINUTE: RunLimit = { queue: "default", label: null, running: null, starts: { runs: 2, perMs: 60_000 } };

async function queued(
  stores: Stores,
  numbers: readonly number[],
  over: { readonly queue?: string; readonly scope?: string; readonly labels?: JsonObject } = {},
): Promise<SampleRun[]> {
  const { scope = "default", ...submission } = over;
  const runs = numbers.map((number) => new SampleRun(number, scope));
  for (const run of runs) await run.submit(stores, submission);
  return runs;
}

async function tried(stores: Stores, runs: readonly SampleRun[], limits: readonly RunLimit[]): Promise<CommitAnswer["kind"][]> {
  const kinds: CommitAnswer["kind"][] = [];
  for (const run of runs) kinds.push((await run.tryStart(stores, limits)).kind);
  return kinds;
}

function limited(run: SampleRun | undefined, limit: RunLimit, retryAt: number | null): CommitAnswer {
  assert.ok(run);
  return { kind: "limited", stream: run.stream, limit, retryAt };
}

const first = <T>([item]: readonly T[]): T => item ?? assert.fail("the list is empty");

/** `LeaseClaim.limits`: ceilings that claims keep together. */
export const limitContract = casesOf("limits", {
  "a claim over the ceiling of its queue is answered limited and writes nothing, until a run ends": async ({ stores }) => {
    const runs = await queued(stores, [1, 2, 3]);
    assert.deepEqual(await tried(stores, runs.slice(0, 2), [TWO]), ["committed", "committed"]);
    const third = runs[2] ?? assert.fail();
    const before = await stores.reader.head("default", third.stream);
    assert.deepEqual(await third.tryStart(stores, [TWO]), limited(third, TWO, null));
    assert.deepEqual(await stores.reader.head("default", third.stream), before);
    await first(runs).commit(stores, [runCompleted]);
    assert.equal((await third.tryStart(stores, [TWO])).kind, "committed");
  },
  "a queue's ceiling counts over all scopes, and other queues not at all": async ({ stores }) => {
    const here = await queued(stores, [1, 2]);
    const there = await queued(stores, [3], { scope: "other" });
    const aside = await queued(stores, [4, 5, 6], { queue: "slow" });
    assert.deepEqual(await tried(stores, aside, [TWO]), ["committed", "committed", "committed"]);
    assert.deepEqual(await tried(stores, [...there, ...here], [TWO]), ["committed", "committed", "limited"]);
    const slow = { ...TWO, queue: "slow" };
    const [last] = await queued(stores, [7], { queue: "slow" });
    assert.deepEqual(await last?.tryStart(stores, [TWO, slow]), limited(last, slow, null));
  },
  "a label's ceiling holds for each value and scope for itself, and not for runs without the label": async ({ stores }) => {
    const acme = await queued(stores, [1, 2], { labels: { tenant: "acme", size: 1 } });
    const acmeThere = await queued(stores, [3], { labels: { tenant: "acme" }, scope: "other" });
    const others = [
      ...(await queued(stores, [4], { labels: { a: true, tenant: "acme2", z: "tenant" } })),
      ...(await queued(stores, [5], { labels: { tenant: 1 } })),
      ...(await queued(stores, [6], { labels: { tenant: "1" } })),
      ...(await queued(stores, [7], { labels: { tenant: 12 } })),
      ...(await queued(stores, [8], { labels: { tenant: true } })),
      ...(await queued(stores, [9, 10], { labels: {} })),
      ...(await queued(stores, [11, 12], { labels: { note: '"tenant":"acme"', other: '","tenant":"acme"}' } })),
    ];
    assert.deepEqual(await tried(stores, acme, [ONE_EACH]), ["committed", "limited"]);
    assert.deepEqual(new Set(await tried(stores, [...acmeThere, ...others], [ONE_EACH])), new Set(["committed"]));
    assert.deepEqual(await acme[1]?.tryStart(stores, [TWO, ONE_EACH]), limited(acme[1], TWO, null));
    await first(acme).commit(stores, [runCompleted]);
    assert.equal((await acme[1]?.tryStart(stores, [ONE_EACH]))?.kind, "committed");
  },
  "labels of any name are told apart, the names of built-in members too": async ({ stores }) => {
    const limit = { ...ONE_EACH, label: "constructor" };
    const without = await queued(stores, [1, 2], { labels: { 'a"b': 1 } });
    assert.deepEqual(await tried(stores, without, [limit]), ["committed", "committed"]);
    const quoted = await queued(stores, [3], { labels: { 'a"b': 1 } });
    assert.deepEqual(await tried(stores, quoted, [{ ...ONE_EACH, label: 'a"b' }]), ["limited"]);
    const named = await queued(stores, [4, 5], { labels: { constructor: "c" } });
    assert.deepEqual(await tried(stores, named, [limit]), ["committed", "limited"]);
  },
  "a rate holds a start back until the oldest of its window has left it, and says when": async (env) => {
    if (env.advance === undefined) return NO_CLOCK;
    const { stores } = env;
    const [one, two, three, four] = await queued(stores, [1, 2, 3, 4]);
    assert.ok(one && two && three && four);
    const startedAt = await stores.leases.now();
    assert.equal((await one.tryStart(stores, [TWO_A_MINUTE])).kind, "committed");
    assert.equal((await stores.reader.head("default", one.stream))?.run?.startedAt, startedAt);
    await env.advance(20_000);
    assert.equal((await two.tryStart(stores, [TWO_A_MINUTE])).kind, "committed");
    // what has ended was started all the same
    await one.commit(stores, [runCompleted]);
    assert.deepEqual(await three.tryStart(stores, [TWO_A_MINUTE]), limited(three, TWO_A_MINUTE, startedAt + 60_000));
    await env.advance(39_999);
    assert.deepEqual(await three.tryStart(stores, [TWO_A_MINUTE]), limited(three, TWO_A_MINUTE, startedAt + 60_000));
    await env.advance(1);
    assert.equal((await three.tryStart(stores, [TWO_A_MINUTE])).kind, "committed");
    assert.deepEqual(await four.tryStart(stores, [TWO_A_MINUTE]), limited(four, TWO_A_MINUTE, startedAt + 80_000));
    return undefined;
  },
  "a rate of a label counts the starts of each value for itself": async ({ stores }) => {
    const rate: RunLimit = { queue: "default", label: "tenant", running: null, starts: { runs: 1, perMs: 86_400_000 } };
    const acme = await queued(stores, [1, 2], { labels: { tenant: "acme" } });
    const duff = await queued(stores, [3, 4], { labels: { tenant: "duff" } });
    const none = await queued(stores, [5, 6], { labels: {} });
    assert.deepEqual(await tried(stores, [...acme, ...duff], [rate]), ["committed", "limited", "committed", "limited"]);
    assert.deepEqual(await tried(stores, none, [rate]), ["committed", "committed"]);
  },
  "taking a run up again is no start: it counts against running alone": async ({ stores }) => {
    const limits = [TWO, TWO_A_MINUTE];
    const [one, two, three] = await queued(stores, [1, 2, 3]);
    assert.ok(one && two && three);
    assert.deepEqual(await tried(stores, [one, two], limits), ["committed", "committed"]);
    const startedAt = (await stores.reader.head("default", one.stream))?.run?.startedAt;
    await one.commit(stores, [parked(null)]);
    assert.equal((await one.tryStart(stores, limits)).kind, "committed");
    assert.equal((await stores.reader.head("default", one.stream))?.run?.startedAt, startedAt);
    await one.commit(stores, [parked(null)]);
    await three.start(stores);
    assert.deepEqual(await one.tryStart(stores, limits), limited(one, TWO, null));
  },
  "parked runs, queued ones and those that ended are not running": async ({ stores }) => {
    const limit = { ...TWO, running: 1 };
    const [one, two, three] = await queued(stores, [1, 2, 3, 4]);
    assert.ok(one && two && three);
    await one.start(stores);
    await one.commit(stores, [parked(null)]);
    await two.commit(stores, [runCanceledVoid]);
    assert.equal((await three.tryStart(stores, [limit])).kind, "committed");
    assert.deepEqual(await one.tryStart(stores, [limit]), limited(one, limit, null));
  },
  "a run under a dead lease is counted until it is taken up, and not twice then": async (env) => {
    if (env.advance === undefined) return NO_CLOCK;
    const { stores } = env;
    const other = await env.openAnother();
    const [one, two, three] = await queued(stores, [1, 2, 3]);
    assert.ok(one && two && three);
    assert.deepEqual(await tried(other, [one, two], [TWO]), ["committed", "committed"]);
    await env.advance(SAMPLE_LEASE_MS);
    assert.deepEqual(await three.tryStart(stores, [TWO]), limited(three, TWO, null));
    assert.deepEqual(await tried(stores, [one, two], [TWO, TWO_A_MINUTE]), ["committed", "committed"]);
    assert.deepEqual(await three.tryStart(stores, [TWO]), limited(three, TWO, null));
    return undefined;
  },
  "the runs of an owner who is gone can be taken up at the ceiling": async (env) => {
    if (env.kill === undefined) return NO_KILL;
    const other = await env.openAnother();
    const runs = await queued(env.stores, [1, 2]);
    assert.deepEqual(await tried(other, runs, [TWO]), ["committed", "committed"]);
    await env.kill(other);
    assert.deepEqual(await tried(env.stores, runs, [TWO]), ["committed", "committed"]);
    return undefined;
  },
  "child runs are neither counted nor held back": async ({ stores }) => {
    const limit = { ...TWO, running: 1 };
    const parent = first(await queued(stores, [1]));
    const child = new SampleRun(2);
    await child.submit(stores, { parent: sampleRunId(1) });
    assert.deepEqual(await tried(stores, [parent, child], [limit]), ["committed", "committed"]);
    await parent.commit(stores, [runCompleted]);
    assert.deepEqual(await tried(stores, await queued(stores, [3]), [limit]), ["committed"]);
  },
  "claims at once never exceed a ceiling": async ({ stores, openAnother }) => {
    const other = await openAnother();
    const ceilings: readonly RunLimit[] = [
      { ...TWO, queue: "whole" },
      { ...ONE_EACH, queue: "keyed", running: 2 },
      { ...TWO_A_MINUTE, queue: "rated" },
    ];
    for (const [at, limit] of ceilings.entries()) {
      const numbers = Array.from({ length: 10 }, (_, number) => 10 * at + number);
      const runs = await queued(stores, numbers, { queue: limit.queue, labels: { tenant: "acme" } });
      const answers = await Promise.all(runs.map((run, index) => run.tryStart(index % 2 === 0 ? stores : other, [limit])));
      const kinds = answers.map(({ kind }) => kind).sort();
      assert.deepEqual(kinds, [...Array<string>(2).fill("committed"), ...Array<string>(8).fill("limited")], limit.queue);
    }
  },
  "several commits of one call see each other's claims": async ({ stores }) => {
    const runs = await queued(stores, [1, 2, 3, 4]);
    const answers = await stores.events.commitMany(runs.map((run) => [run.claim(stores, SAMPLE_LEASE_MS, [TWO])]));
    const kinds = answers.map(({ kind }) => kind);
    assert.deepEqual(kinds, ["committed", "committed", "limited", "limited"]);
  },
  "a limit is answered after the lease and the sequence": async ({ stores, openAnother }) => {
    const none = { ...TWO, running: 0 };
    const other = await openAnother();
    const run = first(await queued(stores, [1]));
    const late = run.claim(stores, SAMPLE_LEASE_MS, [none]);
    await run.start(other);
    assert.equal((await stores.events.commit([late])).kind, "held");
    await run.commit(other, [], { releaseLease: true });
    assert.equal((await stores.events.commit([late])).kind, "stale");
    const again = run.claim(stores, SAMPLE_LEASE_MS, [none]);
    assert.equal((await stores.events.commit([{ ...again, expectedSeq: 1 }])).kind, "conflict");
    assert.equal((await stores.events.commit([again])).kind, "limited");
  },
});
