import { expect, test } from "vitest";
import { allowAll, createRunseal, memoryStores } from "runseal";
import type { ApprovalPolicy, Handlers, Stores } from "runseal";
import { STORES, crashedIn, depot, hanging, openDepot, sealed } from "./depot.js";
import { compiled, openShop } from "./shop.js";
import { manualClock } from "runseal/testing";

const order = { name: "depot.deliver", args: { order: "o-1", count: 2 } };

test.each(STORES)(
  "a run over %s is replayed without a handler that writes, a lock or a write (decision 3.17)",
  async (_, open) => {
    const { first } = open();
    const { runseal, calls } = openDepot(first);
    const runbook = await sealed(runseal, order.name, order.args);
    const run = await runseal.execute(runbook.id);
    expect((await run.result()).status).toBe("completed");
    const [before, head] = [calls.length, await runseal.head()];
    const report = await runseal.replay(run.runId);
    expect(report).toMatchObject({ runId: run.runId, mode: "replay_decisions", status: "equal", divergences: [] });
    expect(report.steps).toEqual({ simulated: 0, fromRecord: 3, notSimulated: 0 });
    expect(calls).toHaveLength(before);
    expect(await runseal.replay(run.runId, { mode: "re_simulate_nodes" })).toMatchObject({
      mode: "re_simulate",
      status: "equal",
      steps: { simulated: 1, fromRecord: 2, notSimulated: 2 },
      handlerCalls: { pure: 1, read: 0, write: 0 },
    });
    expect(calls.slice(before)).toEqual([expect.stringContaining("math.sum") as string]);
    expect(await runseal.head()).toEqual(head);
    expect(Object.isFrozen(report)).toBe(true);
  },
);

test.each(STORES)("a run over %s whose process ended is replayed across the crash (D-075, peers 39)", async (_, open) => {
  const processes = open();
  const runId = await crashedIn(processes, "goods.take", order);
  const { runseal } = openDepot(processes.second);
  await runseal.recover();
  const handle = await runseal.handle(runId);
  expect((await handle.result()).status).toBe("completed");
  expect((await runseal.replay(runId)).divergences).toEqual([]);
  expect((await runseal.replay(runId, { mode: "re_simulate" })).divergences).toEqual([]);
});

test("a doubt that a person settled is replayed as it was settled", async () => {
  const [[, open] = STORES[0] ?? []] = STORES;
  if (open === undefined) throw new TypeError("there are stores");
  const processes = open();
  const runId = await crashedIn(processes, "parcel.send", order);
  const { runseal } = openDepot(processes.second);
  await runseal.recover();
  const handle = await runseal.handle(runId);
  expect((await handle.result()).status).toBe("parked");
  const doubt = (await runseal.doubts())[0];
  await runseal.resolveDoubt(runId, doubt?.stepId ?? "", {
    outcome: "done",
    result: { parcel: "p-1" },
    principal: { subject: "ann" },
  });
  await runseal.resume(runId);
  expect((await handle.result()).status).toBe("completed");
  expect((await runseal.replay(runId)).divergences).toEqual([]);
});

test("a handler that has changed since is an outcome; handlers that are gone are not needed (reliability rows 68 and 90, peers 69, 70)", async () => {
  const stores = memoryStores();
  const { runseal } = openDepot(stores);
  const runbook = await sealed(runseal, order.name, order.args);
  const run = await runseal.execute(runbook.id);
  await run.result();
  const changed = openDepot(stores, { answers: { "math.sum": () => ({ sum: -1 }) } });
  expect((await changed.runseal.replay(run.runId)).status).toBe("equal");
  const report = await changed.runseal.replay(run.runId, { mode: "re_simulate" });
  expect(report.divergences.map(({ kind }) => kind)).toEqual(["outcome", "outcome"]);
  expect(report.divergences[0]).toMatchObject({
    expected: expect.stringContaining("9") as string,
    found: expect.stringContaining("-1") as string,
  });
  const bare = createRunseal({ catalog: depot, handlers: {} as Handlers<typeof depot>, policy: allowAll(), stores });
  expect((await bare.replay(run.runId)).status).toBe("equal");
  expect(await bare.replay(run.runId, { mode: "re_simulate" })).toMatchObject({
    status: "equal",
    steps: { simulated: 0, notSimulated: 3 },
  });
});

