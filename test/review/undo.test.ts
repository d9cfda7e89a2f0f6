import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PastStep } from "../../src/model/past-step.js";
import type { StepSketch } from "../engine/build-runbook.js";
import type { Tree } from "../../src/model/expression.js";
import type { VerbContract } from "../../src/model/verb.js";
import { buildRunbook, resultOf } from "../engine/build-runbook.js";
import { standsInTheWay, undoingOf } from "../../src/review/undo.js";

const OPEN = "1".repeat(64);
const NOTE = "2".repeat(64);
const contract = (digest: string, undo?: VerbContract["undo"]): readonly [string, VerbContract] => [
  digest,
  {
    name: "account.open",
    version: 1,
    args: { type: "json" },
    result: { type: "json" },
    effect: "write",
    recovery: "idempotent",
    mode: "sync",
    retired: false,
    retry: { attemptsMax: 3, baseMs: 200, maxMs: 30_000 },
    timeoutMs: 1000,
    tags: [],
    replayable: false,
    digest,
    ...(undo !== undefined && { undo }),
  },
];
const inverse: Tree = {
  account: { $: "param", path: ["account"] },
  number: { $: "result", step: "main", path: ["number"] },
  note: { $: "orElse", of: [{ $: "param", path: ["note"] }, "none"] },
};
const contracts = new Map([contract(OPEN, { verb: "account.close", args: inverse }), contract(NOTE)]);

type Sketch = StepSketch & Partial<Omit<PastStep, "step">>;

function pastOf(...sketches: Sketch[]): Map<string, PastStep> {
  const past = sketches.map(
    ({ status = "completed", attempt = 1, result = null, failureCode = null, ...sketch }): [string, PastStep] => {
      const [step] = buildRunbook({ steps: [{ effect: "write", contract: OPEN, ...sketch }] }).steps;
      if (step === undefined) throw new TypeError("one step makes one step");
      return [step.id, { step, status, attempt, result, digest: null, failureCode, keyRunId: "r-1" }];
    },
  );
  return new Map(past);
}

function undoing(past: Map<string, PastStep>, order: readonly string[] = [...past.keys()], carried: readonly string[] = []) {
  return undoingOf({ past, order, carried: new Set(carried), contracts });
}

