import assert from "node:assert/strict";
import type { Stores } from "../../stores/stores.js";
import { canonicalize } from "../../json/canonical.js";
import { casesOf, collect } from "./contract-case.js";
import {
  completed,
  entered,
  parked,
  runCanceledVoid,
  runCompleted,
  SampleRun,
  sampleRunId,
  spentApproval,
} from "./sample-run.js";

const headsText = async (stores: Stores, scope = "default"): Promise<string> =>
  canonicalize(await collect(stores.reader.heads(scope)));

async function everyKindOfRun(stores: Stores): Promise<void> {
  const runs = Array.from({ length: 7 }, (_, number) => new SampleRun(number));
  for (const [number, run] of runs.entries()) {
    await run.submit(stores, {
      uses: number === 1 ? "once" : "many",
      dedupKey: `d${number}`,
      priority: number,
      queue: `q${number}`,
    });
  }
  const [, void_, running, waiting, signaled, ended, child] = runs;
  assert.ok(void_ && running && waiting && signaled && ended && child);
  await void_.commit(stores, [runCanceledVoid]);
  for (const run of [running, waiting, signaled, ended]) await run.start(stores);
  await running.commit(stores, [entered("a"), completed("a")]);
  await waiting.commit(stores, [parked(9_000_000_000_000)]);
  await signaled.commit(stores, [parked(9_000_000_000_000)]);
  for (const run of [signaled, running]) {
    for (const key of ["k1", "k2"]) {
      await stores.inbox.put({ scope: "default", runId: run.runId, key, kind: "signal", payload: null });
    }
  }
  await running.commit(stores, [entered("b")], { consume: { signals: ["k1", "k2"] } });
  await ended.commit(stores, [runCompleted]);
  await new SampleRun(8).submit(stores, { parent: sampleRunId(1) });
  await stores.events.commit([spentApproval("default", "r")]);
}

/** `ProjectionAdmin`: making the projections anew. */
export const projectionContract = casesOf("projections", {
  "rebuild gives the same heads, byte for byte (decision 4.4)": async ({ stores }) => {
    await everyKindOfRun(stores);
    const before = await headsText(stores);
    assert.deepEqual(await stores.projections.rebuild("default"), { streams: 9 });
    assert.equal(await headsText(stores), before);
  },
  "after a rebuild runs are found, claimed and keyed as before": async ({ stores }) => {
    await everyKindOfRun(stores);
    const query = { scope: "default", queues: null, limit: 100 };
    const due = await stores.runs.due(query);
    await stores.projections.rebuild("default");
    assert.deepEqual(await stores.runs.due(query), due);
    const again = new SampleRun(20).submission({ uses: "many", dedupKey: "d2" });
    assert.equal((await stores.events.commit([again])).kind, "exists");
    assert.equal((await stores.inbox.pending("default", sampleRunId(4))).length, 2);
  },
  "rebuild touches its own scope only": async ({ stores }) => {
    await new SampleRun(1, "other").submit(stores);
    const before = await headsText(stores, "other");
    assert.deepEqual(await stores.projections.rebuild("default"), { streams: 0 });
    assert.equal(await headsText(stores, "other"), before);
  },
});
