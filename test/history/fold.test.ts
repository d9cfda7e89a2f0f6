import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import type { AnyEvent, EventDraft, RunEvent, StoredEvent } from "../../src/model/event.js";
import type { RunState } from "../../src/history/run-state.js";
import { Heap } from "../../src/history/heap.js";
import { Rig, rested } from "../engine/rig.js";
import { beginState, recordOf } from "../../src/history/run-state.js";
import { buildRunbook } from "../engine/build-runbook.js";
import { eventOf } from "../../src/history/read-event.js";
import { fold } from "../../src/history/fold.js";
import { runPlanOf } from "../../src/history/run-plan.js";
import { runResultOf, runViewOf } from "../../src/history/run-view.js";

const runbook = buildRunbook({ steps: [{ id: "a" }, { id: "b", dependsOn: ["a"] }] });

function begin(): RunState {
  return beginState(runPlanOf(runbook), "default", "r");
}

function add(state: RunState, ...drafts: readonly EventDraft[]): RunState {
  for (const draft of drafts) {
    const event = {
      seq: state.seq + 1,
      v: 1,
      epoch: 1,
      at: 7,
      hash: `h${state.seq + 1}`,
      kind: draft.kind,
      payload: draft.payload,
    };
    fold(state, event as RunEvent);
  }
  return state;
}

const started: EventDraft = {
  kind: "run.started",
  payload: { runbookId: runbook.id, manifestId: null, approvals: ["n"], build: {}, owner: "o", epoch: 1, deadlineAt: 99 },
};

describe("fold", () => {
  test("hands the same state back, moved on by one event", () => {
    const state = begin();
    const after = add(state, started);
    expect(after).toBe(state);
    expect(after).toMatchObject({ seq: 1, hash: "h1", status: "running", deadlineAt: 99, approvals: ["n"], startedAt: 7 });
  });

  test("refuses a gap and a repeat, naming the event", () => {
    for (const seq of [0, 2]) {
      const event = { seq, v: 1, epoch: 1, at: 0, hash: "h", ...started } as RunEvent;
      expect(() => fold(begin(), event)).toThrow(
        expect.objectContaining({ code: "store.corrupt", details: { what: "event", id: "run/r", seq } }),
      );
    }
  });

  test("refuses a step that the runbook does not have", () => {
    expect(() => add(begin(), { kind: "step.entered", payload: { stepId: "x", attempt: 1 } })).toThrow(
      expect.objectContaining({ code: "store.corrupt" }),
    );
  });

  test("passes over kinds that say nothing of the run, and kinds of later versions", () => {
    const state = begin();
    const before = JSON.stringify(runViewOf(state));
    const unknown: AnyEvent = { seq: 1, kind: "unknown:run.dreamt", v: 9, epoch: 0, at: 0, hash: "h", payload: [1] };
    fold(state, unknown);
    add(state, { kind: "progress", payload: { stepId: "a", done: 1, total: null } });
    expect(state.seq).toBe(2);
    expect(JSON.stringify({ ...runViewOf(state), seq: 0, hash: runViewOf(begin()).hash })).toBe(
      JSON.stringify({ ...(JSON.parse(before) as object) }),
    );
  });

  test("keeps the first payload of a key and the first decision of a step", () => {
    const decision = { stepId: "a", verdict: "approve", issuer: "i", subject: "s", vouchedBy: "host" };
    const state = add(
      begin(),
      { kind: "signal.received", payload: { key: "k", payload: 1, from: null } },
      { kind: "signal.received", payload: { key: "k", payload: 2, from: null } },
      { kind: "decision.made", payload: decision },
      { kind: "decision.made", payload: { ...decision, verdict: "reject" } },
    );
    expect(state.signals.get("k")).toBe(1);
    expect(state.decisions.get("a")?.verdict).toBe("approve");
  });

  test("takes a fence of an attempt that has ended for evidence only", () => {
    const state = add(
      begin(),
      { kind: "step.entered", payload: { stepId: "a", attempt: 1 } },
      { kind: "step.completed", payload: { stepId: "a", attempt: 1, result: 1, declared: [] } },
      { kind: "step.fenced", payload: { stepId: "a", attempt: 1, reason: "timeout" } },
    );
    expect(recordOf(state, "a")?.status).toBe("completed");
    expect(recordOf(state, "nobody")).toBeUndefined();
  });

  test("lets a rejected gate, and an answer to a step that does not wait, where they are", () => {
    const gate: EventDraft = {
      kind: "step.parked",
      payload: { stepId: "a", attempt: 0, reason: "human_gate", key: "k", until: null },
    };
    const reject: EventDraft = {
      kind: "decision.made",
      payload: { stepId: "a", verdict: "reject", issuer: "i", subject: "s", vouchedBy: "host" },
    };
    const answered: EventDraft = { kind: "wait.answered", payload: { stepId: "a", key: "k", by: "decision" } };
    expect(recordOf(add(begin(), answered), "a")?.status).toBe("pending");
    expect(recordOf(add(begin(), gate, reject, answered), "a")?.status).toBe("parked");
  });
});

