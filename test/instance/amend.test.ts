import { describe, expect, test } from "vitest";
import { approvalPolicy, createWorker, memoryStores } from "runseal";
import { STORES, asked, askedAnew, crashedIn, deliver, deliverNoted, openDepot, sealed, story } from "./depot.js";

const ADA = { principal: { subject: "ada" } } as const;
const YES = { verdict: "approve", payload: { answer: "yes" }, ...ADA } as const;

describe.each(STORES)("amending a parked run over %s (decision 3.18)", (_kind, make) => {
  async function parked(options: Parameters<typeof openDepot>[1] = {}) {
    const { first: stores } = make();
    const opened = openDepot(stores, options);
    const runbook = await sealed(opened.runseal, asked.name, { count: 1 });
    const run = await opened.runseal.execute(runbook.id);
    expect(await run.result()).toMatchObject({ status: "parked", reason: "human_gate" });
    return { ...opened, stores, run, runbook };
  }

  test("carries what agrees, ends the run, and goes on in its place, in one commit", async () => {
    const { runseal, run, runbook, calls, stores } = await parked();
    const wanted = await sealed(runseal, askedAnew.name, { count: 1 });
    const plan = await runseal.amend(run.runId, wanted.id, { requestedBy: { subject: "bo" } });
    expect(plan).toMatchObject({
      carried: ["take"],
      notCarried: [
        { stepId: "more", reason: "new", status: null },
        { stepId: "note", reason: "not_completed", status: "pending" },
      ],
      diff: { added: ["more"], removed: ["ask"], changed: [{ id: "note", members: ["dependsOn"] }] },
    });
    expect(plan.runbook.id).not.toBe(wanted.id);
    expect(plan.runbook.document.requestedBy).toBe("host:bo");
    expect(plan.runbook.content.core.basis).toMatchObject({ kind: "amend", runId: run.runId, from: null });
    // until it starts, the run is as it was
    expect(await run.status()).toMatchObject({ status: "parked" });
    calls.length = 0;
    const commits: string[][] = [];
    const watched = openDepot({
      ...stores,
      events: {
        ...stores.events,
        commit: (writes, options) => {
          commits.push(writes.flatMap((write) => write.events.map((event) => event.kind)));
          return stores.events.commit(writes, options);
        },
      },
    });
    const next = await watched.runseal.execute(plan.runbook.id);
    expect(await next.result()).toMatchObject({ status: "completed", output: { line: 1, more: "t-1" } });
    expect(watched.calls).toEqual(["goods.take more", "ledger.note note"]);
    expect(commits.find((kinds) => kinds.includes("run.amended"))).toEqual([
      "run.submitted",
      "lease.taken",
      "run.started",
      "step.completed",
      "step.fenced",
      "run.amended",
      "run.canceled",
    ]);
    expect((await story(runseal, run.runId)).slice(-3)).toEqual([
      "step.fenced ask 0 amended",
      "run.amended",
      "run.canceled amended",
    ]);
    expect(await run.result()).toMatchObject({ status: "canceled", reason: "amended" });
    expect(await run.status()).toMatchObject({ isVoid: false });
    for (const runId of [run.runId, next.runId]) expect((await runseal.verify(runId)).problems).toEqual([]);
    // the run counts as the use of the plan that was replaced
    expect((await runseal.execute(runbook.id)).runId).toBe(run.runId);
    await expect(runseal.decide(run.runId, "ask", YES)).rejects.toMatchObject({ code: "run.terminal" });
  });

  test("lists what does not agree, and says what is done again", async () => {
    const { runseal, run } = await parked();
    const plan = await runseal.amend(run.runId, (await sealed(runseal, askedAnew.name, { count: 3 })).id);
    expect(plan.carried).toEqual([]);
    expect(plan.notCarried).toEqual([
      { stepId: "take", reason: "arguments_changed", status: "completed" },
      { stepId: "more", reason: "new", status: null },
      { stepId: "note", reason: "not_completed", status: "pending" },
    ]);
    expect(plan.runbook.document.remarks).toEqual([`"take" has completed in run ${run.runId}; it is done again`]);
  });

  test("needs an approval of its own, and leaves the run alone until it has one (decision 3.4)", async () => {
    const { first: stores } = make();
    const { runseal } = openDepot(stores, { approvals: approvalPolicy() });
    const runbook = await sealed(runseal, asked.name, { count: 1 });
    await runseal.approve(runbook.id, { viewed: runbook.documentDigest, ...ADA });
    const run = await runseal.execute(runbook.id);
    await run.result();
    const plan = await runseal.amend(run.runId, (await sealed(runseal, askedAnew.name, { count: 1 })).id);
    await expect(runseal.execute(plan.runbook.id)).rejects.toMatchObject({ code: "admission.approval_missing" });
    expect(await run.status()).toMatchObject({ status: "parked" });
    await runseal.approve(plan.runbook.id, { viewed: plan.runbook.documentDigest, ...ADA });
    expect(await (await runseal.execute(plan.runbook.id)).result()).toMatchObject({ status: "completed" });
    expect(await run.status()).toMatchObject({ status: "canceled", reason: "amended" });
  });

  test("is refused when the run has gone on since, or a message waits for it (admission.plan_stale)", async () => {
    const { runseal, run } = await parked();
    const plan = await runseal.amend(run.runId, (await sealed(runseal, askedAnew.name, { count: 1 })).id);
    await runseal.decide(run.runId, "ask", YES);
    const stale = { code: "admission.plan_stale", details: { path: `run/${run.runId}` } };
    await expect(runseal.execute(plan.runbook.id)).rejects.toMatchObject(stale);
    expect((await runseal.dryRun(plan.runbook.id)).blockers.map((blocker) => blocker.code)).toEqual(["admission.plan_stale"]);
    await expect(runseal.amend(run.runId, plan.runbook.id)).rejects.toMatchObject({
      code: "run.not_at_rest",
      message: expect.stringContaining("1 messages wait for it"),
    });
    await (await runseal.resume(run.runId)).result();
    await expect(runseal.execute(plan.runbook.id)).rejects.toMatchObject(stale);
    expect(await runseal.list({ runbookId: plan.runbook.id })).toEqual([]);
    await expect(runseal.amend(run.runId, plan.runbook.id)).rejects.toMatchObject({
      code: "run.not_at_rest",
      details: { status: "completed" },
    });
  });

  test("keeps a doubt in doubt, under its key, until a person settles it (decision 4.6a)", async () => {
    const processes = make();
    const runId = await crashedIn(processes, "parcel.send", { name: deliver.name, args: { order: "o-1", count: 2 } });
    const { runseal, keys, calls } = openDepot(processes.second);
    for (const run of await runseal.recover()) await run.result();
    const [doubt] = await runseal.doubts();
    const wanted = await sealed(runseal, deliverNoted.name, { order: "o-1", count: 2 });
    const plan = await runseal.amend(runId, wanted.id);
    expect(plan.runbook.content.core.basis?.steps).toEqual([
      { stepId: "take", as: "completed", digest: expect.any(String), keyRunId: runId },
      { stepId: "send", as: "in_doubt", keyRunId: runId },
    ]);
    expect(plan.preview.text).toContain("in doubt: waits until a person says whether it happened");
    const next = await runseal.execute(plan.runbook.id);
    expect(await next.result()).toMatchObject({ status: "parked", reason: "in_doubt", stepId: "send" });
    expect(calls).toEqual([]);
    expect(await runseal.doubts()).toEqual([
      {
        ...doubt,
        runId: next.runId,
        runbookId: plan.runbook.id,
        attempt: 0,
        reason: `taken over from run "${runId}": the process ended during the attempt`,
        since: expect.any(Number),
      },
    ]);
    await runseal.resolveDoubt(next.runId, "send", { outcome: "not_done", ...ADA });
    expect(await (await runseal.resume(next.runId)).result()).toMatchObject({ status: "completed", output: { parcel: "p-t-2" } });
    expect(keys["send"]).toEqual([doubt?.idempotencyKey]);
    expect(keys["note"]).not.toContain(doubt?.idempotencyKey);
    expect((await story(runseal, next.runId)).filter((line) => line.includes(" send"))).toEqual([
      `step.in_doubt send 0 carried taken over from run "${runId}": the process ended during the attempt`,
      "run.parked send in_doubt",
      "decision.made send 0 not_done",
      "step.failed send 0 doubt.not_done",
      "step.entered send 1",
      "step.completed send 1",
    ]);
    expect((await runseal.verify(next.runId)).problems).toEqual([]);
    // each run undoes what it did itself: the doubt is the successor's
    expect(await runseal.undoPlan(runId)).toMatchObject({ undone: ["take"], left: [{ stepId: "send", reason: "carried" }] });
    expect(await runseal.undoPlan(next.runId, { allowPartial: true })).toMatchObject({
      undone: ["send"],
      left: [
        { stepId: "note", reason: "no_inverse" },
        { stepId: "take", reason: "carried" },
      ],
    });
  });

  test("leaves the run as it was when a worker finds the new plan stale (decision 3.2)", async () => {
    const { runseal, run } = await parked();
    const plan = await runseal.amend(run.runId, (await sealed(runseal, askedAnew.name, { count: 1 })).id);
    const queued = await runseal.submit(plan.runbook.id);
    await runseal.decide(run.runId, "ask", YES);
    await createWorker(runseal).tick({ budgetMs: 5_000 });
    expect(await run.result()).toMatchObject({ status: "completed", output: { line: 1 } });
    expect(await queued.result()).toMatchObject({ status: "failed", code: "admission.plan_stale" });
    expect(await queued.status()).toMatchObject({ isVoid: true });
  });

  test("is refused where the new plan would lose a doubt (amend.not_possible)", async () => {
    const processes = make();
    const runId = await crashedIn(processes, "parcel.send", { name: deliver.name, args: { order: "o-1", count: 2 } });
    const { runseal } = openDepot(processes.second);
    for (const run of await runseal.recover()) await run.result();
    for (const wanted of [
      await sealed(runseal, deliverNoted.name, { order: "o-2", count: 2 }),
      await sealed(runseal, asked.name, { count: 2 }),
    ]) {
      await expect(runseal.amend(runId, wanted.id)).rejects.toMatchObject({
        code: "amend.not_possible",
        details: { runId, steps: ["send"] },
      });
    }
  });

  test("takes a paused run, and what was amended can be amended again, keys and all", async () => {
    const { runseal, run, keys } = await parked();
    const plan = await runseal.amend(run.runId, (await sealed(runseal, asked.name, { count: 1 }, "t-2")).id);
    await expect(runseal.amend(run.runId, plan.runbook.id)).rejects.toMatchObject({
      code: "amend.not_possible",
      details: { runId: run.runId, steps: [] },
    });
    const second = await runseal.execute(plan.runbook.id);
    expect(await second.result()).toMatchObject({ status: "parked", reason: "human_gate" });
    const again = await runseal.amend(second.runId, (await sealed(runseal, askedAnew.name, { count: 1 }, "t-3")).id);
    expect(again.runbook.content.core.basis?.steps).toEqual([
      { stepId: "take", as: "completed", digest: expect.any(String), keyRunId: run.runId },
    ]);
    expect(await (await runseal.execute(again.runbook.id)).result()).toMatchObject({ status: "completed" });
    expect(keys["take"]).toHaveLength(1);
  });
});

