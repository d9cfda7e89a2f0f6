import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import type { ChainedEvent, EventDraft, StoredEvent } from "../../src/model/event.js";
import type { StreamHead } from "../../src/model/run.js";
import { Rig } from "../engine/rig.js";
import { buildRunbook } from "../engine/build-runbook.js";
import { chainEvent, emptyHead, eventHash } from "../../src/history/chain.js";
import { checkedEvent } from "../../src/history/check-event.js";
import { digestOf } from "../../src/json/digest.js";
import { eventOf } from "../../src/history/read-event.js";
import { logProblems } from "../../src/history/attempt-rules.js";
import { runStream } from "../../src/model/ids.js";
import { verifyChain } from "../../src/history/verify-chain.js";
import { submissionOf, verifyRun } from "../../src/history/verify-run.js";

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
    for (const change of [{ epoch: 9 }, { prev: "0".repeat(64) }, { seq: 5 }, { stream: "run/other" as const }]) {
      const tampered = dropped.map((event, index) => (index === 3 ? { ...event, ...change } : event));
      expect(verifyChain("default", stream, tampered).integrity).not.toBe("ok");
    }
    // several events may speak of the same payloads, in any order
    const ranges = [
      [5, 5],
      [1, 2],
      [4, 4],
      [1, 1],
    ].map(([fromSeq, toSeq]) => ({ fromSeq, toSeq, reason: "retention" }));
    const many = ranges.reduce<StoredEvent[]>((all, payload) => {
      const end = all.at(-1) ?? note;
      const draft = { kind: "payload.dropped", payload } as EventDraft;
      return [
        ...all,
        { ...chainEvent({ scope: "default", stream, seq: end.seq, hash: end.hash }, draft, 0), scope: "default", at: 0 },
      ];
    }, events);
    const gone = (seqs: readonly number[]): readonly StoredEvent[] =>
      many.map((event) => (seqs.includes(event.seq) ? { ...event, payloadText: "" } : event));
    expect(verifyChain("default", stream, gone([1, 2, 4, 5]))).toMatchObject({ integrity: "ok", completeness: "partial" });
    expect(verifyChain("default", stream, gone([3])).integrity).toMatchObject({ seq: 3 });
    expect(verifyChain("default", stream, gone([6])).integrity).toMatchObject({ seq: 6 });
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
    const verdict = verifyRun({ scope: "default", runId, runbook, events: dropped });
    expect(verdict).toMatchObject({ integrity: "ok", completeness: "partial", status: null, problems: [] });
  });
});

