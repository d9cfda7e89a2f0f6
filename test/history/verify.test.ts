import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import type { ChainedEvent, EventDraft, StoredEvent } from "../../src/model/event.js";
import type { StreamHead } from "../../src/model/run.js";
import { Rig } from "../engine/rig.js";
import { buildRunbook } from "../engine/build-runbook.js";
import { chainEvent, emptyHead } from "../../src/history/chain.js";
import { logProblems } from "../../src/history/attempt-rules.js";
import { runStream } from "../../src/model/ids.js";
import { verifyChain } from "../../src/history/verify-chain.js";
import { verifyRun } from "../../src/history/verify-run.js";

const runbook = buildRunbook({ steps: [{ id: "a" }, { id: "b", dependsOn: ["a"] }] });

async function finished(): Promise<{ runId: string; events: StoredEvent[]; head: StreamHead; rig: Rig }> {
  const rig = new Rig({ verbs: { "test.work": { run: async () => "x".repeat(40_000) } } });
  const runId = await rig.submit(runbook);
  await rig.drive(runbook, runId);
  const events: StoredEvent[] = [];
  for await (const event of rig.stores.reader.read("default", runStream(runId))) events.push(event);
  const head = await rig.stores.reader.head("default", runStream(runId));
  if (head === undefined) throw new Error("no head");
  return { runId, events, head, rig };
}

function rechained(events: readonly StoredEvent[], drafts: readonly EventDraft[]): StoredEvent[] {
  const stream = events[0]?.stream ?? "run/r";
  const chained: StoredEvent[] = [];
  let head = emptyHead("default", stream);
  for (const draft of drafts) {
    const event: ChainedEvent = chainEvent(head, draft, 1);
    chained.push({ ...event, scope: "default", at: 0 });
    head = { scope: "default", stream, seq: event.seq, hash: event.hash };
  }
  return chained;
}

describe("the chain of a stream", () => {
  test("is ok and full as it was written", async () => {
    const { runId, events, head } = await finished();
    expect(verifyChain("default", runStream(runId), events)).toEqual({
      integrity: "ok",
      completeness: "full",
      head: { scope: "default", stream: runStream(runId), seq: head.seq, hash: head.hash },
    });
    expect(verifyChain("default", "run/none", [])).toMatchObject({ integrity: "ok", head: { seq: 0 } });
  });

  test("names the first bad event for every member that was changed, removed, swapped or inserted (reliability 60, 62)", async () => {
    const { runId, events } = await finished();
    const changes: readonly ((event: StoredEvent) => StoredEvent)[] = [
      (event) => ({ ...event, payloadText: `${event.payloadText} ` }),
      (event) => ({ ...event, payloadDigest: "0".repeat(64) }),
      (event) => ({ ...event, hash: "0".repeat(64) }),
      (event) => ({ ...event, prev: "0".repeat(64) }),
      (event) => ({ ...event, kind: "run.paused" }),
      (event) => ({ ...event, v: 2 }),
      (event) => ({ ...event, epoch: 9 }),
      (event) => ({ ...event, seq: event.seq + 1 }),
      (event) => ({ ...event, stream: "run/other" }),
    ];
    fc.assert(
      fc.property(fc.nat({ max: events.length - 1 }), fc.constantFrom(...changes), (index, change) => {
        const tampered = events.map((event, position) => (position === index ? change(event) : event));
        expect(verifyChain("default", runStream(runId), tampered).integrity).toMatchObject({ why: expect.any(String) as string });
      }),
    );
    const swapped = [events[1], events[0], ...events.slice(2)] as StoredEvent[];
    expect(verifyChain("default", runStream(runId), swapped).integrity).toMatchObject({ seq: 2 });
    expect(verifyChain("default", runStream(runId), events.toSpliced(3, 1)).integrity).toMatchObject({ seq: 5 });
    expect(verifyChain("default", runStream(runId), events.toSpliced(3, 0, ...events.slice(3, 4))).integrity).toMatchObject({
      seq: 4,
    });
  });

  test("stays verifiable where payloads were dropped, and says that it is partial (decision 4.2)", async () => {
    const { runId, events } = await finished();
    const stream = runStream(runId);
    const last = events.at(-1);
    if (last === undefined) throw new Error("empty");
    const note = chainEvent(
      { scope: "default", stream, seq: last.seq, hash: last.hash },
      { kind: "payload.dropped", payload: { fromSeq: 4, toSeq: 5, reason: "retention" } },
      0,
    );
    const noted: StoredEvent[] = [...events, { ...note, scope: "default", at: 0 }];
    const dropped = noted.map((event) => (event.seq === 4 || event.seq === 5 ? { ...event, payloadText: "" } : event));
    expect(verifyChain("default", stream, dropped)).toMatchObject({
      integrity: "ok",
      completeness: "partial",
      head: { seq: note.seq },
    });
    for (const change of [{ epoch: 9 }, { prev: "0".repeat(64) }, { seq: 6 }, { stream: "run/other" as const }]) {
      const tampered = dropped.map((event, index) => (index === 3 ? { ...event, ...change } : event));
      expect(verifyChain("default", stream, tampered).integrity).not.toBe("ok");
    }
    // an empty payload that no event speaks of is a broken one
    expect(
      verifyChain(
        "default",
        stream,
        events.map((event) => (event.seq === 4 ? { ...event, payloadText: "" } : event)),
      ).integrity,
    ).toMatchObject({ seq: 4 });
    for (const payloadText of ["{", '{"fromSeq":"4"}', ""]) {
      const unreadable = dropped.map((event) => (event.kind === "payload.dropped" ? { ...event, payloadText } : event));
      expect(verifyChain("default", stream, unreadable).integrity).toMatchObject({ seq: 4 });
    }
    const verdict = verifyRun({ scope: "default", runId, runbook, events: dropped, head: undefined });
    expect(verdict).toMatchObject({ integrity: "ok", completeness: "partial", status: null, problems: [] });
  });
});

