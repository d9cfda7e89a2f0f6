import type { AnyEvent, StoredEvent } from "../model/event.js";
import type { ChainVerdict } from "./verify-chain.js";
import type { Digest, RunId, Scope, StepId } from "../model/ids.js";
import type { LogProblem } from "./attempt-rules.js";
import type { RunProblem } from "./run-problem.js";
import type { RunStatus, StreamHead } from "../model/run.js";
import type { Runbook } from "../model/runbook.js";
import { approvalProblems } from "./verify-approvals.js";
import { beginState } from "./run-state.js";
import { carriedProblems } from "./verify-carried.js";
import { checkedEvent } from "./check-event.js";
import { fold } from "./fold.js";
import { isAbsence } from "./run-problem.js";
import { isEventKind, type EventPayload } from "../model/event.js";
import { keptHeadProblem, projectionProblems } from "./verify-head.js";
import { logProblems } from "./attempt-rules.js";
import { runPlanOf } from "./run-plan.js";
import { runStream } from "../model/ids.js";
import { runbookProblems } from "./verify-runbook.js";
import { verifyChain } from "./verify-chain.js";
import { writeFindings } from "./verify-writes.js";

/** Why a run can't be trusted: the first thing found. `seq` is `null` where no one event of its log is to blame. */
export interface Damage {
  readonly seq: number | null;
  readonly why: string;
}

/** An event that this version can't read: kept, verified, shown and passed over. */
export interface UnknownEvent {
  readonly seq: number;
  readonly kind: string;
  readonly v: number;
}

/** The verdict on a run. */
export interface RunVerdict {
  /** Whether everything is right and nothing is missing that retention did not drop: integrity is ok and there is no problem. */
  readonly isSound: boolean;
  /** Whether what is there agrees with itself: `"ok"`, or the first thing that does not. */
  readonly integrity: "ok" | Damage;
  /** `partial` where something is gone: payloads that retention dropped, or artifacts. */
  readonly completeness: "full" | "partial";
  /** As the log tells it; `null` when the log can't be folded. */
  readonly status: RunStatus | null;
  /** The end of the part of the log that can be trusted. */
  readonly head: ChainVerdict["head"];
  readonly events: number;
  /** Everything that was found besides a broken chain; empty when everything agrees. */
  readonly problems: readonly RunProblem[];
  /** Writing steps that completed without ever calling `ctx.writes`: what they wrote was declared by their contract alone. */
  readonly unobserved: readonly StepId[];
  /** Events that a later version wrote. With a later version of a kind of ours among them `status` is `null`. */
  readonly unknown: readonly UnknownEvent[];
}

/** What is verified, as it was read. */
export interface RunEvidence {
  readonly scope: Scope;
  readonly runId: RunId;
  /** `null` = it can't be read; `found` says why. */
  readonly runbook: Pick<Runbook, "id" | "documentDigest" | "content" | "document"> | null;
  readonly events: readonly StoredEvent[];
  /** The runbook's stream, from its first event; absent = not asked. */
  readonly approvals?: readonly StoredEvent[];
  /** The head that the store keeps beside the log; `null` = there is none, absent = not asked. */
  readonly projection?: StreamHead | null;
  /** A head that was kept elsewhere; absent = there is none. */
  readonly keptHead?: { readonly seq: number; readonly hash: Digest };
  /** Where reading stopped because the store found damage; absent = it reached the end. */
  readonly stopped?: Damage;
  /** What was found while reading: artifacts, runbook. */
  readonly found?: readonly RunProblem[];
}

/**
 * Derives everything about a run anew from its log and compares: chain and digests, the runbook's id and document, the types of
 * payloads, the legality of attempts, the status, the head beside the log and one kept elsewhere, approvals, declared writes.
 *
 * Never throws, whatever the evidence is.
 *
 * Cost: linear in the bytes of the log, the runbook and the runbook's stream.
 */
