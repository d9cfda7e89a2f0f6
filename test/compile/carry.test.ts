import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CarryRequest } from "../../src/compile/carry.js";
import type { PastStep } from "../../src/model/past-step.js";
import type { SealedStep } from "../../src/model/step.js";
import type { StepSketch } from "../engine/build-runbook.js";
import { buildRunbook, resultOf } from "../engine/build-runbook.js";
import { carriedDigestOf } from "../../src/model/carried-digest.js";
import { carryOver } from "../../src/compile/carry.js";

function stepsOf(...sketches: StepSketch[]): readonly SealedStep[] {
  return buildRunbook({ steps: sketches }).steps;
}

/** Steps as a run left them: completed with their own id as the result, unless a test says otherwise. */
function pastOf(steps: readonly SealedStep[], changes: { readonly [stepId: string]: Partial<PastStep> } = {}) {
  const past = steps.map((step): readonly [string, PastStep] => {
    const result = changes[step.id]?.result ?? step.id;
    const status = changes[step.id]?.status ?? "completed";
    const isDone = status === "completed";
    const plain = {
      step,
      status,
      attempt: status === "pending" || status === "skipped" ? 0 : 1,
      result: isDone ? result : null,
      digest: isDone ? carriedDigestOf(result, undefined) : null,
      failureCode: null,
      keyRunId: "r-1",
    };
    return [step.id, { ...plain, ...changes[step.id] }];
  });
  return new Map(past);
}

function carry(steps: readonly SealedStep[], request: Partial<CarryRequest> = {}) {
  return carryOver({ past: pastOf(steps), steps, skipTags: [], from: null, keepsKeys: false, ...request });
}

const write = { effect: "write", recovery: "manual" } as const;