describe("amend", () => {
  test("starts again after a run of it that came to nothing: the run it ended stays ended (decision 1.6)", async () => {
    const stores = memoryStores();
    const { runseal } = openDepot(stores, { lockDeadlineMs: 20 });
    const run = await runseal.execute((await sealed(runseal, asked.name, { count: 1 })).id);
    await run.result();
    const plan = await runseal.amend(run.runId, (await sealed(runseal, askedAnew.name, { count: 1 })).id);
    const end = await runseal.withLocks([{ kind: "shelf", id: "s-2" }], async () => {
      return (await runseal.execute(plan.runbook.id)).result();
    });
    expect(end).toMatchObject({ status: "failed", code: "lock.contention" });
    expect(await run.status()).toMatchObject({ status: "canceled", reason: "amended" });
    const again = await runseal.execute(plan.runbook.id);
    expect(again.runId).not.toBe(end.runId);
    expect(await again.result()).toMatchObject({ status: "completed" });
  });

  test("of a run that was canceled otherwise, or is gone, is stale", async () => {
    const { runseal } = openDepot(memoryStores());
    const run = await runseal.execute((await sealed(runseal, asked.name, { count: 1 })).id);
    await run.result();
    const plan = await runseal.amend(run.runId, (await sealed(runseal, askedAnew.name, { count: 1 })).id);
    await runseal.cancel(run.runId, "no longer wanted");
    await expect(runseal.execute(plan.runbook.id)).rejects.toMatchObject({ code: "admission.plan_stale" });
    await expect(runseal.amend(run.runId, plan.runbook.id)).rejects.toMatchObject({ code: "run.not_at_rest" });
  });

  test("refuses a run that runs or waits in a queue, and what is not there", async () => {
    const { runseal } = openDepot(memoryStores());
    const wanted = await sealed(runseal, askedAnew.name, { count: 1 });
    const queued = await runseal.submit((await sealed(runseal, asked.name, { count: 1 })).id);
    await expect(runseal.amend(queued.runId, wanted.id)).rejects.toMatchObject({
      code: "run.not_at_rest",
      details: { status: "queued" },
    });
    await expect(runseal.amend(queued.runId, "rb_none")).rejects.toMatchObject({ code: "runbook.not_found" });
    await expect(runseal.amend("no-run", wanted.id)).rejects.toMatchObject({ code: "run.not_found" });
  });
});
