import type { Call } from "./start-step.js";
import type { ArtifactWrite, CommitAnswer, LeaseClaim, RunLimit, StreamWrite } from "../stores/event-store.js";
import type { Digest, RunId, Scope } from "../model/ids.js";
import type { EngineParts } from "./parts.js";
import type { EventDraft } from "../model/event.js";
import type { JsonObject } from "../json/value.js";
import type { RunHead, StreamHead } from "../model/run.js";
import type { RunState } from "../history/run-state.js";
import type { Runbook } from "../model/runbook.js";
import type { TakeOver } from "./take-over.js";
import { RunsealError } from "../errors/error.js";
import { assertManifest, startManifest } from "./run-manifest.js";
import { chainDrafts } from "./chain-drafts.js";
import { commitAt } from "./commit-at.js";
import { eventOf } from "../history/read-event.js";
import { firstStep } from "./first-step.js";
import { fold } from "../history/fold.js";
import { invariant } from "../errors/invariant.js";
import { isTerminal, nextRunHead } from "../history/run-head.js";
import { loadRun } from "./load-run.js";
import { optionsOf } from "./parts.js";
import { runPlanOf } from "../history/run-plan.js";
import { runStream, runbookStream } from "../model/ids.js";
import { submittedState } from "./submitted-state.js";
import { takeOver } from "./take-over.js";

/** Why a run is taken up again; only `requested` lifts a pause. */
export type ClaimReason = "requested" | "wake" | "recovered";

/** The approvals that a start spends, and the runbook stream as it was when they were judged. */
export interface ApprovalSpending {
  readonly spend: readonly { readonly nonce: string; readonly token: string }[];
  readonly head: { readonly seq: number; readonly hash: Digest };
}

/** A run that somebody wants to work on. */
export interface ClaimRequest {
  readonly scope: Scope;
  readonly runId: RunId;
  readonly runbook: Runbook;
  readonly reason: ClaimReason;
  /** Build provenance, for `run.started` and the manifest. */
  readonly build: JsonObject;
  /** Spent when this claim starts the run; passed over when it only takes the run up again. `null` = none needed. */
  readonly approvals: ApprovalSpending | null;
  /** What the run begins with besides its own start, instead of reading it from the run that the runbook was made from. */
  readonly takeOver?: TakeOver;
  /** Ceilings that the claim keeps; absent: none. */
  readonly limits?: readonly RunLimit[];
  /** The head as somebody just read it; absent: it is read here. One that is no longer true is refused by the store. */
  readonly head?: FoundHead;
}

/** A run that this process holds. */
export interface ClaimedRun {
  readonly state: RunState;
  readonly head: RunHead;
  readonly owner: string;
  readonly runbook: Runbook;
  /** Build provenance of the process, for the manifests of its children. */
  readonly build: JsonObject;
  /** Ceilings that it was claimed under; kept when it is taken up again. */
  readonly limits?: readonly RunLimit[];
  /** How far the store's clock was ahead of this process's when it answered, milliseconds; negative = behind. */
  readonly storeAheadMs: number;
  /** Made before the claim was committed: the call of the step that it entered. */
  readonly first?: Call;
}

/** What came of a claim. A refusal is thrown or passed on by the caller, as it likes. */
export type ClaimAnswer =
  | { readonly kind: "claimed"; readonly run: ClaimedRun }
  | {
      readonly kind: "refused";
      readonly error: RunsealError<
        "lease.held" | "lease.stale" | "store.conflict" | "admission.approval_consumed" | "run.terminal" | "run.limited"
      >;
    };

/**
 * Takes the lease of a run and starts it or takes it up again, in one commit: `lease.taken`, then `run.started` with the manifest
 * and the approvals it spends, or `run.resumed` (decisions 3.4, 3.7). A run that was started is only taken up with its manifest.
 *
 * @throws {@link RunsealError} `run.not_found`; `store.corrupt` when the log is damaged; `run.unsupported_event`; `manifest.not_found`, `manifest.corrupt`,
 * `manifest.not_canonical`, `manifest.runbook_mismatch`, `manifest.config_mismatch` when the manifest is not the run's;
 * `admission.plan_stale` when the run that this one amends has gone on
 */
