import { describe, expect, test } from "vitest";
import type { AnyEvent, EventDraft } from "../../src/model/event.js";
import type { BasisStep } from "../../src/model/envelope.js";
import type { JsonObject } from "../../src/json/value.js";
import { basisStepsOf, isCarried } from "../../src/model/basis-steps.js";
import { beginState } from "../../src/history/run-state.js";
import { buildRunbook } from "../engine/build-runbook.js";
import { carriedDigestOf } from "../../src/model/carried-digest.js";
import { carriedProblems } from "../../src/history/verify-carried.js";
import { fold } from "../../src/history/fold.js";
import { foldDoubts } from "../../src/history/doubts.js";
import { handedOn } from "../../src/history/handed-on.js";
import { logProblems } from "../../src/history/attempt-rules.js";
import { runPlanOf } from "../../src/history/run-plan.js";

const built = buildRunbook({ steps: [{ id: "a" }, { id: "b", dependsOn: ["a"] }, { id: "c" }] });

function logOf(...drafts: readonly EventDraft[]): AnyEvent[] {
  return drafts.map((draft, index) => ({ seq: index + 1, v: 1, epoch: 1, at: index, hash: `h${index}`, ...draft }));
}

const completed = (stepId: string, more: object = {}): EventDraft => ({
  kind: "step.completed",
  payload: { stepId, attempt: 0, declared: [], by: "carried", ...more },
});
const doubted = (stepId: string, more: object = {}): EventDraft => ({
  kind: "step.in_doubt",
  payload: { stepId, attempt: 0, recovery: "manual", reason: "cut off", by: "carried", ...more },
});
const submitted: EventDraft = {
  kind: "run.submitted",
  payload: {
    runbookId: built.id,
    uses: "once",
    dedupKey: null,
    queue: "q",
    priority: 0,
    labels: {},
    concurrency: null,
    requires: [],
    parent: null,
    by: null,
  },
};

function rulesOf(...drafts: readonly EventDraft[]): readonly string[] {
  return logProblems(logOf(submitted, ...drafts)).map(({ rule }) => rule);
}

describe("a log that begins with what was taken over (decision 3.18)", () => {
  test("keeps the rules of attempts: attempt 0, once, before any other (D-064)", () => {
    expect(rulesOf(completed("a"), doubted("b"))).toEqual([]);
    expect(rulesOf(completed("a", { attempt: 1 }))).toEqual(["terminal_without_entered"]);
    expect(rulesOf(completed("a", { by: "signal" }))).toEqual(["terminal_without_entered"]);
    expect(rulesOf(doubted("a"), completed("a"))).toEqual([]); // settled by the holder
    expect(rulesOf(doubted("a"), doubted("a"))).toEqual([]);
    const entered: EventDraft = { kind: "step.entered", payload: { stepId: "a", attempt: 1 } };
    expect(rulesOf(entered, completed("a"))).toEqual(["terminal_attempt_mismatch"]);
    const failed: EventDraft = {
      kind: "step.failed",
      payload: {
        stepId: "a",
        attempt: 0,
        code: "doubt.not_done",
        category: "unknown",
        message: "",
        retryable: true,
        final: false,
      },
    };
    expect(rulesOf(doubted("a"), failed, entered)).toEqual([]);
  });

  test("folds to steps that are done, and opens what waited for them", () => {
    const state = beginState(runPlanOf(built), "default", "r");
    for (const event of logOf(submitted, completed("a", { result: 7 }), doubted("c"))) fold(state, event);
    expect(state.steps.map(({ status, attempt }) => `${status} ${attempt}`)).toEqual(["completed 0", "pending 0", "in_doubt 0"]);
    expect([state.ready.peek(), [...state.inDoubt], state.wasEntered]).toEqual([1, [2], false]);
  });

  test("says nothing that its runbook was not sealed with (carried_unsealed)", () => {
    const delta = { set: { k: 1 }, size: 5 };
    const steps: readonly BasisStep[] = [
      { stepId: "a", as: "completed", digest: carriedDigestOf(7, delta) },
      { stepId: "b", as: "in_doubt", keyRunId: "r-0" },
    ];
    const basis = { kind: "amend", runId: "r-0", headHash: "a".repeat(64), from: null, steps } as const;
    const content = { ...built.content, core: { ...built.content.core, basis } };
    const found = (...drafts: readonly EventDraft[]) =>
      carriedProblems(content, logOf(submitted, ...drafts)).map(({ seq }) => seq);
    expect(found(completed("a", { result: 7, delta }), doubted("b"))).toEqual([]);
    expect(found(completed("a", { resultRef: "f".repeat(64), delta }))).toEqual([]);
    expect(found(completed("c", { by: "signal" }), doubted("c", { by: undefined }))).toEqual([]);
    for (const wrong of [
      completed("a", { result: 8, delta }),
      completed("a", { result: 7 }),
      completed("a", { delta }),
      completed("b", { result: 7, delta }),
      completed("c", { result: 7 }),
      doubted("a"),
    ]) {
      expect(found(wrong)).toEqual([2]);
    }
    expect(carriedProblems(built.content, logOf(submitted, doubted("a"))).map(({ rule }) => rule)).toEqual(["carried_unsealed"]);
    const taken = basisStepsOf(content);
    expect([isCarried(taken, "a"), isCarried(taken, "b"), isCarried(taken, "c")]).toEqual([true, false, false]);
    expect(basisStepsOf(built.content).size).toBe(0);
    expect([...runPlanOf({ ...built, content }).keyRuns]).toEqual([["b", "r-0"]]);
  });
});