describe("carrying steps over (decision 3.18)", () => {
  const chain = stepsOf({ id: "a" }, { id: "b", args: { of: resultOf("a") } }, { id: "c", args: { of: resultOf("b") } });

  test("takes every completed step of the same plan, with the digest of its result", () => {
    expect(carry(chain)).toEqual({
      steps: ["a", "b", "c"].map((stepId) => ({ stepId, as: "completed", digest: carriedDigestOf(stepId, undefined) })),
      carried: ["a", "b", "c"],
      notCarried: [],
    });
  });

  test("stops at the step that a fork begins with, whatever its place", () => {
    expect(carry(chain, { from: "b" })).toMatchObject({
      carried: ["a"],
      notCarried: [
        { stepId: "b", reason: "from_here", status: "completed" },
        { stepId: "c", reason: "from_here", status: "completed" },
      ],
    });
    expect(carry(chain, { from: "a" }).steps).toEqual([]);
  });

  test.each<[string, readonly SealedStep[], readonly string[]]>([
    ["a step that is new", stepsOf({ id: "z" }, { id: "a" }), ["z new null"]],
    ["another contract", stepsOf({ id: "a", contract: "d".repeat(64) }), ["a contract_changed completed"]],
    ["other arguments", stepsOf({ id: "a", args: { n: 1 } }), ["a arguments_changed completed"]],
    [
      "a step that reads one which is run again",
      stepsOf({ id: "a", args: { n: 1 } }, { id: "b", args: { of: resultOf("a") } }),
      ["a arguments_changed completed", "b arguments_unknown completed"],
    ],
    [
      "arguments that can't be known before the run",
      stepsOf({ id: "a", args: { of: { $: "bind", name: "n", path: [] } } }),
      ["a arguments_unknown completed"],
    ],
    [
      "a condition on what is not there",
      stepsOf({ id: "a" }, { id: "b", args: { of: "a" }, when: resultOf("a", "missing") }),
      ["b condition_changed completed"],
    ],
    ["a condition that does not hold any more", stepsOf({ id: "a", when: false }), ["a condition_changed completed"]],
    [
      "a condition that reads a step which is run again",
      stepsOf({ id: "a", args: { n: 1 } }, { id: "b", args: { of: "a" }, when: { $: "eq", of: [resultOf("a"), 1] } }),
      ["a arguments_changed completed", "b arguments_unknown completed"],
    ],
  ])("runs %s", (_, steps, expected) => {
    const { notCarried } = carry(steps, { past: pastOf(chain) });
    expect(notCarried.map(({ stepId, reason, status }) => `${stepId} ${reason} ${status}`)).toEqual(expected);
  });

  test("compares arguments by value: a literal in the place of a result that was the same agrees", () => {
    const steps = stepsOf({ id: "a", args: { n: 1 } }, { id: "b", args: { of: "a" } });
    expect(carry(steps, { past: pastOf(chain) }).carried).toEqual(["b"]);
  });

  test("runs a step whose arguments in the run nobody can tell", () => {
    for (const args of [{ of: { $: "bind", name: "n", path: [] } }, { of: resultOf("nowhere") }] as const) {
      const past = pastOf(stepsOf({ id: "a", args }));
      expect(carry(stepsOf({ id: "a" }), { past }).notCarried).toEqual([
        { stepId: "a", reason: "arguments_changed", status: "completed" },
      ]);
    }
  });

  test("carries a step whose condition holds, and one over a step that is skipped again", () => {
    const steps = stepsOf(
      { id: "a" },
      { id: "off", when: { $: "eq", of: [resultOf("a"), "other"] } },
      { id: "tagged", tags: ["slow"] },
      { id: "after_off", args: { of: resultOf("off") } },
      {
        id: "b",
        args: { of: resultOf("off"), tag: resultOf("tagged") },
        optional: ["off", "tagged"],
        when: { $: "exists", of: [resultOf("a")] },
      },
    );
    const skipped = { status: "skipped", attempt: 0 } as const;
    const past = pastOf(steps, { off: skipped, tagged: skipped, after_off: skipped });
    expect(carry(steps, { past, skipTags: ["slow"] }).carried).toEqual(["a", "b"]);
    // not skipped again: the tag is not asked for any more
    expect(carry(steps, { past }).carried).toEqual(["a"]);
  });

  test("does not take a step for skipped whose condition is not known yet", () => {
    const steps = stepsOf(
      { id: "a" },
      { id: "maybe", when: { $: "eq", of: [resultOf("a"), 1] } },
      { id: "b", args: { of: resultOf("maybe") }, optional: ["maybe"] },
    );
    const past = pastOf(steps, { a: { status: "failed" }, maybe: { status: "skipped", attempt: 0 } });
    expect(carry(steps, { past }).notCarried.map(({ stepId, reason }) => `${stepId} ${reason}`)).toEqual([
      "a not_completed",
      "maybe not_completed",
      "b arguments_unknown",
    ]);
  });

  test("a step that reads a skipped one it needs is skipped with it, also through its condition", () => {
    const skipped = { status: "skipped", attempt: 0 } as const;
    const steps = stepsOf(
      { id: "off", when: false },
      { id: "by_args", args: { of: resultOf("off") } },
      { id: "by_condition", when: { $: "any", of: [resultOf("by_args"), { $: "eq", of: [resultOf("open"), 1] }] } },
      { id: "open", args: { n: 1 } },
      { id: "b", args: { one: resultOf("by_args"), two: resultOf("by_condition") }, optional: ["by_args", "by_condition"] },
    );
    const past = pastOf(steps, {
      off: skipped,
      by_args: skipped,
      by_condition: skipped,
      open: { status: "pending", attempt: 0 },
    });
    expect(carry(steps, { past }).carried).toEqual(["b"]);
  });

  test.each<[string, Partial<PastStep>, Partial<StepSketch>, object | undefined]>([
    ["in doubt", { status: "in_doubt" }, write, { as: "in_doubt" }],
    ["in doubt before any attempt, taken over itself", { status: "in_doubt", attempt: 0 }, write, { as: "in_doubt" }],
    ["sent off and not answered", { status: "parked" }, { ...write, mode: "durable" }, { as: "in_doubt" }],
    ["sent off, idempotently", { status: "parked" }, { effect: "write", recovery: "idempotent" }, { as: "entered" }],
    ["waiting for a person before it begins", { status: "parked", attempt: 0 }, write, undefined],
    ["to be tried again", { status: "pending", attempt: 2 }, write, { as: "entered" }],
    ["failed", { status: "failed" }, write, { as: "entered" }],
    ["not begun", { status: "pending" }, write, undefined],
  ])(
    "for a plan that takes the place of a run, a step that is %s keeps what it has (decision 4.6a)",
    (_, past, sketch, expected) => {
      const steps = stepsOf({ id: "a", ...sketch });
      const { steps: taken } = carry(steps, { past: pastOf(steps, { a: past }), keepsKeys: true });
      expect(taken).toEqual(expected === undefined ? [] : [{ stepId: "a", keyRunId: "r-1", ...expected }]);
      // a fork leaves it, and its key, alone
      expect(carry(steps, { past: pastOf(steps, { a: past }) }).steps).toEqual([]);
    },
  );

  test("a begun step whose arguments or contract changed gets a new key", () => {
    const before = stepsOf({ id: "a", ...write, args: { n: 1 } }, { id: "b", ...write });
    const past = pastOf(before, { a: { status: "failed" }, b: { status: "in_doubt" } });
    const after = stepsOf({ id: "a", ...write, args: { n: 2 } }, { id: "b", ...write, contract: "d".repeat(64) });
    expect(carry(after, { past, keepsKeys: true }).steps).toEqual([]);
  });

  const plan = fc
    .array(
      fc.record({
        reads: fc.array(fc.nat(), { maxLength: 2 }),
        literal: fc.nat(3),
        status: fc.constantFrom("completed", "failed", "pending"),
      }),
      {
        minLength: 1,
        maxLength: 12,
      },
    )
    .map((rows) => {
      const idOf = (index: number): string => `s${index}`;
      const sketches = rows.map(({ reads, literal }, index): StepSketch => {
        const from = index === 0 ? [] : reads.map((read) => resultOf(idOf(read % index)));
        return { id: idOf(index), args: { literal, from } };
      });
      const steps = stepsOf(...sketches);
      const past = pastOf(
        steps,
        Object.fromEntries(rows.map(({ status }, index) => [idOf(index), { status: status as "completed" }])),
      );
      return { steps, past };
    });

  test("carries a completed step exactly when everything it reads is carried, for any plan", () => {
    fc.assert(
      fc.property(plan, fc.option(fc.nat()), (made, fromIndex) => {
        const { steps, past } = made;
        const from = fromIndex === null ? null : (steps[fromIndex % steps.length]?.id ?? null);
        const { carried, notCarried, steps: taken } = carryOver({ past, steps, skipTags: [], from, keepsKeys: false });
        const end = from === null ? steps.length : steps.findIndex((step) => step.id === from);
        const expected = new Set<string>();
        for (const step of steps.slice(0, end)) {
          const reads = [...JSON.stringify(step.args).matchAll(/"step":"(s\d+)"/g)].map(([, id = ""]) => id);
          if (past.get(step.id)?.status === "completed" && reads.every((id) => expected.has(id))) expected.add(step.id);
        }
        expect(carried).toEqual([...expected]);
        expect(taken.map((step) => step.stepId)).toEqual(carried);
        expect([...carried, ...notCarried.map((step) => step.stepId)].sort()).toEqual(steps.map((step) => step.id).sort());
      }),
    );
  });
});
