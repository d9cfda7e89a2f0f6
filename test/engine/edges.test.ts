import { describe, expect, test } from "vitest";
import type { LockManager } from "../../src/stores/lock-manager.js";
import { interceptStores } from "../../src/testing/intercept-stores.js";
import { Rig, rested } from "./rig.js";
import { RunsealError } from "../../src/errors/error.js";
import { buildRunbook, resultOf, written } from "./build-runbook.js";
import { claimRun } from "../../src/engine/claim-run.js";
import { decisionMessage, signalMessage } from "../../src/engine/inbox-message.js";

const work = { run: async () => null };

describe("arguments that can't be completed", () => {
  test("fail their step before the handler: an expression without a value, a late value that is too large, a check that throws", async () => {
    const throwing = (): never => {
      throw new TypeError("check");
    };
    const verbs = {
      "test.work": work,
      "test.big": { run: async () => "x".repeat(600_000) },
      "test.check": { run: async () => null, checkArgs: throwing },
    };
    const unknown = buildRunbook({ steps: [{ id: "a", args: { of: { $: "bind", name: "n", path: [] } } }] });
    expect(rested(await new Rig({ verbs }).execute(unknown)).result).toMatchObject({ code: "step.args_invalid", stepId: "a" });
    const large = buildRunbook({
      steps: [
        { id: "a", verb: "test.big" },
        { id: "b", args: [resultOf("a"), resultOf("a")], dependsOn: ["a"] },
      ],
    });
    expect(rested(await new Rig({ verbs }).execute(large)).result).toMatchObject({ code: "step.args_invalid", stepId: "b" });
    const check = buildRunbook({ steps: [{ id: "a", verb: "test.check" }] });
    expect(rested(await new Rig({ verbs }).execute(check)).result).toMatchObject({ code: "step.args_invalid", stepId: "a" });
  });

  test("that were absent are an empty object", async () => {
    const seen: unknown[] = [];
    const see = {
      run: async (args: unknown) => {
        seen.push(args);
        return null;
      },
    };
    const rig = new Rig({ verbs: { "test.work": work, "test.see": see } });
    const steps = [{ id: "a" }, { id: "b", verb: "test.see", args: resultOf("a", "nothing"), dependsOn: ["a"] }];
    expect(rested(await rig.execute(buildRunbook({ steps }))).result.status).toBe("completed");
    expect(seen).toEqual([{}]);
  });
});

describe("an output", () => {
  test("that names something without a value fails the run instead of inventing one", async () => {
    const rig = new Rig({ verbs: { "test.work": work } });
    const runbook = buildRunbook({ steps: [{ id: "a" }], output: { of: { $: "lookup", lookup: "l", path: [] } } });
    expect(rested(await rig.execute(runbook)).result).toMatchObject({ status: "failed", code: "internal.invariant" });
  });

  test("may name results of steps that were skipped: they are null; an absent root is null", async () => {
    const rig = new Rig({ verbs: { "test.work": work } });
    const skipped = buildRunbook({
      steps: [{ id: "a" }, { id: "b", when: { $: "exists", of: [resultOf("a")] }, dependsOn: ["a"] }],
      output: { b: resultOf("b"), list: [resultOf("b", "x")] },
    });
    expect(rested(await rig.execute(skipped)).result).toMatchObject({ output: { b: null, list: [null] } });
    const absent = buildRunbook({ steps: [{ id: "a" }], output: resultOf("a", "nothing") });
    expect(rested(await rig.execute(absent)).result).toMatchObject({ output: null });
  });

  test("of twenty large results is put together whatever fits into memory at a time", async () => {
    const rig = new Rig({ verbs: { "test.work": { run: async (_, ctx) => ctx.stepId.repeat(20_000) } } });
    const ids = Array.from({ length: 20 }, (_, index) => `s${index}`);
    const output = ids.map((id) => resultOf(id));
    const { result } = rested(
      await rig.execute(buildRunbook({ steps: ids.map((id) => ({ id, effect: "read" as const })), output })),
    );
    expect(result).toMatchObject({ status: "completed", output: ids.map((id) => id.repeat(20_000)) });
  });
});

