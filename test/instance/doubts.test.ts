import { describe, expect, test } from "vitest";
import type { Stores } from "runseal";
import { memoryStores } from "runseal";
import { STORES, crashedIn, hanging, openDepot, sealed, story } from "./depot.js";

const ADA = { principal: { subject: "ada" } } as const;
const DELIVER = { name: "depot.deliver", args: { order: "o-1", count: 2 } } as const;

/** Crashed while sending, recovered by another process: in doubt. */
async function inDoubt(make: (typeof STORES)[number][1]) {
  const processes = make();
  const runId = await crashedIn(processes, "parcel.send", DELIVER);
  const { runseal, calls, keys } = openDepot(processes.second);
  const [run] = await runseal.recover();
  expect(await run?.result()).toMatchObject({ status: "parked", reason: "in_doubt", stepId: "send" });
  return { runseal, runId, calls, keys, stores: processes.second };
}

describe.each(STORES)("a manual write that a crash cut off, over %s (decision 3.11, D-075)", (_kind, make) => {
  test("is listed by doubts() with all that a person needs to look it up", async () => {
    const { runseal, runId } = await inDoubt(make);
    const status = await runseal.status(runId);
    const [doubt, ...others] = await runseal.doubts();
    expect(others).toEqual([]);
    expect(doubt).toEqual({
      runId,
      runbookId: status.runbookId,
      stepId: "send",
      verb: "parcel.send@1",
      attempt: 1,
      reason: "the process ended during the attempt",
      recovery: "manual",
      since: expect.any(Number),
      idempotencyKey: expect.stringMatching(/^[0-9a-f]{64}$/),
      isDecided: false,
    });
    expect(await runseal.withScope("other").doubts()).toEqual([]);
  });

  test("goes on with the result that a person found: nothing is called again for it", async () => {
    const { runseal, runId, calls } = await inDoubt(make);
    await runseal.resolveDoubt(runId, "send", { outcome: "done", result: { parcel: "p-9" }, note: "seen in the post", ...ADA });
    expect((await runseal.doubts()).map((doubt) => doubt.isDecided)).toEqual([true]);
    const result = await (await runseal.resume(runId)).result();
    expect(result).toEqual({ status: "completed", runId, output: { parcel: "p-9", total: 9 } });
    expect(calls).toEqual(["math.sum total"]);
    expect((await story(runseal, runId)).filter((line) => line.includes("send"))).toEqual([
      "step.entered send 1",
      "step.in_doubt send 1 the process ended during the attempt",
      "run.parked send in_doubt",
      "decision.made send 1 done",
      "step.completed send 1 decision",
    ]);
    const made = [];
    for await (const event of runseal.history(runId)) if (event.kind === "decision.made") made.push(event.payload);
    expect(made).toEqual([
      {
        stepId: "send",
        attempt: 1,
        verdict: "done",
        issuer: "host",
        subject: "ada",
        vouchedBy: "host",
        payload: { parcel: "p-9" },
        note: "seen in the post",
      },
    ]);
    expect(await runseal.doubts()).toEqual([]);
    expect((await runseal.verify(runId)).problems).toEqual([]);
  });

  test("is tried again under the same idempotency key when it did not happen", async () => {
    const { runseal, runId, calls, keys } = await inDoubt(make);
    const [doubt] = await runseal.doubts();
    await runseal.resolveDoubt(runId, "send", { outcome: "not_done", ...ADA });
    expect(await (await runseal.resume(runId)).result()).toMatchObject({ status: "completed", output: { parcel: "p-t-2" } });
    expect(calls).toEqual(["parcel.send send", "math.sum total"]);
    expect(keys["send"]).toEqual([doubt?.idempotencyKey]);
    expect((await story(runseal, runId)).filter((line) => line.includes("send")).slice(3)).toEqual([
      "decision.made send 1 not_done",
      "step.failed send 1 doubt.not_done",
      "step.entered send 2",
      "step.completed send 2",
    ]);
    expect((await runseal.verify(runId)).problems).toEqual([]);
  });

  test("fails its run for good when a person says so, with their words", async () => {
    const { runseal, runId } = await inDoubt(make);
    await runseal.resolveDoubt(runId, "send", { outcome: "failed", message: "the post burnt down", ...ADA });
    expect(await (await runseal.resume(runId)).result()).toMatchObject({
      status: "failed",
      code: "doubt.failed",
      stepId: "send",
      message: '"ada" says that "send" has failed: the post burnt down',
    });
    expect((await runseal.verify(runId)).problems).toEqual([]);
    await expect(runseal.resolveDoubt(runId, "take", { outcome: "not_done", ...ADA })).rejects.toMatchObject({
      code: "run.terminal",
    });
  });

  test("refuses a result that the verb can't give, to the sender alone", async () => {
    const { runseal, runId } = await inDoubt(make);
    const before = (await runseal.status(runId)).seq;
    await expect(runseal.resolveDoubt(runId, "send", { outcome: "done", result: { parcel: 7 }, ...ADA })).rejects.toMatchObject({
      code: "signal.invalid",
      details: { runId, key: "send", issues: [expect.stringMatching("parcel")] },
    });
    await expect(runseal.resolveDoubt(runId, "send", { outcome: "maybe", ...ADA } as never)).rejects.toMatchObject({
      code: "signal.invalid",
      details: { issues: ["outcome"] },
    });
    expect((await runseal.status(runId)).seq).toBe(before);
    expect(await (await runseal.resume(runId)).result()).toMatchObject({ status: "parked", reason: "in_doubt" });
  });

  test("names the steps that are in doubt when another one is meant", async () => {
    const { runseal, runId } = await inDoubt(make);
    await expect(runseal.resolveDoubt(runId, "take", { outcome: "not_done", ...ADA })).rejects.toMatchObject({
      code: "step.not_in_doubt",
      message: 'step "take" is not in doubt; these are: "send"',
      details: { runId, stepId: "take", inDoubt: ["send"] },
    });
    await expect(runseal.resolveDoubt(runId, "nowhere", { outcome: "not_done", ...ADA })).rejects.toMatchObject({
      code: "step.not_in_doubt",
    });
    await expect(runseal.resolveDoubt("no-run", "send", { outcome: "not_done", ...ADA })).rejects.toMatchObject({
      code: "run.not_found",
    });
  });

  test("keeps the first settlement: the same again succeeds at any time, another one is a conflict (decision 3.10)", async () => {
    const { runseal, runId } = await inDoubt(make);
    const done = { outcome: "done", result: { parcel: "p-9" }, ...ADA } as const;
    await runseal.resolveDoubt(runId, "send", done);
    await runseal.resolveDoubt(runId, "send", done);
    const conflict = { code: "signal.conflict", details: { runId, key: "send" } };
    await expect(runseal.resolveDoubt(runId, "send", { outcome: "not_done", ...ADA })).rejects.toMatchObject(conflict);
    await (await runseal.resume(runId)).result();
    await runseal.resolveDoubt(runId, "send", done);
    await expect(runseal.resolveDoubt(runId, "send", { outcome: "failed", ...ADA })).rejects.toMatchObject(conflict);
    expect((await story(runseal, runId)).filter((line) => line.startsWith("decision.made"))).toHaveLength(1);
  });

  test("while other branches go on (continue_independent, two at a time), and the doubt alone is left to settle", async () => {
    const processes = make();
    const runId = await crashedIn(
      processes,
      "parcel.send",
      { name: "depot.both", args: { order: "o-1" } },
      { onFailure: "continue_independent", concurrency: 2 },
    );
    const { runseal } = openDepot(processes.second);
    const [run] = await runseal.recover();
    expect(await run?.result()).toMatchObject({ status: "parked", reason: "in_doubt", stepId: "send" });
    expect((await runseal.status(runId)).steps.map(({ stepId, status }) => `${stepId} ${status}`)).toEqual([
      "send in_doubt",
      "other completed",
      "after_other completed",
      "last pending",
    ]);
    await runseal.resolveDoubt(runId, "send", { outcome: "done", result: { parcel: "p" }, ...ADA });
    expect(await (await runseal.resume(runId)).result()).toMatchObject({ status: "completed", output: { sum: 3 } });
  });

  test("and failed in doubt leaves the independent branch its results", async () => {
    const processes = make();
    const runId = await crashedIn(
      processes,
      "parcel.send",
      { name: "depot.both", args: { order: "o-1" } },
      { onFailure: "continue_independent" },
    );
    const { runseal } = openDepot(processes.second);
    for (const run of await runseal.recover()) await run.result();
    await runseal.resolveDoubt(runId, "send", { outcome: "failed", ...ADA });
    expect(await (await runseal.resume(runId)).result()).toMatchObject({ status: "failed", code: "doubt.failed" });
    expect((await runseal.status(runId)).steps.map(({ stepId, status }) => `${stepId} ${status}`)).toEqual([
      "send failed",
      "other completed",
      "after_other completed",
      "last skipped",
    ]);
  });

  test("is due at once when it is settled, so that recover() goes on with it by itself (D-073)", async () => {
    const { runseal, runId } = await inDoubt(make);
    expect(await runseal.recover()).toEqual([]);
    await runseal.resolveDoubt(runId, "send", { outcome: "done", result: { parcel: "p-9" }, ...ADA });
    const [run] = await runseal.recover();
    expect(await run?.result()).toMatchObject({ status: "completed", runId });
  });
});

