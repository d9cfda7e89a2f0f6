import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Runseal, Stores } from "runseal";
import { allowAll, approvalPolicy, createCatalog, createRunseal, defineVerb, isRunsealError, memoryStores } from "runseal";
import { STORES, ask, asked, depot, openDepot, note, put, recall, sealed, send, sum, take } from "./depot.js";

const ADA = { principal: { subject: "ada" } } as const;

/** The depot after a deployment: other verbs over the same stores. */
function deployed(stores: Stores, verbs: readonly ReturnType<typeof defineVerb>[], handlers: object = {}): Runseal {
  return createRunseal({
    catalog: createCatalog({ verbs: verbs as never }),
    handlers: handlers as never,
    stores,
    policy: allowAll(),
  });
}

const takeMore = defineVerb({
  name: "goods.take",
  version: 1,
  effect: "write",
  recovery: "manual",
  args: take.args.extend({ count: z.int().max(5) }),
  result: take.result,
  undo: { verb: "goods.put", args: ({ args, result }) => ({ shelf: args.shelf, count: args.count, ticket: result.ticket }) },
});
const noteTwo = defineVerb({
  name: "ledger.note",
  version: 2,
  effect: "write",
  recovery: "idempotent",
  args: note.args,
  result: note.result,
});

describe.each(STORES)("check() over %s (decision 1.7)", (_kind, make) => {
  /** One run parked at its gate, one queued. */
  async function twoRuns() {
    const { first: stores } = make();
    const { runseal, calls } = openDepot(stores);
    const parked = await runseal.execute((await sealed(runseal, asked.name, { count: 1 }, "t-1")).id);
    expect(await parked.result()).toMatchObject({ status: "parked" });
    const queued = await runseal.submit((await sealed(runseal, asked.name, { count: 2 }, "t-2")).id);
    return { stores, runseal, calls, parked: parked.runId, queued: queued.runId };
  }

  test("finds nothing where the catalog and the handlers are the same, and calls none of them", async () => {
    const { runseal, calls } = await twoRuns();
    calls.length = 0;
    expect(await runseal.check()).toEqual([]);
    expect(calls).toEqual([]);
  });

  test("names runs, verbs, steps and the differing fields after a deployment", async () => {
    const { stores, parked, queued } = await twoRuns();
    const after = deployed(stores, [takeMore, put, noteTwo, ask], {
      "goods.take": () => null,
      "goods.put": () => null,
      "ledger.note": () => null,
    });
    const found = await after.check();
    expect(new Set(found.map(({ kind, runId, status, name }) => [kind, runId, status, name].join(" ")))).toEqual(
      new Set([`run ${queued} queued depot.asked`, `run ${parked} parked depot.asked`]),
    );
    expect(found[0]?.problems).toMatchObject([
      {
        verb: "goods.take@1",
        stepIds: ["take"],
        reason: "contract_changed",
        changes: [
          { path: "recovery", sealed: '"idempotent"', current: '"manual"' },
          { path: "args.count.max", sealed: null, current: "5" },
        ],
        message: "the catalog's contract of it has changed at recovery, args.count.max",
      },
      {
        verb: "ledger.note@1",
        stepIds: ["note"],
        reason: "version_missing",
        current: null,
        changes: [],
        message: "the catalog has no such version, only ledger.note@2",
      },
    ]);
  });

  test("agrees with admission: what it names can't be resumed, and what it does not can", async () => {
    const { stores, parked } = await twoRuns();
    const bare = deployed(stores, [recall]);
    expect((await bare.check()).map((finding) => finding.problems.map(({ verb, reason }) => `${verb} ${reason}`))).toEqual([
      ["goods.take@1 verb_missing", "boss.ask@1 verb_missing", "ledger.note@1 verb_missing"],
      ["goods.take@1 verb_missing", "boss.ask@1 verb_missing", "ledger.note@1 verb_missing"],
    ]);
    await expect(bare.resume(parked)).rejects.toMatchObject({ code: "admission.refused" });
    const unhandled = deployed(stores, [...depot.verbs]);
    expect((await unhandled.check())[0]?.problems.map(({ verb, reason }) => `${verb} ${reason}`)).toEqual([
      "goods.take@1 handler_missing",
      "ledger.note@1 handler_missing",
    ]);
    await expect(unhandled.resume(parked)).rejects.toSatisfy((error) => isRunsealError(error, "admission.refused"));
  });

  test("finds approved runbooks that nobody has started, and no others", async () => {
    const { first: stores } = make();
    const { runseal } = openDepot(stores, { approvals: approvalPolicy() });
    const approve = async (intent: string, decision: "approve" | "reject", expiresIn = 60_000) => {
      const runbook = await sealed(runseal, asked.name, { count: 1 }, intent);
      const { nonce } = await runseal.approve(runbook.id, { viewed: runbook.documentDigest, decision, expiresIn, ...ADA });
      return { runbook, nonce };
    };
    await sealed(runseal, asked.name, { count: 1 }, "not looked at");
    const waiting = await approve("approved", "approve");
    await approve("rejected", "reject");
    await approve("expired", "approve", 0);
    const revoked = await approve("revoked", "approve");
    await runseal.revokeApproval(revoked.runbook.id, revoked.nonce, ADA);
    const spent = await approve("spent", "approve");
    const run = await runseal.execute(spent.runbook.id);
    await run.result();
    await runseal.cancel(run.runId);
    const queued = await approve("approved and queued", "approve");
    const submitted = await runseal.submit(queued.runbook.id);
    const found = await deployed(stores, [recall]).check();
    expect(found.map(({ kind, runId, runbookId, status }) => [kind, runId, runbookId, status])).toEqual([
      ["run", submitted.runId, queued.runbook.id, "queued"],
      ["runbook", null, waiting.runbook.id, "approved"],
    ]);
    expect(await runseal.withScope("other").check()).toEqual([]);
  });
});