describe("a run", () => {
  test("verifies: chain, runbook, attempts, status, head and artifacts agree", async () => {
    const { runId, events, head } = await finished();
    const verdict = verifyRun({ scope: "default", runId, runbook, events, head, hasArtifact: () => true });
    expect(verdict).toMatchObject({
      integrity: "ok",
      completeness: "full",
      status: "completed",
      events: events.length,
      problems: [],
    });
    expect(verifyRun({ scope: "default", runId, runbook, events, head }).problems).toEqual([]);
  });

  test("of another runbook, with lost artifacts or a head that tells another story, is found out", async () => {
    const { runId, events, head } = await finished();
    const base = { scope: "default", runId, runbook, events, head };
    const rules = (evidence: Partial<Parameters<typeof verifyRun>[0]>): string[] =>
      verifyRun({ ...base, ...evidence }).problems.map(({ rule }) => rule);
    expect(rules({ runbook: { ...runbook, content: { ...runbook.content, uses: "many" } } })).toEqual(["runbook_digest"]);
    const other = buildRunbook({ steps: [{ id: "a" }, { id: "b", dependsOn: ["a"] }], intent: "other" });
    expect(rules({ runbook: other })).toEqual(["other_runbook"]);
    expect(rules({ runbook: buildRunbook({ steps: [] }) })).toContain("log_unreadable");
    expect(rules({ hasArtifact: () => false })).toEqual(["artifact_missing", "artifact_missing"]);
    expect(rules({ head: undefined })).toEqual(["head_differs"]);
    expect(rules({ head: { ...head, seq: 99, run: head.run === null ? null : { ...head.run, status: "failed" } } })).toEqual([
      "head_differs",
      "head_differs",
    ]);
    // cut off at its end: only the head knows
    expect(rules({ events: events.slice(0, -1) }).length).toBeGreaterThan(0);
    expect(rules({ events: [] })).toEqual(["head_differs"]);
    expect(rules({ events: [], head: undefined })).toEqual([]);
  });

  test("that was written anew by somebody who knows the format is judged by its rules", async () => {
    const { runId, events, head } = await finished();
    const forged = rechained(events, [{ kind: "run.paused", payload: { by: null } }]);
    const rules = verifyRun({ scope: "default", runId, runbook, events: forged, head }).problems.map(({ rule }) => rule);
    expect(rules).toEqual(["run_begins_with_submitted", "log_unreadable"]);
  });

  test("whose chain is broken is judged as far as it can be trusted", async () => {
    const { runId, events, head } = await finished();
    const tampered = events.map((event) => (event.seq === 5 ? { ...event, payloadText: "{}" } : event));
    const verdict = verifyRun({ scope: "default", runId, runbook, events: tampered, head });
    expect(verdict).toMatchObject({
      integrity: { seq: 5, why: "has a payload that does not match its digest" },
      status: "running",
    });
  });
});