export async function claimRun(parts: EngineParts, request: ClaimRequest): Promise<ClaimAnswer> {
  const found = await standingOf(parts, request);
  if ("refusal" in found) return { kind: "refused", error: found.refusal };
  const claim = await claimOf(parts, request, found);
  const answer = await commitAt(parts, claim.isStart ? "start" : "resume", [claim.write, ...claim.others]);
  if (answer.kind !== "committed") return { kind: "refused", error: refusal(answer, request, claim.epoch) };
  return { kind: "claimed", run: claimedRun(parts, request, found, claim, answer.at) };
}

/** A run as it stands before somebody takes it. */
export interface Standing {
  readonly head: FoundHead;
  readonly state: RunState;
  /** The same state once more, where it is at hand without reading the log. */
  readonly again?: () => RunState | undefined;
  /** The run does not exist yet: nobody can have written to it. */
  readonly isNew?: boolean;
}

/** What taking a run writes, before it is written. */
export interface Claim {
  /** To the run's own stream. */
  readonly write: StreamWrite;
  /** To others, in the same commit. */
  readonly others: readonly StreamWrite[];
  readonly epoch: number;
  readonly isStart: boolean;
  /** The call that follows the entry of the first step, where that is part of the write. */
  readonly first?: Call;
}

/**
 * Puts together what taking a run writes.
 *
 * @throws {@link RunsealError} what {@link claimRun} throws of manifests, and of the run that this one takes over from
 */
export async function claimOf(
  parts: EngineParts,
  request: ClaimRequest,
  { head, state, again, isNew }: Standing,
): Promise<Claim> {
  const { scope, runId, runbook } = request;
  const { owner } = parts.stores;
  const epoch = head.epoch + 1;
  const { leaseMs } = optionsOf(parts);
  const isStart = state.status === "queued";
  const submission = { ...head.run, uses: runbook.content.uses, concurrency: state.concurrency };
  const manifest = isStart ? startManifest(runbook, submission, request.build) : undefined;
  if (manifest === undefined) await assertManifest(parts, state, runbook, submission);
  // the deadline is one of the store's clock, as everything that a run waits for
  const hasDeadline = isStart && runbook.content.execution.deadlineMs !== undefined;
  const now = hasDeadline ? await parts.stores.leases.now() : parts.env.now();
  const isFromOther = isStart && (request.takeOver !== undefined || runbook.content.core.basis !== undefined);
  const taken = isFromOther ? (request.takeOver ?? (await takeOver(parts, scope, runId, runbook))) : undefined;
  const drafts = [
    leaseTaken(head, owner, epoch, leaseMs),
    manifest === undefined ? resumed(request, owner, epoch) : started(request, { owner, epoch, manifest, now }),
    ...(taken?.events ?? []),
  ];
  const artifacts = manifest === undefined ? [] : [manifest];
  const { limits } = request;
  const claim = { owner, epoch, leaseMs, ...(limits !== undefined && { limits }) };
  const write = { ...claimWrite(state, head.run, drafts, claim), artifacts };
  const approvals = isStart ? approvalWrite(request) : undefined;
  const others = [approvals, taken?.end].filter((other) => other !== undefined);
  const claimed = { write, others, epoch, isStart };
  // what is taken over comes before any step
  const scratch = isStart && (taken?.events.length ?? 0) === 0 ? again?.() : undefined;
  return scratch === undefined ? claimed : withFirstStep(parts, claimed, scratch, isNew === true);
}

/** Enters the first step in the same commit, where nothing has to be durable before. */
async function withFirstStep(parts: EngineParts, claim: Claim, scratch: RunState, isNew: boolean): Promise<Claim> {
  const { write, epoch } = claim;
  for (const event of write.events) fold(scratch, eventOf({ scope: write.scope, at: parts.env.now(), ...event }));
  const first = await firstStep(parts, scratch);
  // what waits in the inbox comes before any step
  if (first !== undefined && !isNew && (await parts.stores.inbox.pending(write.scope, scratch.runId)).length > 0) return claim;
  const last = write.events.at(-1);
  if (first === undefined || last === undefined || write.run === undefined) return claim;
  const { seq, hash } = last;
  const entered = chainDrafts({ scope: write.scope, stream: write.stream, seq, hash }, [first.entered], epoch);
  const run = nextRunHead(write.run, first.entered, scratch.runId);
  return { ...claim, write: { ...write, events: [...write.events, ...entered], run }, first: first.call };
}