describe("what undoing a run comes to (decision 3.18)", () => {
  test("calls the inverses in the reverse of the order of completion, whatever the order of the plan", () => {
    const past = pastOf({ id: "a" }, { id: "b" }, { id: "c" });
    expect(undoing(past, ["b", "c", "a"]).calls.map((call) => call.stepId)).toEqual(["a", "c", "b"]);
  });

  test("fills arguments from the arguments and the result of the step, late ones included; what is absent stays away", () => {
    const past = pastOf(
      { id: "make", result: { id: "acc-7" } },
      { id: "skipped", status: "skipped", attempt: 0 },
      {
        id: "open",
        args: { account: resultOf("make", "id"), note: { $: "orElse", of: [resultOf("skipped"), "n"] } },
        result: { number: "DE-1", rest: { $: "odd" } },
      },
      { id: "bare", args: { account: "acc-8" }, result: {} },
    );
    expect(undoing(past, ["open", "bare"]).calls).toEqual([
      { stepId: "bare", verb: "account.close", args: { account: "acc-8", note: "none" } },
      { stepId: "open", verb: "account.close", args: { account: "acc-7", number: "DE-1", note: "n" } },
    ]);
  });

  test("takes results that look like expressions for what they are: data", () => {
    const past = pastOf({ id: "open", args: { account: "a" }, result: { number: { $: "param", path: ["account"] } } });
    expect(undoing(past).calls[0]?.args).toEqual({
      account: "a",
      number: { $: "literal", value: { $: "param", path: ["account"] } },
      note: "none",
    });
  });

  test("leaves what an inverse may not speak of as it is: the plan refuses it then", () => {
    const odd = new Map([contract(OPEN, { verb: "account.close", args: { on: { $: "bind", name: "x", path: [] } } })]);
    const past = pastOf({ id: "open", args: { of: { $: "bind", name: "y", path: [] } } });
    const { calls } = undoingOf({ past, order: ["open"], carried: new Set(), contracts: odd });
    expect(calls[0]?.args).toEqual({ on: { $: "bind", name: "x", path: [] } });
    const root = new Map([contract(OPEN, { verb: "account.close", args: { $: "param", path: ["missing"] } })]);
    expect(
      undoingOf({ past: pastOf({ id: "open" }), order: ["open"], carried: new Set(), contracts: root }).calls[0]?.args,
    ).toEqual({});
    const late = pastOf({ id: "open", args: resultOf("nowhere") });
    expect(undoing(late).calls[0]?.args).toMatchObject({ note: { $: "orElse" } });
    const gone = pastOf({ id: "open", args: resultOf("before", "missing") }, { id: "before", effect: "read" });
    expect(undoing(gone).calls[0]?.args).toEqual({ note: "none" });
  });

  test.each<[string, Sketch, string | undefined]>([
    ["completed", { id: "a" }, undefined],
    ["completed, without an inverse", { id: "a", contract: NOTE }, "no_inverse"],
    ["completed under a contract that nobody kept", { id: "a", contract: "9".repeat(64) }, "no_inverse"],
    ["in doubt", { id: "a", status: "in_doubt" }, "unsure"],
    ["in doubt since before its first attempt", { id: "a", status: "in_doubt", attempt: 0 }, "unsure"],
    ["fenced while it ran", { id: "a", status: "failed", failureCode: "step.fenced" }, "unsure"],
    ["out of time", { id: "a", status: "failed", failureCode: "step.timeout" }, "unsure"],
    ["cut off too often", { id: "a", status: "failed", failureCode: "orphan_attempt_recovered" }, "unsure"],
    ["about to be tried again after it was cut off", { id: "a", status: "pending", failureCode: "step.timeout" }, "unsure"],
    ["failed by its own word", { id: "a", status: "failed", failureCode: "post.no_stamps" }, "failed"],
    ["failed without a word", { id: "a", status: "failed" }, "failed"],
    ["fenced at its gate, before it began", { id: "a", status: "failed", attempt: 0 }, undefined],
    ["not begun", { id: "a", status: "pending", attempt: 0 }, undefined],
    ["skipped", { id: "a", status: "skipped", attempt: 0 }, undefined],
    ["in doubt, and no write", { id: "a", status: "in_doubt", effect: "read" }, undefined],
    ["completed, and no write", { id: "a", effect: "pure" }, undefined],
  ])("a step that is %s", (_, sketch, reason) => {
    const { left } = undoing(pastOf(sketch), sketch.status === undefined ? ["a"] : []);
    expect(left).toEqual(reason === undefined ? [] : [{ stepId: "a", reason }]);
    expect(left.some(standsInTheWay)).toBe(reason !== undefined && reason !== "failed");
  });

  test("passes over steps of the order that the run does not have, or that did not complete", () => {
    expect(undoing(pastOf({ id: "a", status: "failed", attempt: 0 }), ["a", "nowhere"])).toEqual({ calls: [], left: [] });
  });

  test("leaves what was carried over to the run that did it, and that is not in the way", () => {
    const { calls, left } = undoing(pastOf({ id: "a" }, { id: "b", contract: NOTE }), ["a", "b"], ["a", "b"]);
    expect(calls).toEqual([]);
    expect(left).toEqual([
      { stepId: "b", reason: "carried" },
      { stepId: "a", reason: "carried" },
    ]);
    expect(left.some(standsInTheWay)).toBe(false);
  });

  test("leaves a doubt that another run took over to that run", () => {
    const { left } = undoing(pastOf({ id: "a", status: "in_doubt" }, { id: "b", status: "in_doubt" }), [], ["b"]);
    expect(left).toEqual([
      { stepId: "a", reason: "unsure" },
      { stepId: "b", reason: "carried" },
    ]);
  });

  const sketch = fc.record({
    effect: fc.constantFrom("write" as const, "read" as const, "pure" as const),
    status: fc.constantFrom("completed" as const, "failed" as const, "pending" as const, "skipped" as const, "in_doubt" as const),
    contract: fc.constantFrom(OPEN, NOTE),
    attempt: fc.nat(2),
  });

  test("speaks of every write that began, once, and of nothing else; calls and order are each other's mirror, for any run", () => {
    fc.assert(
      fc.property(fc.array(sketch, { maxLength: 10 }), fc.infiniteStream(fc.nat()), (sketches, draws) => {
        const past = pastOf(...sketches.map((made, index) => ({ id: `s${index}`, ...made })));
        const done = [...past.values()].filter(({ status }) => status === "completed").map(({ step }) => step.id);
        const order = done
          .map((id) => ({ id, at: draws.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ id }) => id);
        const { calls, left } = undoing(past, order);
        const spoken = [...calls.map((call) => call.stepId), ...left.map((step) => step.stepId)];
        const began = [...past.values()].filter(
          ({ step, status, attempt }) =>
            step.effect === "write" && (status === "completed" || status === "in_doubt" || attempt > 0),
        );
        expect(spoken.sort()).toEqual(began.map(({ step }) => step.id).sort());
        const places = calls.map((call) => order.indexOf(call.stepId));
        expect(places).toEqual([...places].sort((a, b) => b - a));
      }),
    );
  });
});
