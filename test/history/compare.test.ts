import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import type { AnyEvent } from "../../src/model/event.js";
import { authorityDivergences } from "../../src/history/compare-authority.js";
import { buildRunbook } from "../engine/build-runbook.js";
import { compareEvents, isDecided, isSameMoment, pictureOf, stepIdOf } from "../../src/history/compare.js";
import { retryBoundMs } from "../../src/history/retry-bound.js";
import { runPlanOf } from "../../src/history/run-plan.js";
import { timingDivergences } from "../../src/history/compare-timing.js";

/** A log of kind and payload, numbered; `at` and `epoch` as given. */
function log(...events: readonly (readonly [string, object, { readonly at?: number; readonly epoch?: number }?])[]): AnyEvent[] {
  return events.map(
    ([kind, payload, { at = 0, epoch = 0 } = {}], index) =>
      ({ seq: index + 1, kind, v: 1, epoch, at, hash: "", payload }) as AnyEvent,
  );
}

const entered = (stepId: string, attempt = 1) => ["step.entered", { stepId, attempt }] as const;
const completed = (stepId: string, result: unknown) => ["step.completed", { stepId, attempt: 1, result, declared: [] }] as const;
const kindsOf = (was: readonly AnyEvent[], is: readonly AnyEvent[], isWhole = true): readonly string[] =>
  compareEvents(was, is, isWhole).map(({ kind }) => kind);

describe("comparison of a record with a replay", () => {
  test("of equal events finds nothing, whatever durations and sentences say", () => {
    const was = log(
      ["lock.released", { locks: 1, heldMs: 5 }],
      ["step.failed", { stepId: "a", attempt: 1, code: "c", message: "x" }],
    );
    const is = log(
      ["lock.released", { locks: 1, heldMs: 9 }],
      ["step.failed", { stepId: "a", attempt: 1, code: "c", message: "y" }],
    );
    expect(compareEvents(was, is, true)).toEqual([]);
  });

  test("goes on after another content, and names step, members, expected and found (E-155)", () => {
    const divergences = compareEvents(
      log(entered("a"), completed("a", 1), completed("b", 2)),
      log(entered("a"), completed("a", 3), completed("b", 4)),
      true,
    );
    expect(divergences.map(({ seq, stepId, kind }) => [seq, stepId, kind])).toEqual([
      [2, "a", "outcome"],
      [3, "b", "outcome"],
    ]);
    expect(divergences[0]).toMatchObject({
      expected: 'step.completed {"attempt":1,"declared":[],"result":1,"stepId":"a"}',
      found: 'step.completed {"attempt":1,"declared":[],"result":3,"stepId":"a"}',
      message: 'the replay comes to another "result"',
    });
  });

  test.each<[string, readonly [string, object], readonly [string, object], string]>([
    ["another step", entered("a"), entered("b"), "plan"],
    ["a skip", entered("a"), ["step.skipped", { stepId: "a", reason: "condition" }], "plan"],
    ["other arguments", ["step.entered", { stepId: "a", attempt: 1, args: 1 }], entered("a"), "plan"],
    ["other locks", ["lock.acquired", { locks: ["x"], waitedMs: 0 }], ["lock.acquired", { locks: [], waitedMs: 0 }], "plan"],
    ["a failure", completed("a", 1), ["step.failed", { stepId: "a", attempt: 1, code: "c" }], "outcome"],
    ["another output", ["run.completed", { output: 1 }], ["run.completed", { output: 2 }], "outcome"],
    [
      "another snapshot",
      ["artifact.written", { kind: "context_snapshot", artifactId: "1" }],
      ["artifact.written", { kind: "context_snapshot", artifactId: "2" }],
      "outcome",
    ],
    [
      "another time",
      ["step.retry_scheduled", { stepId: "a", attempt: 2, at: 1 }],
      ["step.retry_scheduled", { stepId: "a", attempt: 2, at: 2 }],
      "timing",
    ],
    [
      "another decision",
      ["decision.made", { stepId: "a", verdict: "approve" }],
      ["decision.made", { stepId: "a", verdict: "reject" }],
      "authority",
    ],
    ["another lease", ["lease.taken", { epoch: 1 }], ["lease.taken", { epoch: 2 }], "authority"],
    ["another resumption", ["run.resumed", { epoch: 1 }], ["run.resumed", { epoch: 2 }], "authority"],
    ["another submission", ["run.submitted", { by: "a" }], ["run.submitted", { by: "b" }], "plan"],
    ["an end instead of a step", ["run.completed", {}], entered("a"), "plan"],
    ["another start", ["run.started", { manifestId: "1" }], ["run.started", { manifestId: "2" }], "plan"],
    ["no object", ["run.completed", []], ["run.completed", { output: 2 }], "outcome"],
  ])("puts %s into its class", (_, was, is, kind) => {
    expect(kindsOf(log(was), log(is))).toEqual([kind]);
  });

  test("tells another order from something else, and stops there", () => {
    expect(kindsOf(log(entered("a"), entered("b")), log(entered("b"), entered("a")))).toEqual(["ordering"]);
    expect(kindsOf(log(entered("a"), entered("b")), log(entered("c"), entered("a")))).toEqual(["plan"]);
    expect(kindsOf(log(completed("a", 1), entered("a")), log(entered("a")))).toEqual(["plan"]);
  });

  test("misses what a replay that came to rest lacks, and nothing of one that was cut off", () => {
    const was = log(entered("a"), ["run.completed", { output: 1 }]);
    expect(compareEvents(was, log(entered("a")), true)).toMatchObject([{ kind: "outcome", seq: 2, stepId: null, found: null }]);
    expect(compareEvents(was, log(entered("a")), false)).toEqual([]);
    expect(compareEvents([], was, true)).toEqual([]);
  });

  test("names the step that was found where the record has none, and cuts long pictures", () => {
    const [divergence] = compareEvents(log(["run.completed", { output: "x".repeat(900) }]), log(entered("a")), true);
    expect(divergence).toMatchObject({ stepId: "a", kind: "plan" });
    expect(divergence?.expected).toHaveLength(501);
  });

  test("looks at decisions alone: what handlers say of themselves is no part of them", () => {
    const said = log(
      ["domain", { name: "x", stepId: "a", payload: 1 }],
      ["progress", { stepId: "a", done: 1, total: null }],
      ["fact.recorded", { key: "k", payload: 1 }],
      ["artifact.written", { kind: "report", artifactId: "1", bytes: 1, meta: { stepId: "a" } }],
      ["artifact.written", { kind: "result", artifactId: "1", bytes: 1, meta: { stepId: "a" } }],
      ["artifact.written", { kind: "fact_payload", artifactId: "1", bytes: 1 }],
      ["unknown:later.kind", {}],
    );
    expect(said.filter(isDecided)).toEqual([]);
    expect(log(entered("a"), ["artifact.written", { kind: "result", artifactId: "1", bytes: 1 }]).filter(isDecided)).toHaveLength(
      2,
    );
  });

  test("is reflexive, and finds any one change of any log", () => {
    const anyEvent = fc.record({
      stepId: fc.constantFrom("a", "b", "c"),
      result: fc.integer(),
      kind: fc.constantFrom("step.entered", "step.completed", "step.skipped"),
    });
    fc.assert(
      fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 20 }), fc.nat(), (events, where) => {
        const was = log(...events.map(({ kind, stepId, result }) => [kind, { stepId, attempt: 1, result }] as const));
        expect(compareEvents(was, was, true)).toEqual([]);
        const at = where % was.length;
        const is = was.map((event, index) =>
          index === at ? ({ ...event, payload: { ...(event.payload as object), result: "changed" } } as AnyEvent) : event,
        );
        expect(compareEvents(was, is, true)).toMatchObject([{ seq: at + 1 }]);
      }),
    );
  });

  test("helpers name what an event is about", () => {
    const [a, b] = log(entered("a"), ["run.parked", { reason: "retry", stepId: null }]);
    if (a === undefined || b === undefined) throw new TypeError("two events");
    expect([stepIdOf(a), stepIdOf(b)]).toEqual(["a", null]);
    expect(isSameMoment(a, a)).toBe(true);
    expect(isSameMoment(a, b)).toBe(false);
    expect(pictureOf(a)).toBe('step.entered {"attempt":1,"stepId":"a"}');
    expect(retryBoundMs({ attemptsMax: 3, baseMs: 200, maxMs: 500 }, 1)).toBe(200);
    expect(retryBoundMs({ attemptsMax: 3, baseMs: 200, maxMs: 500 }, 99)).toBe(500);
  });
});