export function verifyRun(evidence: RunEvidence): RunVerdict {
  const { scope, runId, runbook, events } = evidence;
  const chain = verifyChain(scope, runStream(runId), events);
  const broken = evidence.stopped ?? brokenChain(chain);
  const trusted = readTrusted(events.slice(0, chain.head.seq));
  const isWhole = broken === undefined && chain.completeness === "full" && trusted.problems.length === 0;
  const folded = chain.completeness === "full" && trusted.problems.length === 0 ? foldAll(evidence, trusted.events) : NOT_FOLDED;
  const writes = writeFindings(runbook?.content.steps ?? [], trusted.events);
  const { keptHead, projection, approvals, found = [] } = evidence;
  const problems: RunProblem[] = [
    ...(runbook === null ? [] : runbookProblems(runbook)),
    ...trusted.problems,
    ...folded.problems,
    ...(isWhole && projection !== undefined ? projectionProblems(events, projection, trusted.unknown.length > 0) : []),
    ...(keptHead === undefined ? [] : keptHeadProblem(keptHead, chain.head, events, broken !== undefined)),
    ...found,
    ...(runbook === null || approvals === undefined
      ? []
      : approvalProblems({ scope, runId, runbookId: runbook.id }, trusted.events, approvals)),
    ...writes.problems,
  ];
  const integrity = broken ?? firstDamage(problems);
  return {
    isSound: integrity === "ok" && problems.length === 0,
    integrity,
    completeness: chain.completeness === "full" && !problems.some(isAbsence) ? "full" : "partial",
    status: trusted.unknown.some(({ kind }) => isEventKind(kind)) ? null : folded.status,
    head: chain.head,
    events: events.length,
    problems,
    unobserved: writes.unobserved,
    unknown: trusted.unknown,
  };
}

function brokenChain({ integrity }: ChainVerdict): Damage | undefined {
  return integrity === "ok" ? undefined : { seq: integrity.seq, why: `event ${integrity.seq} ${integrity.why}` };
}

/** The first event of a run's log as it was submitted; `undefined` where that can't be read. */
export function submissionOf(events: readonly StoredEvent[]): EventPayload<"run.submitted"> | undefined {
  const [first] = events;
  if (first === undefined) return undefined;
  const checked = checkedEvent(first);
  return "event" in checked && checked.event.kind === "run.submitted" ? checked.event.payload : undefined;
}

function firstDamage(problems: readonly RunProblem[]): "ok" | Damage {
  const first = problems.find((problem) => !isAbsence(problem));
  return first === undefined ? "ok" : { seq: first.seq, why: first.message };
}

interface Trusted {
  /** Those whose payload is there and right. */
  readonly events: readonly AnyEvent[];
  readonly problems: readonly RunProblem[];
  readonly unknown: readonly UnknownEvent[];
}

function readTrusted(stored: readonly StoredEvent[]): Trusted {
  const events: AnyEvent[] = [];
  const problems: RunProblem[] = [];
  const unknown: UnknownEvent[] = [];
  for (const each of stored) {
    // its payload was dropped: the chain speaks for itself
    if (each.payloadText === "") continue;
    const checked = checkedEvent(each);
    if ("why" in checked) {
      const message = `event ${each.seq} (${each.kind}) ${checked.why}`;
      problems.push({ seq: each.seq, rule: "payload_invalid", message });
      continue;
    }
    events.push(checked.event);
    if (checked.event.kind.startsWith("unknown:")) unknown.push({ seq: each.seq, kind: each.kind, v: each.v });
    if (checked.event.kind === "run.started" && checked.event.payload.manifestId === null) {
      problems.push({ seq: each.seq, rule: "manifest_missing", message: "run.started names no manifest" });
    }
  }
  return { events, problems, unknown };
}

interface Folded {
  readonly status: RunStatus | null;
  readonly problems: readonly RunProblem[];
}

const NOT_FOLDED: Folded = { status: null, problems: [] };

function foldAll({ scope, runId, runbook }: RunEvidence, events: readonly AnyEvent[]): Folded {
  const rules = logProblems(events).map(problemOf);
  if (runbook === null) return { status: null, problems: rules };
  try {
    const state = beginState(runPlanOf(runbook), scope, runId);
    for (const event of events) fold(state, event);
    return {
      status: state.status,
      problems: [...otherRunbook(runbook.id, events), ...rules, ...carriedProblems(runbook.content, events)],
    };
  } catch (error) {
    // the fold trusts its log; a forged one may break any of its rules
    const message = `the log can't be folded: ${String(error)}`;
    return { status: null, problems: [{ seq: null, rule: "log_unreadable", message }, ...rules] };
  }
}

function otherRunbook(runbookId: string, [first]: readonly AnyEvent[]): readonly RunProblem[] {
  if (first?.kind !== "run.submitted" || first.payload.runbookId === runbookId) return [];
  return [{ seq: 1, rule: "other_runbook", message: `the run is one of "${first.payload.runbookId}"` }];
}

function problemOf({ seq, rule, message }: LogProblem): RunProblem {
  return { seq, rule, message };
}
