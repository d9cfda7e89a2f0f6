import { describe, expect, test } from "vitest";
import { chainEvent, emptyHead } from "../../src/history/chain.js";
import { nextRunHead, runHeadOf } from "../../src/history/run-head.js";
import type { EventDraft, StoredEvent } from "../../src/model/event.js";
import type { RunHead } from "../../src/model/run.js";

const RUNBOOK = `rb_${"a".repeat(64)}` as const;

const submitted = (over: { uses?: string; dedupKey?: string | null } = {}): EventDraft => ({
  kind: "run.submitted",
  payload: {
    runbookId: RUNBOOK,
    uses: "once",
    dedupKey: null,
    queue: "default",
    priority: 3,
    labels: { team: "a" },
    concurrency: null,
    requires: ["c1"],
    parent: null,
    by: null,
    ...over,
  },
});
const started: EventDraft = {
  kind: "run.started",
  payload: { runbookId: RUNBOOK, manifestId: null, approvals: [], build: {}, owner: "o", epoch: 1, deadlineAt: null },
};
const resumed: EventDraft = { kind: "run.resumed", payload: { owner: "o", epoch: 2, reason: "signal" } };
const retry = (at: number): EventDraft => ({ kind: "step.retry_scheduled", payload: { stepId: "a", attempt: 1, at } });
const parked = (reason: string, until: number | null): EventDraft => ({
  kind: "run.parked",
  payload: { reason, stepId: "a", key: null, until },
});
const leased: EventDraft = { kind: "lease.taken", payload: { owner: "o", epoch: 1, leaseMs: 10_000, previous: null } };
const failed = (isVoid: boolean): EventDraft => ({
  kind: "run.failed",
  payload: { code: "lock.contention", category: "policy", message: "", stepId: null, isVoid },
});

function headOf(...drafts: readonly EventDraft[]): RunHead {
  const [first, ...rest] = drafts.map((draft, index) => ({ ...draft, at: 100 + index }));
  if (first === undefined) throw new Error("no event");
  return rest.reduce<RunHead>((head, event) => nextRunHead(head, event, "r1"), nextRunHead(null, first, "r1"));
}

function stored(stream: "run/r1" | "runbook/rb", ...drafts: readonly EventDraft[]): StoredEvent[] {
  let head = emptyHead("default", stream);
  return drafts.map((draft, index) => {
    const event = chainEvent(head, draft, 1);
    head = { ...head, seq: event.seq, hash: event.hash };
    return { ...event, scope: "default", at: 100 + index };
  });
}

