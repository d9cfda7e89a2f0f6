import { createPublicKey, verify } from "node:crypto";
import type { Approval, ApprovalState } from "../model/approval.js";
import type { ApprovalEvent } from "../history/approvals.js";
import type { Digest, RunbookId } from "../model/ids.js";
import type { EventDraft } from "../model/event.js";
import type { Identification, IdentifiedPrincipal } from "./principal.js";
import type { InstanceParts } from "./parts.js";
import type { Runbook } from "../model/runbook.js";
import { cleanText, knownIn } from "../engine/keep-secret.js";
import { RunsealError } from "../errors/error.js";
import { canonicalize } from "../json/canonical.js";
import { chainEvent, emptyHead } from "../history/chain.js";
import { commitAt } from "../engine/commit-at.js";
import { eventOf } from "../history/read-event.js";
import { foldApprovals } from "../history/approvals.js";
import { identify } from "./principal.js";
import { parseDuration } from "../time/duration.js";
import { readRunbook } from "./find-runbook.js";
import { runbookStream } from "../model/ids.js";
import { shown } from "./shown.js";

/** What {@link approve} takes besides the runbook's id. */
export interface ApproveRequest extends Identification {
  /** `documentDigest` of what the person looked at. */
  readonly viewed: Digest;
  /** Default `approve`. A standing `reject` keeps the runbook from starting until it is revoked. */
  readonly decision?: "approve" | "reject";
  /** A duration such as `"8h"` or milliseconds; default: the approval policy's. */
  readonly expiresIn?: string | number;
  /** Base64 of an Ed25519 signature over {@link approvalMessage}; checked against `claims.publicKey` (SPKI, PEM) where it is there. */
  readonly signature?: string;
}

/** Appends tried when others write the same runbook's stream at the same time. */
const APPEND_TRIES_MAX = 20;

/**
 * Records one person's approval or rejection of a runbook.
 *
 * @throws {@link RunsealError} `runbook.not_found`, `admission.unauthenticated`, `admission.document_mismatch` when `viewed` was
 *   never shown for this runbook, `admission.approval_refused` for a signature that does not verify
 */
export async function approve(parts: InstanceParts, id: string, request: ApproveRequest): Promise<Approval> {
  const runbook = await readRunbook(parts, id);
  const principal = await identify(parts.authenticate, request, "approve");
  await assertViewed(parts, runbook, request.viewed);
  const decision = request.decision ?? "approve";
  checkSignature(runbook.id, request, decision, principal);
  const givenAt = await parts.stores.leases.now();
  const expiresInMs = request.expiresIn === undefined ? (parts.approvals?.expiresInMs ?? null) : parseDuration(request.expiresIn);
  const approval: Approval = {
    nonce: parts.engine.env.uuid(),
    runbookId: runbook.id,
    documentDigest: request.viewed,
    decision,
    issuer: principal.issuer,
    subject: principal.subject,
    roles: principal.roles,
    vouchedBy: principal.vouchedBy,
    givenAt,
    expiresAt: expiresInMs === null ? null : givenAt + expiresInMs,
    signature: request.signature ?? null,
  };
  await append(parts, runbook.id, { kind: "approval.given", payload: { ...approval } });
  return approval;
}

/**
 * Takes back an approval, or a rejection, that no run has spent.
 *
 * @throws {@link RunsealError} `admission.approval_consumed` when a run has spent it, `admission.approval_refused` when there is none
 */
export async function revokeApproval(
  parts: InstanceParts,
  id: string,
  nonce: string,
  request: Identification & { readonly reason?: string },
): Promise<void> {
  const runbook = await readRunbook(parts, id);
  const principal = await identify(parts.authenticate, request, "revokeApproval");
  const state = (await readApprovals(parts, runbook.id)).approvals.find((approval) => approval.nonce === nonce);
  if (state === undefined || state.status === "revoked") {
    throw new RunsealError("admission.approval_refused", `runbook "${runbook.id}" has no standing approval "${nonce}"`, {
      runbookId: runbook.id,
      reason: "not_found",
    });
  }
  if (state.runId !== null) throw consumed(runbook.id, state.runId);
  const payload = {
    nonce,
    issuer: principal.issuer,
    subject: principal.subject,
    vouchedBy: principal.vouchedBy,
    reason: cleanText(request.reason ?? "", knownIn(parts.engine, parts.scope)),
  };
  await append(parts, runbook.id, { kind: "approval.revoked", payload });
}

