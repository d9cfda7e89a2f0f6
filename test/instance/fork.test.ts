import { describe, expect, test } from "vitest";
import { allowVerbs, approvalPolicy, createCatalog, createRunseal, allowAll, memoryStores } from "runseal";
import { STORES, ask, asked, crashedIn, deliver, openDepot, recall, sealed, story } from "./depot.js";

const ADA = { principal: { subject: "ada" } } as const;
const DELIVER = { order: "o-1", count: 2 } as const;

describe.each(STORES)("a fork over %s (decision 3.18)", (_kind, make) => {
  /** Delivered, except that sending failed. */
  async function failed() {
    const { first: stores } = make();
    const broken = openDepot(stores, {
      answers: {
        "parcel.send": () => {
          throw Object.assign(new Error("no stamps"), { code: "post.no_stamps", category: "policy", retryable: false });
        },
      },
    });
    const runbook = await sealed(broken.runseal, deliver.name, DELIVER);
    const run = await broken.runseal.execute(runbook.id);
    expect(await run.result()).toMatchObject({ status: "failed", code: "post.no_stamps" });
    return { ...openDepot(stores), stores, runbook, runId: run.runId, before: broken };
  }

  test("carries the steps before it and runs the rest, under new idempotency keys (decision 4.6a)", async () => {
    const { runseal, runbook, runId, calls, keys, before } = await failed();
    const source = await runseal.status(runId);
    const plan = await runseal.fork(runId, { from: "send" });
    expect(plan).toMatchObject({
      isNew: true,
      carried: ["take"],
      notCarried: [
        { stepId: "send", reason: "from_here", status: "failed" },
        { stepId: "total", reason: "from_here", status: "skipped" },
      ],
    });
    expect(plan.runbook.id).not.toBe(runbook.id);
    expect(plan.runbook.content.core.basis).toEqual({
      kind: "fork",
      runId,
      headHash: source.hash,
      from: "send",
      steps: [{ stepId: "take", as: "completed", digest: expect.stringMatching(/^[0-9a-f]{64}$/) }],
    });
    expect(plan.preview.text).toContain(`made from   fork of run ${runId} from send`);
    expect(plan.preview.text).toContain("done already: its result is carried over, nothing is called");
    expect(plan.preview.writes.map(({ kind, id }) => `${kind}:${id}`)).toEqual(["order:o-1"]);
    expect(plan.diff).toMatchObject({ isSame: false, core: ["core.basis"], added: [], removed: [], changed: [] });

    const run = await runseal.execute(plan.runbook.id);
    expect(await run.result()).toMatchObject({ status: "completed", output: { parcel: "p-t-2", total: 9 } });
    expect(calls).toEqual(["parcel.send send", "math.sum total"]);
    expect(keys["send"]?.[0]).not.toBe(before.keys["send"]?.[0]);
    expect((await story(runseal, run.runId)).slice(0, 5)).toEqual([
      "run.submitted",
      "lease.taken",
      "run.started",
      "run.forked",
      "step.completed take 0 carried",
    ]);
    const forked = [];
    for await (const event of runseal.history(run.runId)) if (event.kind === "run.forked") forked.push(event.payload);
    expect(forked).toEqual([{ runbookId: runbook.id, runId, from: "send" }]);
    expect(await runseal.status(runId)).toEqual(source);
    expect((await runseal.verify(run.runId)).problems).toEqual([]);
    expect((await runseal.verify(runId)).problems).toEqual([]);
  });

  test("is one runbook however often it is made, and needs an approval of its own (decision 3.4)", async () => {
    const { runId, stores } = await failed();
    const { runseal } = openDepot(stores, { approvals: approvalPolicy() });
    const plan = await runseal.fork(runId, { from: "send" });
    const again = await runseal.fork(runId, { from: "send" });
    expect([again.runbook.id, again.isNew]).toEqual([plan.runbook.id, false]);
    const other = await runseal.fork(runId, { from: "send", intent: "second try", requestedBy: { subject: "bo" } });
    expect(other.runbook.id).not.toBe(plan.runbook.id);
    expect(other.runbook.document.requestedBy).toBe("host:bo");
    await expect(runseal.execute(plan.runbook.id)).rejects.toMatchObject({ code: "admission.approval_missing" });
    await runseal.approve(plan.runbook.id, { viewed: plan.runbook.documentDigest, ...ADA });
    const run = await runseal.execute(plan.runbook.id);
    expect(await run.result()).toMatchObject({ status: "completed" });
    await expect(runseal.execute(other.runbook.id)).rejects.toMatchObject({ code: "admission.approval_missing" });
  });

  test("from the first step carries nothing and asks everything again", async () => {
    const { runseal, runId, calls } = await failed();
    const plan = await runseal.fork(runId, { from: "take" });
    expect(plan.carried).toEqual([]);
    expect(plan.runbook.content.core.basis).not.toHaveProperty("steps");
    expect(plan.runbook.document.remarks).toContain(`"take" has completed in run ${runId}; it is done again`);
    await (await runseal.execute(plan.runbook.id)).result();
    expect(calls).toEqual(["goods.take take", "parcel.send send", "math.sum total"]);
  });

  test("of a fork carries on what that one had carried", async () => {
    const { runseal, runId } = await failed();
    const first = await runseal.fork(runId, { from: "send" });
    const run = await runseal.execute(first.runbook.id);
    await run.result();
    const second = await runseal.fork(run.runId, { from: "total" });
    expect(second.carried).toEqual(["take", "send"]);
    const end = await (await runseal.execute(second.runbook.id)).result();
    expect(end).toMatchObject({ status: "completed", output: { parcel: "p-t-2", total: 9 } });
  });

  test("whose process is gone after its start goes on with what it had taken over (X.5-10)", async () => {
    const processes = make();
    const { runseal } = openDepot(processes.second);
    const failing = openDepot(processes.second, {
      answers: {
        "parcel.send": () => {
          throw Object.assign(new Error("no"), { code: "post.no", category: "policy", retryable: false });
        },
      },
    });
    const run = await failing.runseal.execute((await sealed(failing.runseal, deliver.name, DELIVER)).id);
    await run.result();
    const plan = await runseal.fork(run.runId, { from: "send" });
    // a start in another process, which is gone at once
    const { claimRun } = await import("../../src/engine/claim-run.js");
    const { partsOf } = await import("../../src/instance/parts-of.js");
    const gone = openDepot(processes.first);
    const submitted = await gone.runseal.submit(plan.runbook.id);
    const claim = {
      scope: "default",
      runId: submitted.runId,
      runbook: plan.runbook,
      reason: "requested",
      approvals: null,
    } as const;
    await claimRun(partsOf(gone.runseal).engine, { ...claim, build: {} });
    await processes.outlast();
    const [taken] = await runseal.recover();
    expect(await taken?.result()).toMatchObject({ status: "completed", output: { parcel: "p-t-2", total: 9 } });
    expect((await story(runseal, submitted.runId)).filter((line) => line.includes(" take "))).toEqual([
      "step.completed take 0 carried",
    ]);
  });

  test("carries large results and the context as they are", async () => {
    const { first: stores } = make();
    const big = "x".repeat(60_000);
    const { runseal } = openDepot(stores, {
      answers: {
        "goods.take": (_args: never, ctx) => {
          (ctx as unknown as { set: (key: string, value: unknown) => void }).set("shelf", "found");
          (ctx as unknown as { set: (key: string, value: unknown) => void }).set("map", big);
          return { ticket: big, left: 1 };
        },
        "parcel.send": async (_args: never, ctx) => {
          const { get } = ctx as unknown as { get: (key: string) => unknown };
          return { parcel: `${String(await get("shelf"))} ${String(await get("map")).length}` };
        },
      },
    });
    const run = await runseal.execute((await sealed(runseal, deliver.name, DELIVER)).id);
    expect(await run.result()).toMatchObject({ status: "completed", output: { parcel: "found 60000" } });
    const plan = await runseal.fork(run.runId, { from: "send" });
    const forked = await runseal.execute(plan.runbook.id);
    expect(await forked.result()).toMatchObject({ status: "completed", output: { parcel: "found 60000" } });
    expect((await runseal.verify(forked.runId)).problems).toEqual([]);
    const kinds = [];
    for await (const event of runseal.history(forked.runId)) {
      if (event.kind === "artifact.written") kinds.push(event.payload.kind);
    }
    expect(kinds.filter((kind) => kind === "result" || kind === "context_delta").sort()).toEqual(["context_delta", "result"]);
  });
});