describe("a run", () => {
  test("verifies: chain, runbook, attempts, status and head agree (decision 3.17)", async () => {
    const { runId, events, head } = await finished();
    const verdict = verifyRun({ scope: "default", runId, runbook, events, projection: head });
    expect(verdict).toEqual({
      isSound: true,
      integrity: "ok",
      completeness: "full",
      status: "completed",
      head: { scope: "default", stream: runStream(runId), seq: head.seq, hash: head.hash },
      events: events.length,
      problems: [],
      unobserved: [],
      unknown: [],
    });
    expect(verifyRun({ scope: "default", runId, runbook, events })).toEqual(verdict);
  });

  test("of another runbook, or with a head that tells another story, is found out (reliability row 66)", async () => {
    const { runId, events, head } = await finished();
    const base = { scope: "default", runId, runbook, events, projection: head };
    const rules = (evidence: Partial<Parameters<typeof verifyRun>[0]>): string[] =>
      verifyRun({ ...base, ...evidence }).problems.map(({ rule }) => rule);
    expect(rules({ runbook: { ...runbook, content: { ...runbook.content, uses: "many" } } })).toEqual(["runbook_digest"]);
    expect(rules({ runbook: { ...runbook, document: { ...runbook.document, title: "x" } } })).toEqual(["document_digest"]);
    const other = buildRunbook({ steps: [{ id: "a" }, { id: "b", dependsOn: ["a"] }], intent: "other" });
    expect(rules({ runbook: other })).toEqual(["other_runbook"]);
    expect(rules({ runbook: buildRunbook({ steps: [] }) })).toContain("log_unreadable");
    expect(rules({ runbook: null })).toEqual([]);
    expect(rules({ projection: null })).toEqual(["head_differs"]);
    expect(
      rules({ projection: { ...head, seq: 99, run: head.run === null ? null : { ...head.run, status: "failed" } } }),
    ).toEqual(["head_differs", "head_differs"]);
    expect(rules({ events: [] })).toEqual(["head_differs"]);
    expect(rules({ events: [], projection: null })).toEqual([]);
  });

  test("cut off at its end looks whole; the head beside it, or one kept elsewhere, tells (reliability row 61)", async () => {
    const { runId, events, head } = await finished();
    const cut = { scope: "default", runId, runbook, events: events.slice(0, -1) };
    expect(verifyRun(cut)).toMatchObject({ isSound: true, integrity: "ok", status: "running" });
    expect(verifyRun({ ...cut, projection: head }).isSound).toBe(false);
    expect(verifyRun({ ...cut, keptHead: head })).toMatchObject({
      isSound: false,
      integrity: { seq: null, why: `the log ends at ${head.seq - 1}, and the kept head is at ${head.seq}` },
      problems: [{ rule: "log_truncated" }],
    });
    // a head of an earlier time, and none at all
    const early = { seq: 3, hash: events[2]?.hash ?? "" };
    expect(verifyRun({ ...cut, keptHead: early }).isSound).toBe(true);
    expect(verifyRun({ ...cut, keptHead: { seq: 0, hash: "0".repeat(64) } }).isSound).toBe(true);
  });

  test("written anew as a whole shows nowhere but against a head kept elsewhere (reliability row 63)", async () => {
    const { runId, events, head } = await finished();
    const drafts = events.map((event): EventDraft => {
      const payload = JSON.parse(event.payloadText) as Record<string, unknown>;
      if (event.kind === "step.completed") payload["declared"] = ["account:nobody-looked"];
      if (event.kind === "run.completed") payload["output"] = "another";
      return { kind: event.kind, payload } as EventDraft;
    });
    const forged = rechained(events, drafts);
    expect(verifyChain("default", runStream(runId), forged).integrity).toBe("ok");
    const verdict = verifyRun({ scope: "default", runId, runbook, events: forged, keptHead: head });
    expect(verdict.problems).toContainEqual({
      seq: head.seq,
      rule: "log_rewritten",
      message: `event ${head.seq} does not have the hash of the kept head`,
    });
  });

  test("that was written anew by somebody who knows the format is judged by its rules", async () => {
    const { runId, events, head } = await finished();
    const forged = rechained(events, [{ kind: "run.paused", payload: { by: null } }]);
    const verdict = verifyRun({ scope: "default", runId, runbook, events: forged, projection: head });
    expect(verdict.problems.map(({ rule }) => rule)).toEqual(["run_begins_with_submitted", "log_unreadable"]);
    expect(verdict.isSound).toBe(false);
  });

  test("whose chain is broken is judged as far as it can be trusted (reliability row 60)", async () => {
    const { runId, events, head } = await finished();
    const tampered = events.map((event) => (event.seq === 5 ? { ...event, payloadText: "{}" } : event));
    const evidence = { scope: "default", runId, runbook, events: tampered, projection: head, keptHead: head };
    expect(verifyRun(evidence)).toMatchObject({
      isSound: false,
      integrity: { seq: 5, why: "event 5 has a payload that does not match its digest" },
      status: "running",
      problems: [],
    });
    expect(verifyRun({ ...evidence, stopped: { seq: 5, why: "the store said so" } }).integrity).toEqual({
      seq: 5,
      why: "the store said so",
    });
  });

  test("lists what was found while reading; what is gone makes it partial, what contradicts breaks its integrity", async () => {
    const { runId, events } = await finished();
    const base = { scope: "default", runId, runbook, events };
    const gone = { seq: 5, rule: "artifact_missing", message: "gone" } as const;
    const damaged = { seq: 6, rule: "artifact_damaged", message: "damaged" } as const;
    expect(verifyRun({ ...base, found: [gone] })).toMatchObject({
      isSound: false,
      integrity: "ok",
      completeness: "partial",
      problems: [gone],
    });
    expect(verifyRun({ ...base, found: [gone, damaged] })).toMatchObject({
      integrity: { seq: 6, why: "damaged" },
      completeness: "partial",
      problems: [gone, damaged],
    });
  });
});

describe("events that this version can't read (reliability row 67)", () => {
  const elsewhere = (kind: string, v: number): StoredEvent => {
    const head = emptyHead("default", "run/r");
    const event = { stream: head.stream, seq: 1, kind, v, epoch: 0, prev: head.hash, payloadText: '{"x":1}' };
    const payloadDigest = digestOf("runseal/payload/1", { x: 1 });
    const hash = eventHash({ ...event, payloadDigest });
    return { ...event, payloadDigest, hash, scope: "default", at: 0 };
  };

  test("are kept, verified, listed and shown; the status is not guessed where a kind of ours is among them", () => {
    const base = { scope: "default", runId: "r", runbook };
    const unknownKind = elsewhere("run.teleported", 1);
    expect(verifyRun({ ...base, events: [unknownKind] })).toMatchObject({
      integrity: { why: "begins with unknown:run.teleported" },
      status: "queued",
      unknown: [{ seq: 1, kind: "run.teleported", v: 1 }],
    });
    expect(eventOf(unknownKind)).toMatchObject({ kind: "unknown:run.teleported", payload: { x: 1 } });
    const newer = elsewhere("run.started", 2);
    expect(verifyRun({ ...base, events: [newer] })).toMatchObject({
      status: null,
      unknown: [{ seq: 1, kind: "run.started", v: 2 }],
    });
    expect(eventOf(newer)).toMatchObject({ kind: "unknown:run.started", payload: { x: 1 } });
    expect(checkedEvent({ ...newer, payloadText: "{" })).toEqual({ why: "has a payload that is not JSON" });
  });
});

