import { describe, expect, test } from "vitest";
import { allowAll, allowVerbs, approvalPolicy, createCatalog, createRunseal, isRunsealError, memoryStores } from "runseal";
import type { Stores } from "runseal";
import { allowUnlocked, failingStores, manualClock } from "runseal/testing";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { STORES, asked, both, crashedIn, deliver, hanging, note, openDepot, recall, sealed, send, story, sum } from "./depot.js";

const ADA = { principal: { subject: "ada" } } as const;
const DELIVER = { order: "o-1", count: 2 } as const;

async function delivered(stores: Stores, options: Parameters<typeof openDepot>[1] = {}) {
  const opened = openDepot(stores, options);
  const runbook = await sealed(opened.runseal, deliver.name, DELIVER);
  const run = await opened.runseal.execute(runbook.id);
  expect(await run.result()).toMatchObject({ status: "completed" });
  opened.calls.length = 0;
  return { ...opened, runbook, runId: run.runId };
}

describe.each(STORES)("undoing a run over %s (decision 3.18)", (_kind, make) => {
  test("calls the declared inverses in reverse, with arguments from what was recorded", async () => {
    const received: unknown[] = [];
    const { runseal, runId, runbook, calls } = await delivered(make().first, {
      answers: {
        "parcel.recall": (args) => {
          received.push(args);
          return {};
        },
        "goods.put": (args) => {
          received.push(args);
          return { left: 12 };
        },
      },
    });
    const source = await runseal.status(runId);
    const plan = await runseal.undoPlan(runId);
    expect(plan).toMatchObject({ isNew: true, undone: ["send", "take"], left: [] });
    expect(plan.runbook.content.core.basis).toEqual({ kind: "undo", runId, headHash: source.hash, from: null });
    expect(plan.runbook.steps.map(({ id, verb, dependsOn }) => [id, verb, dependsOn])).toEqual([
      ["undo/send", "parcel.recall@1", []],
      ["undo/take", "goods.put@1", ["undo/send"]],
    ]);
    expect(plan.preview.text).toContain(`made from   undo of run ${runId}`);
    expect(plan.preview.writes.map(({ kind, id }) => `${kind}:${id}`)).toEqual(["parcel:p-t-2", "shelf:s-1"]);
    expect(plan.diff).toMatchObject({ a: runbook.id, b: plan.runbook.id, added: ["undo/send", "undo/take"] });

    const run = await runseal.execute(plan.runbook.id, { concurrency: 4 });
    expect(await run.result()).toMatchObject({ status: "completed" });
    expect(calls).toEqual(["parcel.recall undo/send", "goods.put undo/take"]);
    expect(received).toEqual([{ parcel: "p-t-2" }, { shelf: "s-1", count: 2, ticket: "t-2" }]);
    expect(await runseal.status(runId)).toEqual(source);
    expect((await runseal.verify(run.runId)).problems).toEqual([]);
    // undone once, however often it is asked for
    const again = await runseal.undoPlan(runId);
    expect([again.runbook.id, again.isNew]).toEqual([plan.runbook.id, false]);
    expect((await runseal.execute(again.runbook.id)).runId).toBe(run.runId);
  });

  test("needs an approval of its own (decision 3.4)", async () => {
    const { first: stores } = make();
    const { runId } = await delivered(stores);
    const { runseal } = openDepot(stores, { approvals: approvalPolicy() });
    const plan = await runseal.undoPlan(runId, { requestedBy: { subject: "ada" }, intent: "ticket-43" });
    expect(plan.runbook.content.intent).toBe("ticket-43");
    await expect(runseal.execute(plan.runbook.id)).rejects.toMatchObject({ code: "admission.approval_missing" });
    await runseal.approve(plan.runbook.id, { viewed: plan.runbook.documentDigest, ...ADA });
    // not the requester
    await expect(runseal.execute(plan.runbook.id)).rejects.toMatchObject({ code: "admission.approval_missing" });
    await runseal.approve(plan.runbook.id, { viewed: plan.runbook.documentDigest, principal: { subject: "bo" } });
    expect(await (await runseal.execute(plan.runbook.id)).result()).toMatchObject({ status: "completed" });
  });

  test("refuses as a whole where a step has no inverse, naming all, unless it may be partial (undo.not_possible)", async () => {
    const { first: stores } = make();
    const { runseal, calls } = openDepot(stores);
    const run = await runseal.execute((await sealed(runseal, asked.name, { count: 1 })).id);
    await run.result();
    await runseal.decide(run.runId, "ask", { verdict: "approve", payload: { answer: "yes" }, ...ADA });
    await expect(runseal.undoPlan(run.runId)).rejects.toMatchObject({
      code: "run.not_at_rest",
      details: { runId: run.runId, status: "parked" },
    });
    await (await runseal.resume(run.runId)).result();
    await expect(runseal.undoPlan(run.runId)).rejects.toMatchObject({
      code: "undo.not_possible",
      message: `run "${run.runId}" can't be undone as a whole: "note": its verb declares no inverse`,
      details: { runId: run.runId, steps: [{ stepId: "note", reason: "no_inverse" }] },
    });
    const plan = await runseal.undoPlan(run.runId, { allowPartial: true });
    expect(plan).toMatchObject({ undone: ["take"], left: [{ stepId: "note", reason: "no_inverse" }] });
    const remark = `"note" of run ${run.runId} is left as it is: its verb declares no inverse`;
    expect(plan.runbook.document.remarks).toEqual([remark]);
    expect(plan.preview.text).toContain(remark);
    calls.length = 0;
    await (await runseal.execute(plan.runbook.id)).result();
    expect(calls).toEqual(["goods.put undo/take"]);
  });

  test("of an undo does it again, and of a fork leaves what was carried to the run that did it", async () => {
    const { runseal, runId, calls } = await delivered(make().first);
    const undo = await runseal.undoPlan(runId, { allowPartial: true });
    const undone = await runseal.execute(undo.runbook.id);
    await undone.result();
    await expect(runseal.undoPlan(undone.runId)).rejects.toMatchObject({
      code: "undo.not_possible",
      details: { steps: [{ stepId: "undo/send", reason: "no_inverse" }] },
    });
    const redo = await runseal.undoPlan(undone.runId, { allowPartial: true });
    expect(redo.undone).toEqual(["undo/take"]);
    calls.length = 0;
    await (await runseal.execute(redo.runbook.id)).result();
    expect(calls).toEqual(["goods.take undo/undo/take"]);

    const fork = await runseal.execute((await runseal.fork(runId, { from: "send" })).runbook.id);
    await fork.result();
    const unfork = await runseal.undoPlan(fork.runId);
    expect(unfork).toMatchObject({ undone: ["send"], left: [{ stepId: "take", reason: "carried" }] });
    calls.length = 0;
    await (await runseal.execute(unfork.runbook.id)).result();
    expect(calls).toEqual(["parcel.recall undo/send"]);
  });

  test.each(["crash_before", "crash_after"] as const)(
    "that a process dies in, at any commit (%s), goes on to the same end: each inverse recorded once, in reverse (reliability row 10)",
    async (mode) => {
      let crashes = 0;
      for (let at = 1; ; at += 1) {
        const processes = make();
        const { first, second, outlast } = processes;
        const { runseal, runId } = await delivered(second);
        const plan = await runseal.undoPlan(runId);
        const run = await runseal.submit(plan.runbook.id);
        const dying = failingStores(withoutLocks(first), [{ mode, at, call: "events.commit" }]);
        const gone = openDepot(dying, { clock: manualClock(), unlocked: allowUnlocked() });
        void gone.runseal.resume(run.runId).catch(() => undefined);
        await eventually("the process is dead, or done", async () => {
          return dying.isCrashed || (await run.status()).status === "completed";
        });
        if (dying.isCrashed) {
          crashes += 1;
          await outlast();
          for (const taken of await runseal.recover()) await taken.result();
        }
        expect((await run.status()).status).toBe("completed");
        const completed = (await story(runseal, run.runId)).filter((line) => line.startsWith("step.completed"));
        expect(completed.map((line) => line.split(" ")[1])).toEqual(["undo/send", "undo/take"]);
        expect((await runseal.verify(run.runId)).problems).toEqual([]);
        if (!dying.isCrashed) break;
      }
      expect(crashes).toBeGreaterThanOrEqual(3);
    },
  );

  test("that a process dies in, inside any inverse, calls that one again under the same key (reliability row 10)", async () => {
    for (const [verb, stepId] of [
      ["parcel.recall", "undo/send"],
      ["goods.put", "undo/take"],
    ] as const) {
      const { first, second, outlast } = make();
      const { runseal, runId, calls, keys } = await delivered(second);
      const plan = await runseal.undoPlan(runId);
      const run = await runseal.submit(plan.runbook.id);
      const { called, answer } = hanging();
      const gone = openDepot(withoutLocks(first), {
        answers: { [verb]: answer },
        clock: manualClock(),
        unlocked: allowUnlocked(),
      });
      await gone.runseal.resume(run.runId);
      await called;
      await outlast();
      for (const taken of await runseal.recover()) expect(await taken.result()).toMatchObject({ status: "completed" });
      expect(keys[stepId]).toEqual(gone.keys[stepId]);
      expect([...gone.calls.slice(0, -1), ...calls]).toEqual(["parcel.recall undo/send", "goods.put undo/take"]);
    }
  });
});

