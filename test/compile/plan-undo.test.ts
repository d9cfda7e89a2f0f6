import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createCatalog, defineVerb, opaque, subject } from "runseal";
import type { UndoCall } from "../../src/compile/plan-undo.js";
import { LIMIT_PROFILES } from "../../src/model/limits.js";
import { fitUndo, planUndo, undoStepId } from "../../src/compile/plan-undo.js";
import { seal } from "../../src/compile/seal.js";

const close = defineVerb({
  name: "account.close",
  version: 2,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ account: subject("account", "write"), why: z.string().default("undo"), deep: z.array(z.string()).optional() }),
  result: z.object({}),
  sentence: "Closes {account}.",
});
const even = opaque("even", 1, (value: number) => value % 2 === 0);
const give = defineVerb({
  name: "money.give",
  version: 1,
  effect: "write",
  recovery: "manual",
  mode: "human_gate",
  args: z.object({ cents: z.int().check(even) }),
  result: z.object({}),
});
const catalog = createCatalog({ verbs: [close, give] });

function fitted(...calls: UndoCall[]) {
  return fitUndo(catalog, calls);
}

function planned(calls: readonly UndoCall[], changes: Partial<Parameters<typeof planUndo>[0]> = {}) {
  return planUndo({
    catalog,
    scope: "default",
    calls: fitted(...calls).calls,
    name: "customer.onboard",
    title: "Undo of customer.onboard",
    intent: null,
    requestedBy: null,
    limits: LIMIT_PROFILES.runbook,
    writeSet: "heuristic",
    remarks: [],
    ...changes,
  });
}

describe("the calls of an undo", () => {
  test("are held against the verbs of the catalog; defaults are filled in", () => {
    const { calls, misfits } = fitted({ stepId: "open", verb: "account.close", args: { account: "a-1" } });
    expect(calls.map(({ stepId, text }) => [stepId, text])).toEqual([["open", '{"account":"a-1","why":"undo"}']]);
    expect(misfits).toEqual([]);
  });

  test.each<[string, Omit<UndoCall, "stepId">, string]>([
    ["a verb that is not there", { verb: "account.gone", args: {} }, "inverse_missing"],
    ["an argument that is missing", { verb: "account.close", args: {} }, "arguments_refused"],
    ["an argument of another type", { verb: "account.close", args: { account: 7 } }, "arguments_refused"],
    ["an argument that is unknown", { verb: "account.close", args: { account: "a", other: 1 } }, "arguments_refused"],
    ["an argument that a check of the author's refuses", { verb: "money.give", args: { cents: 3 } }, "arguments_refused"],
    [
      "a value that is not known",
      { verb: "account.close", args: { account: { $: "bind", name: "x", path: [] } } },
      "arguments_refused",
    ],
    ["too much", { verb: "account.close", args: { account: "a", why: "x".repeat(1_048_576) } }, "arguments_refused"],
    ["what was taken out as a secret", { verb: "account.close", args: { account: "a [REDACTED]" } }, "redacted"],
    ["what was taken out deep inside", { verb: "account.close", args: { account: "a", deep: ["b", "[REDACTED]"] } }, "redacted"],
  ])("refuse %s", (_, call, reason) => {
    expect(fitted({ stepId: "open", ...call })).toEqual({ calls: [], misfits: [{ stepId: "open", reason }] });
  });
});

describe("the plan of an undo", () => {
  const calls = ["c", "b", "a"].map((stepId) => ({ stepId, verb: "account.close", args: { account: `acc-${stepId}` } }));

  test("is one step after the other, each named for what it undoes, and seals like any plan (decision 3.18)", () => {
    const plan = planned([...calls, { stepId: "x/y[1]", verb: "money.give", args: { cents: 2 } }], {
      intent: "t-1",
      requestedBy: "host:bo",
    });
    if (plan.kind !== "planned") throw new TypeError(plan.message);
    const runbook = seal(plan, { basis: { kind: "undo", runId: "r-1", headHash: "a".repeat(64), from: null } });
    expect(
      runbook.steps.map(({ id, verb, mode, dependsOn, writes }) => [id, verb, mode, dependsOn, writes.map((write) => write.id)]),
    ).toEqual([
      ["undo/c", "account.close@2", "sync", [], ["acc-c"]],
      ["undo/b", "account.close@2", "sync", ["undo/c"], ["acc-b"]],
      ["undo/a", "account.close@2", "sync", ["undo/b"], ["acc-a"]],
      ["undo/x/y[1]", "money.give@1", "human_gate", ["undo/a"], []],
    ]);
    expect(runbook.document).toMatchObject({
      name: "customer.onboard",
      title: "Undo of customer.onboard",
      requestedBy: "host:bo",
      output: {},
      sentences: { "undo/a": "Closes acc-a." },
    });
    expect(runbook.content).toMatchObject({ intent: "t-1", uses: "once", execution: { onFailure: "stop" } });
    expect(runbook.content.core.basis).toEqual({ kind: "undo", runId: "r-1", headHash: "a".repeat(64), from: null });
  });

  test("shows what is left as remarks, for whoever approves", () => {
    const plan = planned(calls, { remarks: ['"note" is left as it is'] });
    if (plan.kind !== "planned") throw new TypeError(plan.message);
    expect(seal(plan).document.remarks).toEqual(['"note" is left as it is']);
  });

  test("is none without a call, and in declared mode none with a verb that declares nothing", () => {
    expect(planned([])).toMatchObject({ kind: "compilation_error", errorKind: "dag_error" });
    expect(planned([{ stepId: "g", verb: "money.give", args: { cents: 2 } }], { writeSet: "declared" })).toMatchObject({
      kind: "compilation_error",
      errorKind: "write_set_unresolved",
    });
  });

  test("keeps the order of the calls for any number of them, over the same entities or others", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(99), { minLength: 1, maxLength: 20 }), (numbers) => {
        const many = numbers.map((n) => ({ stepId: `s${n}`, verb: "account.close", args: { account: `acc-${n % 3}` } }));
        const plan = planned(many);
        if (plan.kind !== "planned") throw new TypeError(plan.message);
        const ids = numbers.map((n) => undoStepId(`s${n}`));
        expect(plan.plan.steps.map((step) => step.id)).toEqual(ids);
        expect(plan.plan.phases).toEqual(ids.map((id) => [id]));
      }),
    );
  });
});