/** The error for approvals that a run has spent. */
export function consumed(runbookId: RunbookId, runId: string): RunsealError {
  return new RunsealError(
    "admission.approval_consumed",
    `the approval of "${runbookId}" was spent by run "${runId}": ask for a new one`,
    { runbookId, runId },
  );
}

/** A runbook's approvals and the head of the stream that they were read from. */
export interface ReadApprovals {
  readonly approvals: readonly ApprovalState[];
  readonly head: { readonly seq: number; readonly hash: Digest };
}

/** Reads every approval of a runbook, in the order in which they were given. */
export async function readApprovals(parts: InstanceParts, id: RunbookId): Promise<ReadApprovals> {
  const stream = runbookStream(id);
  const events: ApprovalEvent[] = [];
  let head: { readonly seq: number; readonly hash: Digest } = emptyHead(parts.scope, stream);
  for await (const stored of parts.stores.reader.read(parts.scope, stream)) {
    head = { seq: stored.seq, hash: stored.hash };
    const event = eventOf(stored);
    if (
      event.kind === "approval.given" ||
      event.kind === "approval.revoked" ||
      event.kind === "approval.consumed" ||
      event.kind === "approval.released"
    ) {
      events.push(event);
    }
  }
  return { approvals: foldApprovals(events), head: { seq: head.seq, hash: head.hash } };
}

/** The text that a detached approval signature covers. */
export function approvalMessage(approval: {
  readonly runbookId: string;
  readonly documentDigest: Digest;
  readonly decision: "approve" | "reject";
}): string {
  const { runbookId, documentDigest, decision } = approval;
  return `runseal/approval/1\n${canonicalize({ runbookId, documentDigest, decision })}`;
}

async function assertViewed(parts: InstanceParts, runbook: Runbook, viewed: unknown): Promise<void> {
  const current = await parts.stores.runbooks.documents(parts.scope, runbook.id);
  if (typeof viewed === "string" && current.includes(viewed)) return;
  throw new RunsealError(
    "admission.document_mismatch",
    `"viewed" must be the documentDigest of what was looked at; "${shown(viewed)}" was never shown for "${runbook.id}"`,
    {
      runbookId: runbook.id,
      viewed: shown(viewed),
      current,
    },
  );
}

function checkSignature(
  runbookId: RunbookId,
  request: ApproveRequest,
  decision: "approve" | "reject",
  principal: IdentifiedPrincipal,
): void {
  const key = principal.claims["publicKey"];
  if (request.signature === undefined || typeof key !== "string") return;
  const message = Buffer.from(approvalMessage({ runbookId, documentDigest: request.viewed, decision }));
  if (isSigned(message, key, request.signature)) return;
  throw new RunsealError("admission.approval_refused", `the signature of "${principal.subject}" does not verify`, {
    runbookId,
    reason: "signature",
  });
}

function isSigned(message: Buffer, publicKey: string, signature: string): boolean {
  try {
    return verify(null, message, createPublicKey(publicKey), Buffer.from(signature, "base64"));
  } catch {
    return false; // a key that can't be read verifies nothing
  }
}

async function append(parts: InstanceParts, id: RunbookId, draft: EventDraft): Promise<void> {
  const stream = runbookStream(id);
  for (let attempt = 0; attempt < APPEND_TRIES_MAX; attempt += 1) {
    const head = (await parts.stores.reader.head(parts.scope, stream)) ?? emptyHead(parts.scope, stream);
    const event = chainEvent({ scope: parts.scope, stream, seq: head.seq, hash: head.hash }, draft, 0);
    const answer = await commitAt(parts.engine, "approve", [
      { scope: parts.scope, stream, expectedSeq: head.seq, fence: null, events: [event], artifacts: [] },
    ]);
    if (answer.kind === "committed") return;
  }
  throw new RunsealError("store.conflict", `"${stream}" changed under each of ${APPEND_TRIES_MAX} appends`, {
    stream,
    expectedSeq: 0,
    actualSeq: 0,
  });
}