describe("fork", () => {
  async function parked() {
    const stores = memoryStores();
    const { runseal, calls } = openDepot(stores);
    const run = await runseal.execute((await sealed(runseal, asked.name, { count: 1 })).id);
    expect(await run.result()).toMatchObject({ status: "parked", reason: "human_gate" });
    return { runseal, stores, run, calls };
  }

  test("takes a parked run too, which goes on for itself", async () => {
    const { runseal, run } = await parked();
    const plan = await runseal.fork(run.runId, { from: "ask" });
    const forked = await runseal.execute(plan.runbook.id);
    expect(await forked.result()).toMatchObject({ status: "parked", reason: "human_gate" });
    for (const { runId } of [run, forked]) {
      await runseal.decide(runId, "ask", { verdict: "approve", payload: { answer: "yes" }, ...ADA });
      expect(await (await runseal.resume(runId)).result()).toMatchObject({ status: "completed" });
    }
  });

  test("refuses a run that is not at rest, a step that is none, and a run that is not there", async () => {
    const { runseal, run } = await parked();
    const queued = await runseal.submit((await sealed(runseal, asked.name, { count: 2 }, "t-2")).id);
    await expect(runseal.fork(queued.runId, { from: "ask" })).rejects.toMatchObject({
      code: "run.not_at_rest",
      details: { runId: queued.runId, status: "queued" },
    });
    await expect(runseal.fork(run.runId, { from: "nowhere" })).rejects.toMatchObject({
      code: "run.invalid_option",
      message: expect.stringContaining('"take", "ask", "note"; "nowhere" is none'),
    });
    await expect(runseal.fork("no-run", { from: "ask" })).rejects.toMatchObject({ code: "run.not_found" });
  });

  test("asks the policy again for what will be called", async () => {
    const { stores, run } = await parked();
    const strict = openDepot(stores, { policy: allowVerbs(["boss.*", "goods.take"]) });
    await expect(strict.runseal.fork(run.runId, { from: "ask" })).rejects.toMatchObject({
      code: "compile.refused",
      details: { reason: 'the policy does not allow "ledger.note@1"' },
    });
    const throwing = { name: "down", allowed: () => Promise.reject(new Error("down")) };
    await expect(openDepot(stores, { policy: throwing }).runseal.fork(run.runId, { from: "ask" })).rejects.toMatchObject({
      code: "compile.refused",
      details: { reason: "no policy said which verbs are allowed" },
    });
  });

  test("says what is done again although its effect may have happened", async () => {
    const processes = STORES[0]?.[1]();
    if (processes === undefined) throw new TypeError("no stores");
    const runId = await crashedIn(processes, "parcel.send", { name: deliver.name, args: DELIVER });
    const { runseal } = openDepot(processes.second);
    for (const run of await runseal.recover()) await run.result();
    const plan = await runseal.fork(runId, { from: "send" });
    expect(plan.runbook.document.remarks).toEqual([
      `"send" was begun in run ${runId} and is in doubt there: its effect may have happened; it is done again`,
    ]);
    expect(plan.preview.text).toContain("its effect may have happened");
  });

  test("needs no handler for what is carried, and a contract of it that has changed does not matter (decision 1.7)", async () => {
    const { stores, run } = await parked();
    const later = createRunseal({
      catalog: createCatalog({ verbs: [ask, recall] }),
      handlers: { "parcel.recall": async () => ({}) },
      stores,
      policy: allowAll(),
    });
    const plan = await later.fork(run.runId, { from: "ask" });
    // `note` is missing, `take` is not asked for
    expect((await later.dryRun(plan.runbook.id)).blockers.map((blocker) => blocker.message)).toEqual([
      'the runbook was sealed against another "ledger.note@1": the catalog has no such verb; seal it again',
    ]);
  });

  test("does not start when the run no longer says what was sealed", async () => {
    const { runseal, stores, run } = await parked();
    const plan = await runseal.fork(run.runId, { from: "ask" });
    const { carriedDigestOf } = await import("../../src/model/carried-digest.js");
    const basis = plan.runbook.content.core.basis;
    expect(basis?.steps?.[0]?.digest).toBe(carriedDigestOf({ ticket: "t-1", left: 9 }, undefined));
    const { reseal } = await import("../../src/compile/reseal.js");
    if (basis === undefined) throw new TypeError("no basis");
    for (const step of [
      { stepId: "take", as: "completed", digest: "0".repeat(64) },
      { stepId: "note", as: "completed", digest: "0".repeat(64) },
    ] as const) {
      const forged = reseal(plan.runbook, { basis: { ...basis, steps: [step] }, remarks: [], isUnderway: true });
      await stores.runbooks.put(forged);
      await expect(runseal.execute(forged.id)).rejects.toMatchObject({
        code: "store.corrupt",
        message: `run "${run.runId}" no longer has the result of "${step.stepId}" that was sealed`,
      });
    }
  });
});