/** The run that was taken by a write to its stream, which the store committed `at`; the state is advanced by its events. */
export function claimedRun(
  parts: EngineParts,
  request: ClaimRequest,
  { head, state }: Standing,
  { write, first }: Pick<Claim, "write" | "first">,
  at: number,
): ClaimedRun {
  const { runbook, build, limits, scope } = request;
  for (const event of write.events) fold(state, eventOf({ scope, at, ...event }));
  return {
    state,
    head: write.run ?? head.run,
    owner: parts.stores.owner,
    runbook,
    build,
    ...(limits !== undefined && { limits }),
    ...(first !== undefined && { first }),
    storeAheadMs: at - parts.env.now(),
  };
}

/** How often head and log are read again because the run moved between the two. */
const READS_MAX = 10;

/** The head of a run and its log, of one moment: a claim that mixed two could take up again what has ended meanwhile. */
async function standingOf(
  parts: EngineParts,
  { scope, runId, runbook, head: given }: Pick<ClaimRequest, "scope" | "runId" | "runbook" | "head">,
): Promise<Standing | { readonly refusal: Refusal }> {
  for (let reads = 1; ; reads += 1) {
    const head = reads === 1 && given !== undefined ? given : await runHeadFor(parts, scope, runId);
    if (isTerminal(head.run.status)) return { refusal: terminal(head.run) };
    const submitted = submittedState(head, runbook);
    if (submitted !== undefined) return { head, state: submitted, again: () => submittedState(head, runbook) };
    const state = await loadRun(parts, scope, runId, runPlanOf(runbook), { isToGoOn: true });
    if (state.seq === head.seq) return { head, state };
    if (reads === READS_MAX) return { refusal: movedOn(head.stream, head.seq, state.seq) };
  }
}

/** How a run ends that never started: refused, or canceled while it was queued. */
export type QueuedEnding =
  | {
      readonly kind: "failed";
      readonly code: string;
      readonly category: string;
      readonly message: string;
      readonly details?: JsonObject;
    }
  | { readonly kind: "canceled"; readonly reason: string; readonly by: string | null };

/**
 * Ends a queued run before it starts, void, in one commit with the lease it takes: it spends nothing and calls nothing.
 *
 * @returns the refusal, where another process was faster; `undefined` when the run has ended by this call
 * @throws {@link RunsealError} `run.not_found`
 */
export async function endQueuedRun(
  parts: EngineParts,
  request: { readonly scope: Scope; readonly runId: RunId; readonly ending: QueuedEnding },
): Promise<RunsealError | undefined> {
  const { scope, runId, ending } = request;
  const head = await runHeadFor(parts, scope, runId);
  if (isTerminal(head.run.status)) return terminal(head.run);
  const { owner } = parts.stores;
  const epoch = head.epoch + 1;
  const { leaseMs } = optionsOf(parts);
  if (head.run.status !== "queued") {
    const stream = runStream(runId);
    const message = `run "${runId}" has started`;
    return new RunsealError("store.conflict", message, { stream, expectedSeq: 1, actualSeq: head.seq });
  }
  const drafts = [leaseTaken(head, owner, epoch, leaseMs), endingDraft(ending)];
  const chain = { scope, runId, seq: head.seq, hash: head.hash };
  const signals = ending.kind === "canceled" ? await cancelKeys(parts, scope, runId) : [];
  const write = { ...claimWrite(chain, head.run, drafts, { owner, epoch, leaseMs }), releaseLease: true, consume: { signals } };
  const answer = await commitAt(parts, "queued_end", [write]);
  return answer.kind === "committed" ? undefined : refusal(answer, request, epoch);
}

/** The head of a run's stream, with its run. */
type FoundHead = StreamHead & { readonly run: RunHead };

async function runHeadFor(parts: EngineParts, scope: Scope, runId: RunId): Promise<FoundHead> {
  const head = await parts.stores.reader.head(scope, runStream(runId));
  if (head === undefined || head.run === null) {
    throw new RunsealError("run.not_found", `there is no run "${runId}" in scope "${scope}"`, { scope, runId });
  }
  return { ...head, run: head.run };
}

async function cancelKeys(parts: EngineParts, scope: Scope, runId: RunId): Promise<readonly string[]> {
  const pending = await parts.stores.inbox.pending(scope, runId);
  return pending.filter((entry) => entry.kind === "cancel").map((entry) => entry.key);
}

function claimWrite(
  at: { readonly scope: Scope; readonly runId: RunId; readonly seq: number; readonly hash: Digest },
  before: RunHead,
  drafts: readonly EventDraft[],
  claim: LeaseClaim,
): StreamWrite {
  const { scope, runId, seq, hash } = at;
  const stream = runStream(runId);
  const events = chainDrafts({ scope, stream, seq, hash }, drafts, claim.epoch);
  const run = drafts.reduce((head, draft) => nextRunHead(head, draft, runId), before);
  return { scope, stream, expectedSeq: seq, fence: null, events, artifacts: [], run, claim };
}