describe("nextRunHead", () => {
  test("makes a queued run of run.submitted, due at once (decision 3.3)", () => {
    expect(headOf(submitted())).toEqual({
      runId: "r1",
      runbookId: RUNBOOK,
      status: "queued",
      reason: null,
      wakeAt: 0,
      requires: ["c1"],
      queue: "default",
      priority: 3,
      labels: { team: "a" },
      parent: null,
      dedupKey: null,
      useKey: `once:${RUNBOOK}`,
      submittedAt: 100,
      startedAt: null,
    });
  });

  test("keys a run by its runbook, its dedupKey, or not at all (decision 1.6)", () => {
    expect(headOf(submitted({ uses: "once", dedupKey: "k" })).useKey).toBe(`once:${RUNBOOK}`);
    expect(headOf(submitted({ uses: "many", dedupKey: "k" })).useKey).toBe("dedup:k");
    expect(headOf(submitted({ uses: "many" })).useKey).toBeNull();
  });

  test("moves on start, resume, park, pause and end", () => {
    const brief = (head: RunHead): unknown => [head.status, head.reason, head.wakeAt];
    expect(brief(headOf(submitted(), started))).toEqual(["running", null, null]);
    expect(brief(headOf(submitted(), started, parked("awaiting_signal", 900)))).toEqual(["parked", "awaiting_signal", 900]);
    expect(brief(headOf(submitted(), started, parked("awaiting_signal", null), resumed))).toEqual(["running", null, null]);
    expect(brief(headOf(submitted(), started, { kind: "run.paused", payload: { by: null } }))).toEqual([
      "parked",
      "paused",
      null,
    ]);
    expect(brief(headOf(submitted(), started, { kind: "run.completed", payload: {} }))).toEqual(["completed", null, null]);
    expect(brief(headOf(submitted(), started, failed(false)))).toEqual(["failed", "lock.contention", null]);
    expect(brief(headOf(submitted(), { kind: "run.canceled", payload: { reason: "asked", by: null, isVoid: true } }))).toEqual([
      "canceled",
      "asked",
      null,
    ]);
  });

  test("says when the first start was committed, once and for all", () => {
    expect(headOf(submitted(), leased, started).startedAt).toBe(102);
    expect(headOf(submitted(), started, parked("retry", null), resumed, started).startedAt).toBe(101);
    expect(headOf(submitted(), failed(true)).startedAt).toBeNull();
    const unstored = nextRunHead(nextRunHead(null, submitted(), "r1"), started, "r1");
    expect(unstored.startedAt).toBe(0);
  });

  test("wakes a run parked for retry at its until, else at the earliest retry since it was taken up", () => {
    expect(headOf(submitted(), started, retry(500), retry(300), retry(400), parked("retry", null)).wakeAt).toBe(300);
    expect(headOf(submitted(), started, retry(300), parked("retry", 350)).wakeAt).toBe(350);
    expect(headOf(submitted(), started, retry(300), parked("awaiting_signal", null)).wakeAt).toBeNull();
    expect(headOf(submitted(), started, retry(300), resumed, parked("retry", null)).wakeAt).toBeNull();
  });

  test("gives the use back when a run ends void, and only then", () => {
    expect(headOf(submitted(), started, failed(true)).useKey).toBeNull();
    expect(headOf(submitted(), started, failed(false)).useKey).toBe(`once:${RUNBOOK}`);
  });

  test("gives the same head back for kinds that say nothing about it, unknown ones included", () => {
    const head = headOf(submitted(), started);
    expect(nextRunHead(head, { kind: "later.kind", payload: 1 }, "r1")).toBe(head);
    expect(nextRunHead(head, { kind: "progress", payload: {} }, "r1")).toBe(head);
  });

  test("refuses a run that does not begin with run.submitted, and payloads that lack a member", () => {
    expect(() => nextRunHead(null, started, "r1")).toThrow("the first event of a run is run.submitted");
    for (const payload of [null, [], {}, { ...submitted().payload, runbookId: "x" }, { ...submitted().payload, requires: [1] }]) {
      expect(() => nextRunHead(null, { kind: "run.submitted", payload }, "r1")).toThrow("broken invariant");
    }
    expect(() => nextRunHead(null, { kind: "run.submitted", payload: { ...submitted().payload, labels: [] } }, "r1")).toThrow(
      '"labels" of an event is an object',
    );
    expect(() => nextRunHead(null, { kind: "run.submitted", payload: { ...submitted().payload, priority: "1" } }, "r1")).toThrow(
      '"priority" of an event is a number',
    );
  });
});

describe("runHeadOf", () => {
  test("folds seq, hash, epoch and lease beside the run", () => {
    const events = stored("run/r1", submitted(), leased, started);
    expect(runHeadOf(events, false)).toMatchObject({
      scope: "default",
      stream: "run/r1",
      seq: 3,
      hash: events[2]?.hash,
      epoch: 1,
      owner: "o",
      leaseUntil: 10_101,
      run: { status: "running", submittedAt: 100 },
    });
  });

  test("takes the owner from a run that is parked, paused or over, and keeps the epoch", () => {
    const head = runHeadOf(stored("run/r1", submitted(), leased, started, parked("paused", null)), false);
    expect(head).toMatchObject({ owner: null, leaseUntil: null, epoch: 1 });
  });

  test("is due at once while messages wait for a run that has not ended", () => {
    const waiting = stored("run/r1", submitted(), leased, started, parked("awaiting_signal", 900));
    expect(runHeadOf(waiting, false)?.run?.wakeAt).toBe(900);
    expect(runHeadOf(waiting, true)?.run?.wakeAt).toBe(0);
    expect(runHeadOf(stored("run/r1", submitted(), failed(false)), true)?.run?.wakeAt).toBeNull();
  });

  test("has no run for other streams, and no head without events", () => {
    const given: EventDraft = { kind: "approval.consumed", payload: { nonce: "n", runId: "r" } };
    expect(runHeadOf(stored("runbook/rb", given), true)).toMatchObject({ stream: "runbook/rb", seq: 1, run: null, owner: null });
    expect(runHeadOf([], true)).toBeNull();
  });
});