describe("what a run hands on", () => {
  const end = (stepId: string, more: JsonObject): EventDraft => ({
    kind: "step.completed",
    payload: { stepId, attempt: 1, declared: [], ...more },
  });
  const parked = (stepId: string, delta?: JsonObject): EventDraft => ({
    kind: "step.parked",
    payload: { stepId, attempt: 1, reason: "awaiting_signal", key: "k", until: null, ...(delta !== undefined && { delta }) },
  });
  const entered = (stepId: string, attempt: number): EventDraft => ({ kind: "step.entered", payload: { stepId, attempt } });

  test("is each result in the order of completion, and the newest doubt of each step", () => {
    const handed = handedOn(
      logOf(
        submitted,
        end("b", { result: 1, declared: ["x:1"] }),
        doubted("c", { reason: "first" }),
        end("a", { resultRef: "f" }),
        doubted("c"),
      ),
    );
    expect([...handed.completed]).toEqual([
      ["b", { declared: ["x:1"], result: 1 }],
      ["a", { declared: [], resultRef: "f" }],
    ]);
    expect(handed.inDoubt.get("c")?.reason).toBe("cut off");
  });

  test("has the change of the context that a step made before it parked, of its last attempt only", () => {
    const handed = handedOn(
      logOf(
        parked("a", { set: { k: 1 }, size: 1 }),
        end("a", { result: 1 }),
        parked("b", { set: { k: 2 }, size: 1 }),
        entered("b", 2),
        parked("b"),
        end("b", { result: 2 }),
        end("c", { result: 3, delta: { set: { k: 3 }, size: 1 } }),
      ),
    );
    expect([...handed.completed.values()].map((left) => left.delta)).toEqual([
      { set: { k: 1 }, size: 1 },
      undefined,
      { set: { k: 3 }, size: 1 },
    ]);
  });

  test("is, of doubts, the open ones in plan order and the newest of each step", () => {
    const state = beginState(runPlanOf(built), "default", "r");
    const decided: EventDraft = {
      kind: "decision.made",
      payload: { stepId: "a", verdict: "done", issuer: "i", subject: "s", vouchedBy: "host", attempt: 0 },
    };
    const found = foldDoubts(
      state,
      logOf(
        submitted,
        doubted("c", { rawRef: "f" }),
        doubted("a"),
        decided,
        completed("a", { result: 1, by: "decision" }),
        doubted("b"),
      ),
    );
    expect(found.open.map(({ stepId, attempt, since, rawRef }) => [stepId, attempt, since, rawRef])).toEqual([
      ["b", 0, 5, undefined],
      ["c", 0, 1, "f"],
    ]);
    expect([...found.newest.keys()]).toEqual(["c", "a", "b"]);
  });

  test("takes no decision on a doubt that is another one's: another attempt, another step, or a second one", () => {
    const decide = (stepId: string, attempt: number, verdict: string): EventDraft => ({
      kind: "decision.made",
      payload: { stepId, verdict, issuer: "i", subject: "s", vouchedBy: "host", attempt },
    });
    const state = beginState(runPlanOf(built), "default", "r");
    for (const event of logOf(submitted, doubted("a"), decide("a", 1, "done"), decide("b", 0, "done"))) fold(state, event);
    expect(state.answered.size).toBe(0);
    for (const event of [decide("a", 0, "failed"), decide("a", 0, "done")]) {
      const [next] = logOf(event);
      if (next !== undefined) fold(state, { ...next, seq: state.seq + 1 });
    }
    expect(state.steps[0]?.settlement).toEqual({ verdict: "failed", subject: "s" });
    expect([...state.answered]).toEqual([0]);
  });
});
