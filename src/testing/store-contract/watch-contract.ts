import assert from "node:assert/strict";
import { RunsealError } from "../../errors/error.js";
import { assertRejects, casesOf, collect } from "./contract-case.js";
import { entered, SampleRun } from "./sample-run.js";
import { sampleRunbook } from "./sample-runbook.js";

/** What {@link Stores} promises beside its ports: watching and closing. */
export const watchContract = casesOf("stores", {
  "watch calls back after a commit and a message, until it is taken back": async ({ stores }) => {
    let calls = 0;
    const unwatch = stores.watch(() => {
      calls += 1;
    });
    const run = new SampleRun(1);
    await run.submit(stores);
    assert.equal(calls, 1);
    await stores.inbox.put({ scope: "default", runId: run.runId, key: "k", kind: "signal", payload: 1 });
    assert.equal(calls, 2);
    await stores.events.commitMany([[run.write([entered("a")])]]);
    assert.equal(calls, 3);
    unwatch();
    unwatch();
    await run.try(stores, []);
    assert.equal(calls, 3);
  },
  "a listener that throws changes nothing": async ({ stores }) => {
    let calls = 0;
    stores.watch(() => {
      throw new RunsealError("run.invalid_option", "a careless listener", { option: "listener" });
    });
    stores.watch(() => {
      calls += 1;
    });
    await new SampleRun(1).submit(stores);
    assert.equal(calls, 1);
  },
  "every call after close throws store.closed, and closing twice does nothing": async ({ openAnother }) => {
    const stores = await openAnother();
    await new SampleRun(1).submit(stores);
    await stores.close();
    await stores.close();
    const runbook = sampleRunbook("a");
    const run = new SampleRun(2);
    const { scope, runId, stream } = run;
    const calls: readonly Promise<unknown>[] = [
      stores.events.commit([run.submission()]),
      stores.events.commitMany([]),
      collect(stores.reader.read(scope, stream)),
      stores.reader.head(scope, stream),
      collect(stores.reader.heads(scope)),
      stores.runs.list(scope, {}),
      stores.runs.due({ scope, queues: null, limit: 1 }),
      stores.runs.nextWake({ scope, queues: null }),
      stores.leases.renew(scope, stream, { owner: "o", epoch: 1, leaseMs: 1 }),
      stores.leases.now(),
      stores.inbox.put({ scope, runId, key: "k", kind: "signal", payload: 1 }),
      stores.inbox.pending(scope, runId),
      stores.inbox.all(scope, runId),
      stores.runbooks.put(runbook),
      stores.runbooks.get(scope, runbook.id),
      stores.runbooks.documents(scope, runbook.id),
      stores.runbooks.recordVersion(scope, "s", runbook.id),
      stores.runbooks.list(scope),
      stores.artifacts.get(scope, "0".repeat(64)),
      stores.projections.rebuild(scope),
      stores.transactions.run(async () => undefined),
    ];
    for (const call of calls) await assertRejects(call, "store.closed");
  },
});