const plan = runPlanOf(
  buildRunbook({
    steps: [
      { id: "a", effect: "write", recovery: "idempotent", retry: { attemptsMax: 3, baseMs: 100, maxMs: 100 } },
      { id: "p", retry: { attemptsMax: 3, baseMs: 100, maxMs: 100 } },
      { id: "g", mode: "human_gate" },
    ],
    execution: { deadlineMs: 1_000 },
  }),
);
const lease = (epoch: number, more: object = {}) => ["lease.taken", { epoch, owner: `o${epoch}`, ...more }, { epoch }] as const;

describe("authority", () => {
  test("is that of the lease: each follows the one before, and everything is written under it", () => {
    const sound = log(
      ["run.submitted", {}],
      lease(1),
      ["run.started", { epoch: 1, owner: "o1" }, { epoch: 1 }],
      lease(2),
      ["run.resumed", { epoch: 2, owner: "o2" }, { epoch: 2 }],
      ["step.entered", { stepId: "a", attempt: 1 }, { epoch: 2 }],
    );
    expect(authorityDivergences(sound, plan)).toEqual([]);
    const stale = log(["run.submitted", {}], lease(1), ["step.entered", { stepId: "a", attempt: 1 }, { epoch: 3 }]);
    expect(authorityDivergences(stale, plan)).toMatchObject([{ kind: "authority", seq: 3, stepId: "a", expected: "epoch 1" }]);
    expect(authorityDivergences(log(lease(4)), plan)).toMatchObject([{ seq: 1, expected: "epoch 1" }]);
  });

  test("is that of who took the lease, and of nobody before there was one", () => {
    const other = log(lease(1), ["run.started", { epoch: 1, owner: "other" }, { epoch: 1 }]);
    expect(authorityDivergences(other, plan)).toMatchObject([{ seq: 2, expected: 'epoch 1 of "o1"' }]);
    const nobody = log(["run.resumed", { epoch: 1, owner: "o1" }]);
    expect(authorityDivergences(nobody, plan)).toMatchObject([{ expected: 'epoch 0 of "null"' }]);
  });

  test("of a gate is a decision that approves it (an approval missing)", () => {
    const enters = ["step.entered", { stepId: "g", attempt: 1 }] as const;
    const made = (verdict: string) => ["decision.made", { stepId: "g", verdict }] as const;
    expect(authorityDivergences(log(made("approve"), enters), plan)).toEqual([]);
    expect(authorityDivergences(log(made("reject"), enters), plan)).toMatchObject([{ seq: 2, stepId: "g" }]);
    expect(authorityDivergences(log(["step.entered", { stepId: "unknown", attempt: 1 }]), plan)).toEqual([]);
  });
});

