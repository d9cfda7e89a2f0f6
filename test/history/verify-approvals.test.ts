import { describe, expect, test } from "vitest";
import type { AnyEvent, EventDraft, StoredEvent } from "../../src/model/event.js";
import type { StreamName } from "../../src/model/ids.js";
import { approvalProblems } from "../../src/history/verify-approvals.js";
import { chainEvent, emptyHead } from "../../src/history/chain.js";

const RUNBOOK = `rb_${"1".repeat(64)}` as const;
const OF = { scope: "default", runId: "r-1", runbookId: RUNBOOK };
const STREAM: StreamName = `runbook/${RUNBOOK}`;

const given = (nonce: string, more: object = {}): EventDraft => ({
  kind: "approval.given",
  payload: {
    nonce,
    runbookId: RUNBOOK,
    documentDigest: "0".repeat(64),
    decision: "approve",
    issuer: "desk",
    subject: "ines",
    roles: [],
    vouchedBy: "host",
    givenAt: 0,
    expiresAt: null,
    signature: null,
    ...more,
  },
});
const revoked = (nonce: string): EventDraft => ({
  kind: "approval.revoked",
  payload: { nonce, issuer: "desk", subject: "ines", vouchedBy: "host", reason: "" },
});
const spent = (nonce: string, runId = "r-1"): EventDraft => ({ kind: "approval.consumed", payload: { nonce, runId } });
const released = (nonce: string, runId = "r-1"): EventDraft => ({
  kind: "approval.released",
  payload: { nonce, runId, reason: "void" },
});

function logged(drafts: readonly EventDraft[], at = 1_000): readonly StoredEvent[] {
  let head = emptyHead("default", STREAM);
  return drafts.map((draft) => {
    const event = chainEvent(head, draft, 0);
    head = { scope: "default", stream: STREAM, seq: event.seq, hash: event.hash };
    return { ...event, scope: "default", at };
  });
}

function started(...approvals: readonly string[]): readonly AnyEvent[] {
  const payload = {
    runbookId: RUNBOOK,
    manifestId: null,
    approvals,
    build: {},
    owner: "o",
    epoch: 1,
    deadlineAt: null,
  };
  return [{ seq: 3, kind: "run.started", v: 1, epoch: 1, at: 1_000, hash: "h", payload }];
}

const whys = (events: readonly AnyEvent[], stream: readonly StoredEvent[]): readonly string[] =>
  approvalProblems(OF, events, stream).map(({ rule, message }) => `${rule}: ${message.split(" ").slice(1).join(" ")}`);

describe("the approvals of a run (decision 3.4)", () => {
  test.each<[string, readonly AnyEvent[], readonly EventDraft[]]>([
    ["given and spent by it", started("n"), [given("n"), spent("n")]],
    ["given back by a void run and spent again", started("n"), [given("n"), spent("n", "r-0"), released("n", "r-0"), spent("n")]],
    ["spent by it and given back since", started("n"), [given("n"), spent("n"), released("n")]],
    ["not needed", started(), [given("n"), revoked("n")]],
    ["not spent, as it never started", [], [given("n")]],
    [
      "beside those of other runs",
      started("n"),
      [given("m"), spent("m", "r-2"), given("n"), spent("n"), spent("x", "r-3"), released("x", "r-3")],
    ],
    ["still standing a moment before the commit", started("n"), [given("n", { expiresAt: 999 }), spent("n")]],
  ])("agree: %s", (_, events, drafts) => {
    expect(approvalProblems(OF, events, logged(drafts))).toEqual([]);
  });

  test.each<[string, readonly AnyEvent[], readonly EventDraft[], readonly string[]]>([
    ["never given", started("n"), [], ['approval_missing: "n" was never given']],
    [
      "given for another",
      started("n"),
      [given("n", { runbookId: "rb_x" }), spent("n")],
      ['approval_mismatch: "n" is for "rb_x"'],
    ],
    ["a refusal", started("n"), [given("n", { decision: "reject" }), spent("n")], ['approval_mismatch: "n" says "reject"']],
    ["not spent", started("n"), [given("n")], ['approval_mismatch: "n" was not spent by the run']],
    ["spent by another", started("n"), [given("n"), spent("n", "r-2")], ['approval_mismatch: "n" was not spent by the run']],
    [
      "revoked",
      started("n"),
      [given("n"), revoked("n"), spent("n")],
      ['approval_mismatch: "n" was revoked when the run spent it'],
    ],
    [
      "spent before by another",
      started("n"),
      [given("n"), spent("n", "r-2"), spent("n")],
      ['approval_mismatch: "n" was consumed when the run spent it'],
    ],
    [
      "spent and not named",
      started(),
      [given("n"), spent("n")],
      ['approval_mismatch: "n" was spent by the run, which does not name it'],
    ],
    [
      "spent without a start",
      [],
      [given("n"), spent("n")],
      ['approval_mismatch: "n" was spent by the run, which does not name it'],
    ],
    ["given twice, the second for another", started("n"), [given("n"), given("n", { runbookId: "rb_x" }), spent("n")], []],
  ])("disagree: %s", (_, events, drafts, expected) => {
    expect(whys(events, logged(drafts))).toEqual(expected);
  });

  test("that had expired long before the start are found out", () => {
    const stream = logged([given("n", { expiresAt: 500 }), spent("n")], 100_000);
    expect(whys(started("n"), stream)).toEqual(['approval_mismatch: "n" had expired when the run started']);
  });

  test("are judged as far as the runbook's stream can be trusted", () => {
    const stream = logged([given("n"), given("m"), spent("n")]);
    const tampered = stream.map((event) => (event.seq === 2 ? { ...event, payloadText: "{}" } : event));
    expect(approvalProblems(OF, started("n"), tampered)).toMatchObject([
      { rule: "approvals_damaged", message: `event 2 of "${STREAM}" has a payload that does not match its digest` },
      { rule: "approval_mismatch" },
    ]);
    const forged = logged([{ kind: "approval.given", payload: { nonce: "n" } } as EventDraft]);
    expect(approvalProblems(OF, started(), forged)).toMatchObject([{ rule: "approvals_damaged" }]);
    const dropped: EventDraft = { kind: "payload.dropped", payload: { fromSeq: 1, toSeq: 1, reason: "retention" } };
    const partial = logged([given("n"), spent("n"), dropped]).map((event) =>
      event.seq === 1 ? { ...event, payloadText: "" } : event,
    );
    expect(whys(started("n"), partial)).toEqual(['approval_missing: "n" was never given']);
  });
});