describe("the rules of attempts (D-064)", () => {
  const submitted: EventDraft = {
    kind: "run.submitted",
    payload: {
      runbookId: "r",
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
  const enter = (attempt: number): EventDraft => ({ kind: "step.entered", payload: { stepId: "a", attempt } });
  const complete = (attempt: number): EventDraft => ({ kind: "step.completed", payload: { stepId: "a", attempt, declared: [] } });
  const fail = (attempt: number): EventDraft => ({
    kind: "step.failed",
    payload: { stepId: "a", attempt, code: "x.y", category: "unknown", message: "", retryable: true, final: false },
  });
  const park = (attempt: number): EventDraft => ({
    kind: "step.parked",
    payload: { stepId: "a", attempt, reason: "awaiting_signal", key: "k", until: null },
  });
  const fence = (attempt: number): EventDraft => ({ kind: "step.fenced", payload: { stepId: "a", attempt, reason: "r" } });
  const doubt = (attempt: number): EventDraft => ({
    kind: "step.in_doubt",
    payload: { stepId: "a", attempt, recovery: "manual", reason: "r" },
  });
  const end: EventDraft = { kind: "run.completed", payload: {} };
  const rest: EventDraft = { kind: "run.parked", payload: { reason: "retry", stepId: null, key: null, until: null } };

  test.each<[string, readonly EventDraft[], readonly string[]]>([
    ["sound: tried twice", [enter(1), fail(1), enter(2), complete(2), end], []],
    ["sound: parked and answered", [enter(1), park(1), rest, complete(1), end], []],
    ["sound: a gate, then its handler", [park(0), rest, enter(1), complete(1), end], []],
    ["sound: a gate rejected", [park(0), fail(0), end], []],
    ["sound: in doubt, then settled", [enter(1), doubt(1), rest, complete(1), end], []],
    ["sound: fenced, and a late fence", [enter(1), fail(1), fence(1), enter(2), fence(2), end], []],
    ["sound: in doubt and a late fence", [enter(1), doubt(1), fence(1), rest], []],
    ["nested", [enter(1), enter(2), complete(2), end], ["nested_step_entered"]],
    ["skipped a number", [enter(2), complete(2), end], ["attempt_not_next"]],
    ["ended without beginning", [complete(1), end], ["terminal_without_entered"]],
    ["parked twice", [enter(1), park(1), park(1)], ["terminal_without_entered"]],
    ["parked without beginning", [park(1)], ["terminal_without_entered"]],
    ["ended another attempt", [enter(1), complete(2), end], ["terminal_attempt_mismatch"]],
    ["fenced what never was", [fence(1), end], ["terminal_without_entered"]],
    ["ended inside an attempt", [enter(1), end], ["end_inside_attempt"]],
    ["rested inside an attempt", [enter(1), rest], ["end_inside_attempt"]],
    ["went on after the end", [end, enter(1)], ["event_after_end"]],
  ])("%s", (_, drafts, expected) => {
    const events = [submitted, ...drafts].map((draft, index) => ({ seq: index + 1, v: 1, epoch: 1, at: 0, hash: "h", ...draft }));
    expect(logProblems(events).map(({ rule }) => rule)).toEqual(expected);
  });
});