function approvalWrite(request: ClaimRequest): StreamWrite | undefined {
  const { scope, runId, runbook, approvals } = request;
  if (approvals === null || approvals.spend.length === 0) return undefined;
  const { seq, hash } = approvals.head;
  const stream = runbookStream(runbook.id);
  const drafts = approvals.spend.map(({ nonce }): EventDraft => ({ kind: "approval.consumed", payload: { nonce, runId } }));
  const events = chainDrafts({ scope, stream, seq, hash }, drafts, 0);
  const consume = { approvals: approvals.spend.map(({ token }) => token) };
  return { scope, stream, expectedSeq: seq, fence: null, events, artifacts: [], consume };
}

function leaseTaken(head: StreamHead, owner: string, epoch: number, leaseMs: number): EventDraft {
  return { kind: "lease.taken", payload: { owner, epoch, leaseMs, previous: head.owner } };
}

function started(
  request: ClaimRequest,
  by: { readonly owner: string; readonly epoch: number; readonly manifest: ArtifactWrite; readonly now: number },
): EventDraft {
  const { runbook, build } = request;
  const { owner, epoch, manifest, now } = by;
  const { deadlineMs } = runbook.content.execution;
  const deadlineAt = deadlineMs === undefined ? null : now + deadlineMs;
  const approvals = (request.approvals?.spend ?? []).map(({ nonce }) => nonce);
  return {
    kind: "run.started",
    payload: { runbookId: runbook.id, manifestId: manifest.id, approvals, build, owner, epoch, deadlineAt },
  };
}

function resumed(request: ClaimRequest, owner: string, epoch: number): EventDraft {
  return { kind: "run.resumed", payload: { owner, epoch, reason: request.reason } };
}

function endingDraft(ending: QueuedEnding): EventDraft {
  if (ending.kind === "canceled") {
    return { kind: "run.canceled", payload: { reason: ending.reason, by: ending.by, isVoid: true } };
  }
  const { code, category, message, details } = ending;
  const payload = { code, category, message, stepId: null, isVoid: true, ...(details !== undefined && { details }) };
  return { kind: "run.failed", payload };
}

function terminal(run: RunHead): RunsealError<"run.terminal"> {
  const { runId, status } = run;
  return new RunsealError("run.terminal", `run "${runId}" has ended: ${status}`, { runId, status });
}

type Refusal = Extract<ClaimAnswer, { kind: "refused" }>["error"];

/** Why a claim was refused. */
export function refusal(
  answer: Exclude<CommitAnswer, { kind: "committed" }>,
  request: { readonly runId: RunId; readonly runbook?: Runbook },
  epoch: number,
): Refusal {
  const { runId } = request;
  switch (answer.kind) {
    case "held": {
      const { owner } = answer;
      return new RunsealError("lease.held", `run "${runId}" is held by "${owner}"`, { runId, owner });
    }
    case "stale": {
      const { stream, currentEpoch } = answer;
      const message = `run "${runId}" was claimed by somebody else, at epoch ${currentEpoch}`;
      return new RunsealError("lease.stale", message, { stream, epoch, currentEpoch });
    }
    case "conflict": {
      const { stream, actualSeq } = answer;
      return movedOn(stream, -1, actualSeq);
    }
    case "spent": {
      const message = `an approval of the runbook was spent by another run: "${answer.token}"`;
      return new RunsealError("admission.approval_consumed", message, { runbookId: request.runbook?.id ?? "", runId });
    }
    case "limited": {
      const { limit, retryAt } = answer;
      const of = limit.label === null ? `queue "${limit.queue}"` : `queue "${limit.queue}" for its value of "${limit.label}"`;
      const details = { runId, queue: limit.queue, label: limit.label, retryAt };
      return new RunsealError("run.limited", `run "${runId}" waits: ${of} is at its limit`, details);
    }
    case "exists":
      invariant(false, "a claim keeps the use of its run");
  }
}

function movedOn(stream: string, expectedSeq: number, actualSeq: number): RunsealError<"store.conflict"> {
  const message = `"${stream}" moved on to ${actualSeq} meanwhile; look again`;
  return new RunsealError("store.conflict", message, { stream, expectedSeq, actualSeq });
}