describe("recorded times", () => {
  const retry = (at: number, committed = 1_000, stepId = "a") =>
    log(
      ["lease.taken", {}, { at: 500 }],
      ["step.entered", { stepId, attempt: 1 }, { at: 600 }],
      ["step.failed", { stepId, attempt: 1, code: "c" }, { at: committed }],
      ["step.retry_scheduled", { stepId, attempt: 2, at }, { at: committed }],
      ["step.entered", { stepId, attempt: 2 }, { at: 2_000 }],
    );
  const kinds = (events: readonly AnyEvent[], toleranceMs = 0): readonly (number | null)[] =>
    timingDivergences(events, plan, toleranceMs).map(({ seq }) => seq);

  test("of a retry lie after the failure and within what the policy allows", () => {
    expect(kinds(retry(1_050))).toEqual([]);
    expect(kinds(retry(599))).toEqual([4]);
    expect(kinds(retry(1_101))).toEqual([4]);
    expect(kinds(retry(1_101), 10)).toEqual([]);
    // the entry of a pure step is committed with its end: only the lease bounds it
    expect(kinds(retry(550, 1_000, "p"))).toEqual([]);
    expect(kinds(retry(499, 1_000, "p"))).toEqual([4]);
    expect(kinds(retry(1, 1_000, "unknown"))).toEqual([]);
  });

  test("of a retry double with each failure of the step itself, not with crashes and doubts", () => {
    const events = log(
      ["step.failed", { stepId: "a", attempt: 1, code: "orphan_attempt_recovered" }],
      ["step.failed", { stepId: "a", attempt: 1, code: "doubt.not_done" }],
      ["step.retry_scheduled", { stepId: "a", attempt: 2, at: 100 }],
    );
    expect(kinds(events)).toEqual([]);
  });

  test("are kept: nothing is entered before its retry, given up before its wait, or ended before its deadline", () => {
    expect(kinds([...retry(1_050).slice(0, 4), ...log(["step.entered", { stepId: "a", attempt: 2 }, { at: 1_049 }])])).toEqual([
      1,
    ]);
    const wait = (until: number | null, at: number) =>
      log(["step.parked", { stepId: "a", until }], ["step.failed", { stepId: "a", attempt: 1, code: "wait.timeout" }, { at }]);
    expect([kinds(wait(100, 100)), kinds(wait(100, 99)), kinds(wait(null, 99))]).toEqual([[], [2], []]);
    const late = (at: number) =>
      log(
        ["run.started", { deadlineAt: 1_000 }],
        ["step.fenced", { stepId: "a", attempt: 1, reason: "deadline" }, { at }],
        ["step.fenced", { stepId: "p", attempt: 1, reason: "canceled" }, { at }],
        ["run.failed", { code: "run.deadline_passed" }, { at }],
      );
    expect([kinds(late(1_000)), kinds(late(999))]).toEqual([[], [2, 4]]);
    expect(kinds(log(["run.failed", { code: "other" }]))).toEqual([]);
  });

  test("of a deadline follow from its start, and nobody goes on who came after it", () => {
    const start = (deadlineAt: number | null) =>
      log(["run.submitted", {}, { at: 100 }], ["run.started", { deadlineAt }, { at: 200 }]);
    expect([kinds(start(1_150)), kinds(start(1_099)), kinds(start(1_201)), kinds(start(null))]).toEqual([[], [2], [2], []]);
    const unbounded = runPlanOf(buildRunbook({ steps: [{ id: "a" }] }));
    expect(timingDivergences(start(5), unbounded, 0)).toEqual([]);
    const after = [
      ...start(1_150),
      ...log(["lease.taken", {}, { at: 2_000 }], ["step.entered", { stepId: "a", attempt: 1 }, { at: 2_000 }]),
    ];
    expect(kinds(after)).toEqual([2]);
  });

  test("before the clock was set back count no more (reliability row 54)", () => {
    const back = [...retry(1_050).slice(0, 4), ...log(["step.entered", { stepId: "a", attempt: 2 }, { at: 10 }])];
    expect(kinds(back)).toEqual([]);
  });
});