describe("an artifact that is gone", () => {
  test("stops the drive: the evidence is damaged (store.corrupt)", async () => {
    const rig = new Rig({ verbs: { "test.work": { run: async () => "x".repeat(40_000) }, "test.gate": {} } });
    const runbook = buildRunbook({
      steps: [
        { id: "a", effect: "write" },
        { id: "ok", verb: "test.gate", mode: "human_gate", dependsOn: ["a"] },
        { id: "b", args: { of: resultOf("a") }, dependsOn: ["ok"] },
      ],
    });
    const runId = await rig.submit(runbook);
    await rig.drive(runbook, runId);
    await rig.put(decisionMessage("default", runId, "ok", { verdict: "approve", issuer: "i", subject: "s", vouchedBy: "host" }));
    const { artifacts: whole } = rig.stores;
    const get: typeof whole.get = async (scope, id) => {
      const artifact = await whole.get(scope, id);
      return artifact?.kind === "manifest" ? artifact : undefined;
    };
    const artifacts = { put: whole.put.bind(whole), get };
    const damaged = new Rig({
      stores: { ...rig.stores, artifacts },
      env: rig.env,
      verbs: { "test.work": work, "test.gate": {} },
    });
    await expect(damaged.drive(runbook, runId, {}, "wake")).rejects.toMatchObject({
      code: "store.corrupt",
      details: { what: "artifact" },
    });
  });
});

describe("a verb that has gone since a run parked", () => {
  test("fails the step that waits for an answer, or to be called (admission.handler_missing)", async () => {
    const park = { run: async (_: unknown, ctx: { park(options: object): unknown }) => ctx.park({ key: "k" }) };
    const rig = new Rig({ verbs: { "test.work": park } });
    const runbook = buildRunbook({ steps: [{ id: "a", mode: "durable" }] });
    const runId = await rig.submit(runbook);
    await rig.drive(runbook, runId);
    await rig.put(signalMessage("default", runId, "k", 1));
    const without = new Rig({ sharedWith: rig });
    expect(rested(await without.drive(runbook, runId, {}, "wake")).result).toMatchObject({
      code: "admission.handler_missing",
      stepId: "a",
    });
    const gateOnly = new Rig({ verbs: { "test.work": {} } });
    const plain = buildRunbook({ steps: [{ id: "a" }] });
    expect(rested(await gateOnly.execute(plain)).result).toMatchObject({ code: "admission.handler_missing" });
  });
});

describe("a lock manager", () => {
  const writing = buildRunbook({ steps: [{ id: "a", effect: "write", writes: [written("account", "1")] }, { id: "b" }] });

  function withLocks(manager: LockManager): Rig {
    const rig = new Rig();
    return new Rig({ stores: { ...rig.stores, locks: manager }, env: rig.env, verbs: { "test.work": work } });
  }

  test("that breaks stops the drive, and the run can be claimed again", async () => {
    const broken = withLocks({
      acquire: async () => Promise.reject(new RunsealError("store.failed", "down", { call: "locks.acquire" })),
      holder: async () => undefined,
    });
    await expect(broken.execute(writing)).rejects.toMatchObject({ code: "store.failed" });
  });

  test("whose locks are lost as they are given ends the run before its first step", async () => {
    const rig = withLocks({
      acquire: async (requests) => ({
        requests,
        waitedMs: 0,
        lost: AbortSignal.abort(),
        release: async () => Promise.reject(new TypeError("gone")),
      }),
      holder: async () => undefined,
    });
    const { result, view } = rested(await rig.execute(writing));
    expect(result).toMatchObject({ status: "failed", code: "lock.lost" });
    expect(view.isVoid).toBe(true);
    expect(rig.env.stepsSeen).toBe(0);
  });

  test("is not asked for late writes where a test runs without one", async () => {
    const rig = new Rig();
    const { locks: _, ...stores } = rig.stores;
    const args = {
      type: "object",
      fields: { id: { type: "string", subject: { kind: "account", access: "write" } } },
      required: [],
      unknown: "keep",
    } as const;
    const verbs = { "test.find": { run: async () => "7" }, "test.work": { ...work, args } };
    const bare = new Rig({ stores, env: rig.env, verbs, options: { isUnlocked: true } });
    const late = {
      effect: "write",
      lateWrites: [{ kind: "account", pointer: "/id" }],
      args: { id: resultOf("find") },
      dependsOn: ["find"],
    } as const;
    const runbook = buildRunbook({
      steps: [
        { id: "find", verb: "test.find" },
        { id: "a", ...late },
      ],
    });
    expect(rested(await bare.execute(runbook)).result.status).toBe("completed");
    const strict = new Rig({ stores, env: rig.env, verbs });
    const other = buildRunbook({
      steps: [
        { id: "find", verb: "test.find" },
        { id: "a", ...late },
      ],
      intent: "2",
    });
    expect(rested(await strict.execute(other)).result).toMatchObject({ code: "lock.required" });
  });
});