describe("the view of a run", () => {
  test("loses nothing of where it rests: reason, step, key, until and the failed step come back from the log (X8)", async () => {
    const park = { run: async (_: unknown, ctx: { park(options: object): unknown }) => ctx.park({ key: "k-1", until: "1h" }) };
    const rig = new Rig({ verbs: { "test.work": park } });
    const waits = buildRunbook({ steps: [{ id: "wait", mode: "durable", effect: "write" }] });
    const runId = await rig.submit(waits);
    const { view, result } = rested(await rig.drive(waits, runId));
    const until = rig.env.now() + 3_600_000;
    const state = beginState(runPlanOf(waits), "default", runId);
    for (const event of await rig.events(runId)) fold(state, event);
    const again = runViewOf(state);
    expect(again).toEqual(view);
    expect(again).toMatchObject({
      status: "parked",
      reason: "awaiting_signal",
      waitingFor: { stepId: "wait", key: "k-1", until },
      steps: [{ stepId: "wait", status: "parked", attempt: 1, wait: { key: "k-1", until, reason: "awaiting_signal" } }],
    });
    expect(runResultOf(again)).toEqual(result);
    expect(runResultOf(runViewOf(beginState(runPlanOf(waits), "default", runId)))).toBeUndefined();
  });

  test("names code, message and step of a failure, and who is canceled why", () => {
    const failed = add(begin(), started, {
      kind: "run.failed",
      payload: { code: "bank.closed", category: "policy", message: "shut", stepId: "a", isVoid: false },
    });
    expect(runResultOf(runViewOf(failed))).toEqual({
      status: "failed",
      runId: "r",
      code: "bank.closed",
      message: "shut",
      stepId: "a",
      failure: { code: "bank.closed", category: "policy", retryable: false, message: "shut" },
    });
    const canceled = add(begin(), started, { kind: "run.canceled", payload: { reason: "enough", by: null, isVoid: true } });
    expect(runResultOf(runViewOf(canceled))).toEqual({ status: "canceled", runId: "r", reason: "enough" });
    const paused = add(begin(), started, { kind: "run.paused", payload: { by: null } });
    expect(runResultOf(runViewOf(paused))).toEqual({
      status: "parked",
      runId: "r",
      reason: "paused",
      stepId: null,
      key: null,
      until: null,
    });
  });
});

describe("a runbook whose steps are out of order", () => {
  test("can't be run: it was not sealed here (store.corrupt)", () => {
    const broken = buildRunbook({ steps: [{ id: "a", dependsOn: ["b"] }, { id: "b" }] });
    expect(() => runPlanOf(broken)).toThrow(expect.objectContaining({ code: "store.corrupt" }));
  });
});

describe("reading events back", () => {
  test("gives known kinds typed, and unknown ones marked, with their payload", () => {
    const stored: StoredEvent = {
      scope: "default",
      stream: "run/r",
      seq: 1,
      kind: "run.dreamt",
      v: 2,
      epoch: 0,
      payloadText: '{"of":"sheep"}',
      payloadDigest: "d",
      prev: "p",
      hash: "h",
      at: 5,
    };
    expect(eventOf(stored)).toEqual({
      seq: 1,
      kind: "unknown:run.dreamt",
      v: 2,
      epoch: 0,
      at: 5,
      hash: "h",
      payload: { of: "sheep" },
    });
    expect(eventOf({ ...stored, kind: "run.paused", v: 1, payloadText: '{"by":null}' })).toMatchObject({
      kind: "run.paused",
      payload: { by: null },
    });
  });
});

describe("the heap", () => {
  test("gives its items least first, whatever order they came in", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (items) => {
        const heap = new Heap<number>((a, b) => a < b);
        for (const item of items) heap.push(item);
        expect(heap.peek()).toBe(items.length === 0 ? undefined : Math.min(...items));
        const out: number[] = [];
        for (let item = heap.pop(); item !== undefined; item = heap.pop()) out.push(item);
        expect(out).toEqual([...items].sort((a, b) => a - b));
      }),
    );
  });
});
