import assert from "node:assert/strict";
import { casesOf, NO_CLOCK, NO_KILL } from "./contract-case.js";
import { entered, SAMPLE_LEASE_MS, SampleRun } from "./sample-run.js";

/** `LeaseStore`: keeping the ownership of a run. */
export const leaseContract = casesOf("leases", {
  "renew extends a lease to the store's now plus leaseMs": async ({ stores }) => {
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.start(stores);
    const before = await stores.leases.now();
    assert.equal(await stores.leases.renew("default", run.stream, { owner: stores.owner, epoch: 1, leaseMs: 50_000 }), true);
    const head = await stores.reader.head("default", run.stream);
    assert.ok(head?.leaseUntil !== undefined && head.leaseUntil !== null && head.leaseUntil >= before + 50_000);
    assert.deepEqual([head.seq, head.owner, head.epoch], [3, stores.owner, 1]);
  },
  "renew answers false when the head names another owner or epoch, or there is none": async ({ stores }) => {
    const run = new SampleRun(1);
    const lease = { owner: stores.owner, epoch: 1, leaseMs: 50_000 };
    assert.equal(await stores.leases.renew("default", run.stream, lease), false);
    await run.submit(stores);
    assert.equal(await stores.leases.renew("default", run.stream, lease), false);
    await run.start(stores);
    const { leaseUntil } = (await stores.reader.head("default", run.stream)) ?? assert.fail();
    for (const other of [
      { ...lease, owner: "somebody" },
      { ...lease, epoch: 2 },
      { ...lease, epoch: 0 },
    ]) {
      assert.equal(await stores.leases.renew("default", run.stream, other), false);
    }
    assert.equal((await stores.reader.head("default", run.stream))?.leaseUntil, leaseUntil);
    await run.commit(stores, [], { releaseLease: true });
    assert.equal(await stores.leases.renew("default", run.stream, lease), false);
  },
  "a lease that ran out can be claimed under the next epoch, and its first owner is fenced (decision 3.7)": async (env) => {
    if (env.advance === undefined) return NO_CLOCK;
    const { stores } = env;
    const other = await env.openAnother();
    const run = new SampleRun(1);
    await run.submit(stores);
    await run.start(stores);
    const late = run.write([entered("a")]);
    await env.advance(SAMPLE_LEASE_MS);
    await run.start(other);
    const stale = { kind: "stale", stream: run.stream, currentEpoch: 2, owner: other.owner };
    assert.deepEqual(await stores.events.commit([late]), stale);
    assert.equal(await stores.leases.renew("default", run.stream, { owner: stores.owner, epoch: 1, leaseMs: 1 }), false);
    await run.commit(other, [entered("a")]);
    return undefined;
  },
  "an owner whose lease ran out may still write while nobody has claimed the run": async (env) => {
    if (env.advance === undefined) return NO_CLOCK;
    const run = new SampleRun(1);
    await run.submit(env.stores);
    await run.start(env.stores);
    await env.advance(2 * SAMPLE_LEASE_MS);
    await run.commit(env.stores, [entered("a")]);
    assert.equal(await env.stores.leases.renew("default", run.stream, { owner: env.stores.owner, epoch: 1, leaseMs: 10 }), true);
    return undefined;
  },
  "a run whose owner is gone can be claimed at once": async (env) => {
    if (env.kill === undefined) return NO_KILL;
    const other = await env.openAnother();
    const run = new SampleRun(1);
    await run.submit(other);
    await run.start(other, 3_600_000);
    assert.equal((await env.stores.events.commit([run.claim(env.stores)])).kind, "held");
    await env.kill(other);
    assert.equal((await env.stores.events.commit([run.claim(env.stores)])).kind, "committed");
    return undefined;
  },
  "two stores over one backing have different owners": async ({ stores, openAnother }) => {
    const other = await openAnother();
    assert.notEqual(other.owner, stores.owner);
    assert.ok(stores.owner.length > 0);
  },
});