function withoutLocks(stores: Stores): Stores {
  const { locks: _locks, ...others } = stores;
  return others;
}

describe("undoPlan", () => {
  test("counts what may have happened as in the way: in doubt, or canceled in the middle", async () => {
    for (const [_kind, make] of STORES) {
      const processes = make();
      const runId = await crashedIn(processes, "parcel.send", { name: deliver.name, args: DELIVER });
      const { runseal } = openDepot(processes.second);
      for (const run of await runseal.recover()) await run.result();
      await runseal.cancel(runId);
      await expect(runseal.undoPlan(runId)).rejects.toMatchObject({
        code: "undo.not_possible",
        details: { steps: [{ stepId: "send", reason: "unsure" }] },
      });
      expect(await runseal.undoPlan(runId, { allowPartial: true })).toMatchObject({
        undone: ["take"],
        left: [{ stepId: "send", reason: "unsure" }],
      });
    }
  });

  test("lets a step that failed by its own word be, and takes those beside it in the order in which they ended", async () => {
    const { runseal } = openDepot(memoryStores(), {
      answers: {
        "parcel.send": () => {
          throw Object.assign(new Error("no stamps"), { code: "post.no_stamps", category: "policy", retryable: false });
        },
      },
    });
    const outcome = await runseal.compile(
      { name: both.name, args: { order: "o-1" } },
      { intent: "t", execution: { onFailure: "continue_independent" } },
    );
    if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
    const run = await runseal.execute(outcome.runbook.id);
    expect(await run.result()).toMatchObject({ status: "failed" });
    expect(await runseal.undoPlan(run.runId)).toMatchObject({
      undone: ["after_other", "other"],
      left: [{ stepId: "send", reason: "failed" }],
    });
  });

  test("refuses a run that wrote nothing, and one that is not there", async () => {
    const { runseal } = openDepot(memoryStores());
    const run = await runseal.execute((await sealed(runseal, sum.name, { values: [1] })).id);
    await run.result();
    await expect(runseal.undoPlan(run.runId, { allowPartial: true })).rejects.toMatchObject({
      code: "undo.not_possible",
      message: `run "${run.runId}" wrote nothing that could be undone`,
      details: { steps: [] },
    });
    await expect(runseal.undoPlan("no-run")).rejects.toMatchObject({ code: "run.not_found" });
  });

  test("asks the policy for the inverses, and the catalog of today for the verbs", async () => {
    const stores = memoryStores();
    const { runId } = await delivered(stores);
    const strict = openDepot(stores, { policy: allowVerbs(["goods.*", "parcel.send", "math.sum"]) });
    await expect(strict.runseal.undoPlan(runId)).rejects.toMatchObject({
      code: "compile.refused",
      details: { reason: 'the policy does not allow "parcel.recall@1"' },
    });
    const later = createRunseal({ catalog: createCatalog({ verbs: [recall, send] }), stores, policy: allowAll() });
    await expect(later.undoPlan(runId)).rejects.toMatchObject({
      code: "undo.not_possible",
      details: { steps: [{ stepId: "take", reason: "inverse_missing" }] },
    });
    const declared = openDepot(stores, { writeSet: "declared" });
    expect((await declared.runseal.undoPlan(runId)).undone).toEqual(["send", "take"]);
  });

  test("does not call an inverse with what was taken out as a secret", async () => {
    const stores = memoryStores();
    const secret = ["ghp", "x".repeat(36)].join("_");
    const { runseal, runId } = await delivered(stores, { answers: { "parcel.send": () => ({ parcel: `p ${secret}` }) } });
    await expect(runseal.undoPlan(runId)).rejects.toMatchObject({
      code: "undo.not_possible",
      details: { steps: [{ stepId: "send", reason: "redacted" }] },
    });
  });

  test("is no call for a handler", async () => {
    const stores = memoryStores();
    const { runId } = await delivered(stores);
    const refused: unknown[] = [];
    const inner = openDepot(stores, {
      answers: {
        "ledger.note": async () => {
          for (const call of [
            () => inner.runseal.undoPlan(runId),
            () => inner.runseal.fork(runId, { from: "take" }),
            () => inner.runseal.amend(runId, "rb_"),
          ]) {
            await call().catch((error: unknown) => refused.push(isRunsealError(error, "compile.reexpansion_forbidden")));
          }
          return { line: 1 };
        },
      },
    });
    const run = await inner.runseal.execute((await sealed(inner.runseal, note.name, { book: "b", text: "t" }, "t-9")).id);
    expect(await run.result()).toMatchObject({ status: "completed" });
    expect(refused).toEqual([true, true, true]);
  });
});