describe("a payload that somebody wrote by hand", () => {
  const event = (kind: string, payload: unknown): StoredEvent => {
    const payloadText = typeof payload === "string" ? payload : JSON.stringify(payload);
    return { ...ANY, kind, payloadText };
  };
  const ANY = {
    scope: "default",
    stream: "run/r",
    seq: 1,
    v: 1,
    epoch: 0,
    payloadDigest: "",
    prev: "",
    hash: "",
    at: 0,
  } as const;

  test.each<[string, StoredEvent, string]>([
    ["no JSON", event("run.paused", "nope"), "is not JSON"],
    ["spaces", event("run.paused", '{ "by":null}'), "is not written canonically"],
    ["a member twice", event("run.paused", '{"by":null,"by":null}'), "is not written canonically"],
    ["no object", event("run.paused", []), "is no object"],
    ["a missing member", event("run.paused", {}), 'whose "by" is not string|null'],
    ["a member that is only inherited", event("progress", { done: 1, stepId: "a" }), 'whose "total" is not integer|null'],
    ["a wrong text", event("lock.lost", { reason: 1 }), 'whose "reason" is not string'],
    ["a null text", event("lock.lost", { reason: null }), 'whose "reason" is not string'],
    ["a wrong integer", event("timer.set", { at: "1", purpose: "", stepId: null }), 'whose "at" is not integer'],
    ["a wrong list", event("lock.acquired", { locks: [1], waitedMs: 0 }), 'whose "locks" is not strings'],
    ["no list", event("lock.acquired", { locks: {}, waitedMs: 0 }), 'whose "locks" is not strings'],
    ["a wrong boolean", event("run.canceled", { by: null, isVoid: 0, reason: "" }), 'whose "isVoid" is not boolean'],
    ["a wrong object", event("fact.recorded", { key: "k", meta: [] }), 'whose "meta" is not object?'],
    ["a missing value", event("turn.signal", {}), 'whose "signal" is not json'],
  ])("with %s is refused", (_, stored, why) => {
    const checked = checkedEvent(stored);
    expect("why" in checked ? checked.why : "").toContain(why);
  });

  test.each<[string, StoredEvent]>([
    ["what the table says", event("fact.recorded", { key: "k", meta: {}, payload: null })],
    ["optional members left out", event("fact.recorded", { key: "k" })],
    ["members that a later version added", event("run.paused", { by: "x", since: 4 })],
    ["any JSON", event("turn.signal", { signal: [1] })],
  ])("with %s is taken", (_, stored) => {
    expect(checkedEvent(stored)).toHaveProperty("event");
  });

  test("is a problem of its run, which is not folded, and does not stop the rest from being checked", async () => {
    const { runId, events } = await finished();
    const drafts = events.map(({ kind, payloadText }) => ({
      kind,
      payload: kind === "step.entered" ? { stepId: 7, attempt: 1 } : (JSON.parse(payloadText) as unknown),
    })) as readonly EventDraft[];
    const verdict = verifyRun({ scope: "default", runId, runbook, events: rechained(events, drafts) });
    expect(verdict).toMatchObject({ integrity: { seq: 4 }, status: null });
    expect(verdict.problems[0]).toMatchObject({ rule: "payload_invalid", seq: 4 });
  });

  test("that only the fold finds absurd ends the fold, not the caller", async () => {
    const { runId, events } = await finished();
    const drafts = events.map(({ kind, payloadText }) => {
      const payload = JSON.parse(payloadText) as Record<string, unknown>;
      return { kind, payload: kind === "step.entered" ? { ...payload, stepId: "nobody" } : payload };
    }) as readonly EventDraft[];
    const verdict = verifyRun({ scope: "default", runId, runbook, events: rechained(events, drafts) });
    expect(verdict).toMatchObject({ isSound: false, status: null });
    expect(verdict.problems.map(({ rule }) => rule)).toContain("log_unreadable");
  });

  test("without a manifest in run.started is missing it (D-022)", async () => {
    const { runId, events } = await finished();
    const drafts = events.map(({ kind, payloadText }) => {
      const payload = JSON.parse(payloadText) as Record<string, unknown>;
      return { kind, payload: kind === "run.started" ? { ...payload, manifestId: null } : payload };
    }) as readonly EventDraft[];
    const verdict = verifyRun({ scope: "default", runId, runbook, events: rechained(events, drafts) });
    expect(verdict).toMatchObject({ integrity: "ok", completeness: "partial", problems: [{ rule: "manifest_missing" }] });
  });

  test("names its submission only where it can be read", async () => {
    const { events } = await finished();
    expect(submissionOf(events)).toMatchObject({ runbookId: runbook.id, queue: "default" });
    expect(submissionOf([])).toBeUndefined();
    expect(submissionOf(events.slice(1))).toBeUndefined();
    expect(submissionOf([event("run.submitted", {})])).toBeUndefined();
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