// with a cap on concurrency the head does not tell everything, so that the log is read
describe("a claim", () => {
  test("that another one overtook between its look and its commit is refused as stale or in conflict, never written", async () => {
    const runbook = buildRunbook({ steps: [{ id: "a" }] });
    const rig = new Rig({ ownerAlive: () => false });
    const runId = await rig.submit(runbook, { concurrency: 2 });
    const other = new Rig({ sharedWith: rig });
    const slow = overtaken(rig, "reader.read", () => other.claim(runbook, runId));
    const answer = await claimRun(slow.parts, {
      scope: "default",
      runId,
      runbook,
      reason: "requested",
      build: {},
      approvals: null,
    });
    expect(answer).toMatchObject({ kind: "refused", error: { code: "lease.stale", details: { epoch: 1, currentEpoch: 1 } } });
    expect((await rig.story(runId)).length).toBe(3);
  });

  test("of a run that ended between the look at its head and the look at its log does not take up again what has ended", async () => {
    const runbook = buildRunbook({ steps: [{ id: "a" }] });
    const verbs = { "test.work": { run: async () => 1 } };
    const rig = new Rig({ verbs });
    const runId = await rig.submit(runbook, { concurrency: 2 });
    const other = new Rig({ sharedWith: rig, verbs });
    const slow = overtaken(rig, "reader.head", () => other.drive(runbook, runId));
    await expect(slow.claim(runbook, runId)).rejects.toMatchObject({ code: "run.terminal", details: { status: "completed" } });
    expect((await rig.story(runId)).at(-1)).toBe("run.completed");
  });

  test("of a run that moves at every look is given up as a conflict", async () => {
    const runbook = buildRunbook({ steps: [{ id: "a" }, { id: "b", dependsOn: ["a"] }] });
    const rig = new Rig({ ownerAlive: () => false });
    const runId = await rig.submit(runbook, { concurrency: 2 });
    const other = new Rig({ sharedWith: rig });
    const slow = overtaken(rig, "reader.head", () => other.claim(runbook, runId), Number.POSITIVE_INFINITY);
    await expect(slow.claim(runbook, runId)).rejects.toMatchObject({ code: "store.conflict" });
  });
});

/** A rig whose first calls of one port method are followed by something before they are answered. */
function overtaken(rig: Rig, name: string, by: () => Promise<unknown>, times = 1): Rig {
  let left = times;
  const stores = interceptStores(rig.stores, async (call, make) => {
    const answer = await make();
    if (call === name && left > 0) {
      left -= 1;
      await by();
    }
    return answer;
  });
  return new Rig({ env: rig.env, stores });
}

describe("many messages at once", () => {
  test("answer many steps, each with its own (and a fan of parks is one parked run)", async () => {
    const park = {
      run: async (_: unknown, ctx: { readonly stepId: string; park(options: object): unknown }) => ctx.park({ key: ctx.stepId }),
    };
    const rig = new Rig({ verbs: { "test.work": park } });
    const ids = Array.from({ length: 200 }, (_, index) => `s${index}`);
    const runbook = buildRunbook({
      steps: ids.map((id) => ({ id, mode: "durable" as const })),
      output: { last: resultOf("s199") },
    });
    const runId = await rig.submit(runbook, { concurrency: 50 });
    expect(rested(await rig.drive(runbook, runId)).result).toMatchObject({ status: "parked", stepId: "s0" });
    for (const id of ids) await rig.put(signalMessage("default", runId, id, `for ${id}`));
    expect(rested(await rig.drive(runbook, runId, {}, "wake")).result).toMatchObject({
      status: "completed",
      output: { last: "for s199" },
    });
  });
});