describe("check()", () => {
  test("reads past one page of runs, each runbook once", async () => {
    const stores = memoryStores();
    const { runseal } = openDepot(stores);
    const runbook = await runseal.compile({ name: sum.name, args: { values: [1] } }, { uses: "many", intent: "many" });
    if (runbook.kind !== "compiled") throw new TypeError(runbook.kind);
    for (let n = 0; n < 205; n += 1) await runseal.submit(runbook.runbook.id);
    let reads = 0;
    const counting = {
      ...stores,
      runbooks: {
        ...stores.runbooks,
        get: (...of: Parameters<Stores["runbooks"]["get"]>) => {
          reads += 1;
          return stores.runbooks.get(...of);
        },
      },
    };
    const found = await deployed(counting, [recall, send]).check();
    expect(found).toHaveLength(205);
    expect(new Set(found.map((finding) => finding.runId)).size).toBe(205);
    expect(reads).toBe(1);
  });

  test("goes on past a runbook that can't be read, and says so", async () => {
    const stores = memoryStores();
    const { runseal } = openDepot(stores);
    const good = await runseal.submit((await sealed(runseal, asked.name, { count: 1 }, "good")).id);
    const lost = await sealed(runseal, asked.name, { count: 1 }, "lost");
    const torn = await sealed(runseal, asked.name, { count: 1 }, "torn");
    for (const runbook of [lost, torn]) await runseal.submit(runbook.id);
    const { RunsealError } = await import("runseal");
    const damaged: Stores = {
      ...stores,
      runbooks: {
        ...stores.runbooks,
        get: async (scope, id) => {
          if (id === lost.id) return undefined;
          if (id === torn.id) throw new RunsealError("store.corrupt", "torn", { what: "runbook", id, seq: null });
          return stores.runbooks.get(scope, id);
        },
      },
    };
    const found = await deployed(damaged, [recall]).check();
    expect(new Map(found.map(({ runbookId, unreadable }) => [runbookId, unreadable]))).toEqual(
      new Map([
        [torn.id, "torn"],
        [lost.id, `the runbook "${lost.id}" is not there`],
        [(await runseal.status(good.runId)).runbookId, undefined],
      ]),
    );
    const failing: Stores = {
      ...stores,
      runbooks: {
        ...stores.runbooks,
        get: () => Promise.reject(new RunsealError("store.busy", "busy", { waitedMs: 1 })),
      },
    };
    await expect(deployed(failing, [recall]).check()).rejects.toMatchObject({ code: "store.busy" });
  });
});
