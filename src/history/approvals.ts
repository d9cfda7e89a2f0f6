import type { ApprovalState } from "../model/approval.js";
import type { ApprovalPolicy } from "../model/approval-policy.js";
import type { EventPayload } from "../model/event.js";
import type { Runbook } from "../model/runbook.js";
import type { RunbookId } from "../model/ids.js";
import { personOf } from "../model/invocation.js";

/** The events of a runbook stream that say something of approvals, in order. */
export type ApprovalEvent = {
  readonly [K in "approval.given" | "approval.revoked" | "approval.consumed" | "approval.released"]: {
    readonly kind: K;
    readonly payload: EventPayload<K>;
  };
}["approval.given" | "approval.revoked" | "approval.consumed" | "approval.released"];

/** Folds a runbook stream into its approvals, in the order in which they were given. */
export function foldApprovals(events: Iterable<ApprovalEvent>): readonly ApprovalState[] {
  const byNonce = new Map<string, ApprovalState>();
  for (const event of events) {
    if (event.kind === "approval.given") byNonce.set(event.payload.nonce, givenState(event.payload));
    else change(byNonce, event);
  }
  return [...byNonce.values()];
}

function givenState(payload: EventPayload<"approval.given">): ApprovalState {
  return {
    ...payload,
    runbookId: payload.runbookId as RunbookId,
    decision: payload.decision === "approve" ? "approve" : "reject",
    vouchedBy: payload.vouchedBy === "authenticated" ? "authenticated" : "host",
    status: "given",
    runId: null,
    releases: 0,
  };
}

function change(byNonce: Map<string, ApprovalState>, event: Exclude<ApprovalEvent, { readonly kind: "approval.given" }>): void {
  const state = byNonce.get(event.payload.nonce);
  if (state === undefined) return;
  byNonce.set(event.payload.nonce, { ...state, ...changeOf(state, event) });
}

function changeOf(
  state: ApprovalState,
  event: Exclude<ApprovalEvent, { readonly kind: "approval.given" }>,
): Partial<ApprovalState> {
  switch (event.kind) {
    case "approval.revoked":
      return state.status === "given" ? { status: "revoked" } : {};
    case "approval.consumed":
      return { status: "consumed", runId: event.payload.runId };
    case "approval.released":
      return state.status === "consumed" ? { status: "given", runId: null, releases: state.releases + 1 } : {};
  }
}

/** Whether a runbook may start: the approvals it spends, or what is in the way. */
export type ApprovalVerdict =
  | { readonly kind: "not_needed" }
  | { readonly kind: "granted"; readonly approvals: readonly ApprovalState[] }
  | { readonly kind: "missing"; readonly needed: number; readonly present: number }
  | { readonly kind: "expired"; readonly expiredAt: number }
  | { readonly kind: "rejected"; readonly by: string }
  | { readonly kind: "consumed"; readonly runId: string };

/**
 * Judges the approvals of a runbook under a policy at a time.
 *
 * A rejection that was not revoked stops it. Only approvals that are given, unexpired, of distinct people, with a fitting
 * role, and not of the requester (where the policy says so) count.
 */
export function judgeApprovals(
  policy: ApprovalPolicy | undefined,
  runbook: Runbook,
  approvals: readonly ApprovalState[],
  nowMs: number,
): ApprovalVerdict {
  if (policy?.appliesTo(runbook) !== true) return { kind: "not_needed" };
  const rejection = approvals.find((approval) => approval.decision === "reject" && approval.status === "given");
  if (rejection !== undefined) return { kind: "rejected", by: personOf(rejection) };
  const fitting = distinctPeople(approvals.filter((approval) => counts(policy, runbook, approval)));
  const valid = fitting.filter((approval) => approval.status === "given" && !isExpired(approval, nowMs));
  if (valid.length >= policy.quorum) return { kind: "granted", approvals: valid.slice(0, policy.quorum) };
  return whyNot(policy, fitting, valid.length, nowMs);
}

function whyNot(policy: ApprovalPolicy, fitting: readonly ApprovalState[], present: number, nowMs: number): ApprovalVerdict {
  const consumed = fitting.find((approval) => approval.status === "consumed");
  if (typeof consumed?.runId === "string") return { kind: "consumed", runId: consumed.runId };
  const expired = fitting.find((approval) => approval.status === "given" && isExpired(approval, nowMs));
  if (typeof expired?.expiresAt === "number") return { kind: "expired", expiredAt: expired.expiresAt };
  return { kind: "missing", needed: policy.quorum, present };
}

function counts(policy: ApprovalPolicy, runbook: Runbook, approval: ApprovalState): boolean {
  if (approval.decision !== "approve" || approval.status === "revoked") return false;
  if (policy.roles.length > 0 && !approval.roles.some((role) => policy.roles.includes(role))) return false;
  return !(policy.notRequester && runbook.document.requestedBy === personOf(approval));
}

/** Keeps one approval a person: a usable one where there is one, the newest otherwise. */
function distinctPeople(approvals: readonly ApprovalState[]): readonly ApprovalState[] {
  const byPerson = new Map<string, ApprovalState>();
  for (const approval of approvals) {
    const earlier = byPerson.get(personOf(approval));
    if (earlier?.status !== "given" || approval.status === "given") byPerson.set(personOf(approval), approval);
  }
  return [...byPerson.values()];
}

function isExpired(approval: ApprovalState, nowMs: number): boolean {
  return approval.expiresAt !== null && approval.expiresAt <= nowMs;
}

/** The token that a start spends for an approval: unique a scope, and new after each release. */
export function approvalToken(approval: ApprovalState): string {
  return `${approval.nonce}#${approval.releases}`;
}