describe("a doubt", () => {
  /** A manual verb that returns what can't be stored: done, and nobody knows with which result. */
  async function odd(stores: Stores = memoryStores(), options: Parameters<typeof openDepot>[1] = {}) {
    const first = { answers: { "parcel.send": () => ({ parcel: 7n, password: "correct-horse-battery" }) } };
    const { runseal, calls } = openDepot(stores, { ...first, ...options });
    const runbook = await sealed(runseal, DELIVER.name, DELIVER.args);
    const run = await runseal.execute(runbook.id);
    expect(await run.result()).toMatchObject({ status: "parked", reason: "in_doubt" });
    return { runseal, runId: run.runId, calls };
  }

  test("over a result that can't be stored comes with a picture of it, secrets taken out (decision 2.1b)", async () => {
    const { runseal } = await odd();
    const [doubt] = await runseal.doubts();
    expect(doubt).toMatchObject({ reason: expect.stringMatching("step.result_invalid"), attempt: 1 });
    expect(doubt?.rawRef).toMatch(/^[0-9a-f]{64}$/);
    expect(doubt?.raw).toEqual({ parcel: "[bigint 7]", password: "[REDACTED]" });
  });

  test("that comes back is another doubt, settled for itself", async () => {
    const { runseal, runId, calls } = await odd();
    await runseal.resolveDoubt(runId, "send", { outcome: "not_done", ...ADA });
    expect(await (await runseal.resume(runId)).result()).toMatchObject({ status: "parked", reason: "in_doubt" });
    const [doubt] = await runseal.doubts();
    expect(doubt).toMatchObject({ attempt: 2, isDecided: false });
    await runseal.resolveDoubt(runId, "send", { outcome: "done", result: { parcel: "p" }, ...ADA });
    expect(await (await runseal.resume(runId)).result()).toMatchObject({ status: "completed" });
    expect(calls.filter((call) => call === "parcel.send send")).toHaveLength(2);
  });

  test("is settled by whom the instance knows, and the credential is kept nowhere (decision 3.4)", async () => {
    const authenticate = (credential: unknown) =>
      credential === "s3cr3t-1" ? { issuer: "idp", subject: "ada", claims: {} } : null;
    const { runseal, runId } = await odd(memoryStores(), { authenticate });
    const unauthenticated = { code: "admission.unauthenticated", details: { call: "resolveDoubt" } };
    await expect(runseal.resolveDoubt(runId, "send", { outcome: "not_done", ...ADA })).rejects.toMatchObject(unauthenticated);
    await expect(runseal.resolveDoubt(runId, "send", { outcome: "not_done", credential: "wrong" })).rejects.toMatchObject(
      unauthenticated,
    );
    await runseal.resolveDoubt(runId, "send", { outcome: "failed", credential: "s3cr3t-1" });
    expect(await (await runseal.resume(runId)).result()).toMatchObject({ status: "failed", code: "doubt.failed" });
    const events = [];
    for await (const event of runseal.history(runId)) events.push(event);
    expect(JSON.stringify(events)).not.toContain("s3cr3t-1");
    expect(events.find((event) => event.kind === "decision.made")?.payload).toMatchObject({
      issuer: "idp",
      vouchedBy: "authenticated",
    });
  });

  test("that is settled while another step runs is taken up by the process that holds the run", async () => {
    const { called, answer } = hanging();
    let free = (_value: unknown): void => undefined;
    const held = new Promise((resolve) => {
      free = resolve;
    });
    const { runseal } = openDepot(memoryStores(), {
      answers: {
        "parcel.send": () => ({ parcel: 7n }),
        "goods.take": async () => {
          void answer();
          await held;
          return { ticket: "t", left: 1 };
        },
      },
    });
    const outcome = await runseal.compile(
      { name: "depot.both", args: { order: "o-1" } },
      { intent: "t", execution: { onFailure: "continue_independent" } },
    );
    if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
    const run = await runseal.execute(outcome.runbook.id);
    await called;
    expect(await runseal.doubts()).toMatchObject([{ runId: run.runId, stepId: "send" }]);
    await runseal.resolveDoubt(run.runId, "send", { outcome: "done", result: { parcel: "p" }, ...ADA });
    free(undefined);
    expect(await run.result()).toMatchObject({ status: "completed", output: { sum: 3 } });
  });

  test("of a contract that this catalog has no more can be given up, and no result for it can be checked", async () => {
    const stores = memoryStores();
    const { runId } = await odd(stores);
    const { createCatalog, createRunseal, allowAll } = await import("runseal");
    const empty = createRunseal({ catalog: createCatalog({ verbs: [] }), stores, policy: allowAll() });
    await expect(empty.resolveDoubt(runId, "send", { outcome: "done", result: { parcel: "p" }, ...ADA })).rejects.toMatchObject({
      code: "admission.contract_drift",
      details: { verb: "parcel.send@1", current: null },
    });
    await empty.resolveDoubt(runId, "send", { outcome: "failed", ...ADA });
    expect(await empty.doubts()).toMatchObject([{ isDecided: true }]);
  });
});
