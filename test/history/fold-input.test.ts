import { describe, expect, test } from "vitest";
import type { AnyEvent, EventDraft } from "../../src/model/event.js";
import type { RunState } from "../../src/history/run-state.js";
import { beginState } from "../../src/history/run-state.js";
import { buildRunbook } from "../engine/build-runbook.js";
import { fold } from "../../src/history/fold.js";
import { runPlanOf } from "../../src/history/run-plan.js";

const RUNBOOK = `rb_${"a".repeat(64)}` as const;
const REF = "b".repeat(64);

function foldAll(drafts: readonly EventDraft[]): RunState {
  const state = beginState(runPlanOf(buildRunbook({ steps: [{ id: "a" }, { id: "b" }] })), "default", "r");
  for (const [index, draft] of drafts.entries()) {
    const event: AnyEvent = { seq: index + 1, v: 1, epoch: 1, at: 0, hash: "0".repeat(64), ...draft };
    fold(state, event);
  }
  return state;
}

describe("facts in the fold (D-084)", () => {
  test("keep their first binding; an equal one again changes nothing", () => {
    const state = foldAll([
      { kind: "fact.recorded", payload: { key: "k", payload: { rate: 1 } } },
      { kind: "fact.recorded", payload: { key: "k", payload: { rate: 1 }, meta: { by: "another attempt" } } },
      { kind: "fact.recorded", payload: { key: "large", payloadRef: REF } },
      { kind: "fact.recorded", payload: { key: "large", payloadRef: REF } },
    ]);
    expect([...state.facts]).toEqual([
      ["k", { payload: { rate: 1 }, seq: 1 }],
      ["large", { payloadRef: REF, seq: 3 }],
    ]);
  });

  test.each<[string, EventDraft]>([
    ["another payload", { kind: "fact.recorded", payload: { key: "k", payload: 2 } }],
    ["an artifact instead", { kind: "fact.recorded", payload: { key: "k", payloadRef: REF } }],
    ["nothing", { kind: "fact.recorded", payload: { key: "k" } }],
  ])("bound again to %s are damage, by seq", (_what, second) => {
    const first: EventDraft = { kind: "fact.recorded", payload: { key: "k", payload: 1 } };
    expect(() => foldAll([first, second])).toThrow(
      expect.objectContaining({ code: "store.corrupt", details: { what: "fact", id: "run/r", seq: 2 } }) as Error,
    );
  });
});

describe("the context in the fold", () => {
  const done = (stepId: string, delta: object): readonly EventDraft[] => [
    { kind: "step.entered", payload: { stepId, attempt: 1 } },
    { kind: "step.completed", payload: { stepId, attempt: 1, result: 1, declared: [], delta: delta as never } },
  ];

  test("is what completed steps wrote, whichever comes last in the plan, large values by their artifact", () => {
    const state = foldAll([
      ...done("b", { set: { shared: "b" }, deleted: ["gone"], size: 7 }),
      ...done("a", { ref: REF, keys: ["large", "shared"], size: 5 }),
    ]);
    expect(Object.fromEntries(state.context)).toEqual({
      shared: { writer: 1, value: "b", isDeleted: false },
      gone: { writer: 1, isDeleted: true },
      large: { writer: 0, ref: REF, isDeleted: false },
    });
    expect([state.contextWrites, state.hasContextRefs, state.contextSize]).toEqual([2, true, { sinceSnapshot: 12, snapshot: 0 }]);
  });

  test("begins to count anew with each snapshot; other artifacts are none", () => {
    const state = foldAll([
      ...done("a", { set: { k: 1 }, size: 9 }),
      { kind: "artifact.written", payload: { artifactId: "c".repeat(64), kind: "report", bytes: 1 } },
      { kind: "artifact.written", payload: { artifactId: REF, kind: "context_snapshot", bytes: 40 } },
    ]);
    expect([state.snapshotRef, state.contextSize]).toEqual([REF, { sinceSnapshot: 0, snapshot: 40 }]);
  });

  test("takes a delta that says nothing for nothing", () => {
    const state = foldAll(done("a", {}));
    expect([state.context.size, state.contextSize.sinceSnapshot]).toEqual([0, 0]);
  });
});

describe("child runs in the fold", () => {
  const spawned: EventDraft = { kind: "child.spawned", payload: { stepId: "a", key: "k", runId: "c-1", runbookId: RUNBOOK } };
  const ended = (status: string, more: object = {}): EventDraft => ({
    kind: "child.completed",
    payload: { stepId: "a", runId: "c-1", status, ...more },
  });

  test.each<[string, object, object]>([
    ["completed", { output: { n: 1 } }, { status: "completed", runId: "c-1", output: { n: 1 } }],
    ["completed", { outputRef: REF }, { status: "completed", runId: "c-1", output: null }],
    ["canceled", { message: "stop" }, { status: "canceled", runId: "c-1", reason: "stop" }],
    ["failed", { code: "a.b", message: "no" }, { status: "failed", runId: "c-1", code: "a.b", message: "no" }],
    ["failed", {}, { status: "failed", runId: "c-1", code: "run.failed", message: "" }],
  ])("that %s keep their end: %j", (status, more, end) => {
    const child = foldAll([spawned, ended(status, more)]).children.get("k");
    expect(child?.end).toEqual(end);
    expect(child?.outputRef).toBe("outputRef" in more ? REF : undefined);
  });

  test("keep the first of two beginnings and of two ends, and nobody ends who was not begun", () => {
    const again: EventDraft = { kind: "child.spawned", payload: { stepId: "b", key: "k", runId: "c-2", runbookId: RUNBOOK } };
    const state = foldAll([ended("failed"), spawned, again, ended("canceled", { message: "first" }), ended("failed")]);
    expect([...state.children]).toEqual([
      ["k", { runId: "c-1", runbookId: RUNBOOK, stepId: "a", end: { status: "canceled", runId: "c-1", reason: "first" } }],
    ]);
  });
});