test("approvals that a run spent are held against the runbook's stream: one that is gone is an authority, always (E-155)", async () => {
  const stores = memoryStores();
  const approvals: ApprovalPolicy = { quorum: 1, roles: [], notRequester: false, expiresInMs: null, appliesTo: () => true };
  const { runseal } = openDepot(stores, { approvals });
  const runbook = await sealed(runseal, order.name, order.args);
  await runseal.approve(runbook.id, { viewed: runbook.documentDigest, principal: { subject: "ann" } });
  const run = await runseal.execute(runbook.id);
  await run.result();
  expect((await runseal.replay(run.runId)).divergences).toEqual([]);
  const read: Stores["reader"]["read"] = (scope, stream, range) =>
    stream.startsWith("run/") ? stores.reader.read(scope, stream, range) : nothing();
  const without = openDepot({ ...stores, reader: { ...methodsOf(stores.reader), read } }).runseal;
  const report = await without.replay(run.runId);
  expect(report.divergences).toMatchObject([{ kind: "authority", expected: "an approval that covers the run" }]);
});

async function* nothing(): AsyncGenerator<never, void, undefined> {
  // a stream that is gone
}

function methodsOf(reader: Stores["reader"]): Stores["reader"] {
  return {
    read: (scope, stream, range) => reader.read(scope, stream, range),
    head: (scope, stream) => reader.head(scope, stream),
    heads: (scope) => reader.heads(scope),
  };
}

test("a gate that somebody passed and a parcel that is signaled are replayed; a run in flight as far as it is", async () => {
  const { runseal } = openShop();
  const runbook = await compiled(runseal, "order.deliver", { order: "o-1" });
  const run = await runseal.execute(runbook.id);
  await run.result();
  expect((await runseal.replay(run.runId)).divergences).toEqual([]);
  const waiting = (await runseal.status(run.runId)).steps.find(({ wait }) => wait !== null);
  const principal = { subject: "ann" };
  await runseal.decide(run.runId, waiting?.stepId ?? "", { verdict: "approve", payload: { note: "ok" }, principal });
  await runseal.resume(run.runId);
  const parked = await run.result();
  if (parked.status !== "parked") throw new TypeError(parked.status);
  await runseal.signal(run.runId, parked.key ?? "", { parcel: "p" });
  await runseal.resume(run.runId);
  expect((await run.result()).status).toBe("completed");
  expect((await runseal.replay(run.runId)).divergences).toEqual([]);
});

test("a run that is driven meanwhile is replayed as far as it had come", async () => {
  const { called, answer } = hanging();
  const { runseal } = openDepot(memoryStores(), { answers: { "goods.take": answer }, clock: manualClock() });
  const runbook = await sealed(runseal, order.name, order.args);
  const run = await runseal.execute(runbook.id);
  await called;
  expect((await runseal.replay(run.runId)).divergences).toEqual([]);
});

test("a fork is replayed with what it was handed on", async () => {
  const { runseal } = openDepot(memoryStores());
  const runbook = await sealed(runseal, order.name, order.args);
  const run = await runseal.execute(runbook.id);
  await run.result();
  const steps = (await runseal.status(run.runId)).steps;
  const forked = await runseal.fork(run.runId, { from: steps[1]?.stepId ?? "" });
  const again = await runseal.execute(forked.runbook.id);
  expect((await again.result()).status).toBe("completed");
  expect((await runseal.replay(again.runId)).divergences).toEqual([]);
});

test.each([
  [{ mode: "backwards" }, "mode"],
  [{ toleranceMs: -1 }, "toleranceMs"],
  [{ toleranceMs: 0.5 }, "toleranceMs"],
])("options that can't be right are refused: %j", async (options, option) => {
  const { runseal } = openShop();
  await expect(runseal.replay("r", options as never)).rejects.toMatchObject({ code: "run.invalid_option", details: { option } });
});

test("a run that is not there is refused", async () => {
  const { runseal } = openShop();
  await expect(runseal.replay("r")).rejects.toMatchObject({ code: "run.not_found" });
});
