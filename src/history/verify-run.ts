import type { BrokenLink, ChainVerdict } from "./verify-chain.js";
import type { Digest, RunId, Scope } from "../model/ids.js";
import type { LogProblem, LogRule } from "./attempt-rules.js";
import type { RunState } from "./run-state.js";
import type { RunStatus, StreamHead } from "../model/run.js";
import type { Runbook } from "../model/runbook.js";
import type { StoredEvent } from "../model/event.js";
import { beginState } from "./run-state.js";
import { eventOf } from "./read-event.js";
import { fold } from "./fold.js";
import { isRunsealError } from "../errors/error.js";
import { logProblems } from "./attempt-rules.js";
import { runHeadOf } from "./run-head.js";
import { runPlanOf } from "./run-plan.js";
import { runStream } from "../model/ids.js";
import { runbookIdOf } from "../model/runbook-digest.js";
import { verifyChain } from "./verify-chain.js";

/** What is wrong with a run besides its chain. `seq` is `null` where no one event is to blame. */
export interface RunProblem {
  readonly seq: number | null;
  readonly rule: LogRule | "runbook_digest" | "other_runbook" | "log_unreadable" | "head_differs" | "artifact_missing";
  readonly message: string;
}

/** The verdict on a run. */
export interface RunVerdict {
  readonly integrity: "ok" | BrokenLink;
  readonly completeness: "full" | "partial";
  /** As the log tells it; `null` when the log can't be folded. */
  readonly status: RunStatus | null;
  readonly head: ChainVerdict["head"];
  readonly events: number;
  /** Empty when everything agrees. */
  readonly problems: readonly RunProblem[];
}

/** What is verified, as it was read. */
export interface RunEvidence {
  readonly scope: Scope;
  readonly runId: RunId;
  readonly runbook: Runbook;
  readonly events: readonly StoredEvent[];
  /** The head beside the log; `undefined` = there is none. */
  readonly head: StreamHead | undefined;
  /** Whether an artifact that the log names is there with the right bytes; absent = not asked. */
  readonly hasArtifact?: (id: Digest) => boolean;
}

/**
 * Derives everything about a run anew from its log and compares: chain and digests, the runbook's id, the legality of attempts, the
 * status, the head beside the log, the artifacts that the log names.
 *
 * Cost: linear in the bytes of the log and the runbook.
 */
export function verifyRun(evidence: RunEvidence): RunVerdict {
  const { scope, runId, runbook, events } = evidence;
  const { integrity, completeness, head } = verifyChain(scope, runStream(runId), events);
  const trusted = events.slice(0, head.seq);
  const base = { integrity, completeness, head, events: events.length };
  const digests = runbookProblems(runbook);
  // dropped payloads can't be folded: the chain speaks for itself
  if (completeness === "partial") return { ...base, status: null, problems: digests };
  const folded = foldAll(evidence, trusted);
  const problems: RunProblem[] = [
    ...digests,
    ...folded.problems,
    ...logProblems(trusted.map(eventOf)).map(problemOf),
    ...headProblems(evidence, trusted),
    ...artifactProblems(evidence, trusted),
  ];
  return { ...base, status: folded.state?.status ?? null, problems };
}

function runbookProblems(runbook: Runbook): readonly RunProblem[] {
  const id = runbookIdOf(runbook.content);
  if (id === runbook.id) return [];
  return [{ seq: null, rule: "runbook_digest", message: `the content of "${runbook.id}" has the id "${id}"` }];
}

function foldAll(
  { scope, runId, runbook }: RunEvidence,
  events: readonly StoredEvent[],
): { readonly state: RunState | undefined; readonly problems: readonly RunProblem[] } {
  const state = beginState(runPlanOf(runbook), scope, runId);
  try {
    for (const event of events) fold(state, eventOf(event));
    return { state, problems: otherRunbook(runbook, events) };
  } catch (error) {
    if (!isRunsealError(error, "store.corrupt")) throw error;
    return { state: undefined, problems: [{ seq: error.details.seq, rule: "log_unreadable", message: error.message }] };
  }
}

function otherRunbook(runbook: Runbook, events: readonly StoredEvent[]): readonly RunProblem[] {
  const [first] = events;
  const event = first === undefined ? undefined : eventOf(first);
  if (event?.kind !== "run.submitted" || event.payload.runbookId === runbook.id) return [];
  return [{ seq: 1, rule: "other_runbook", message: `the run is one of "${event.payload.runbookId}"` }];
}

function headProblems({ head }: RunEvidence, events: readonly StoredEvent[]): readonly RunProblem[] {
  const derived = derivedHead(events);
  if (typeof derived === "string") return [{ seq: null, rule: "log_unreadable", message: derived }];
  if (derived === null && head === undefined) return [];
  if (derived === null) return [differs("presence", "none", "there")];
  if (head === undefined) return [differs("presence", "there", "none")];
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ["seq", derived.seq, head.seq],
    ["hash", derived.hash, head.hash],
    ["epoch", derived.epoch, head.epoch],
    ["status", derived.run?.status, head.run?.status],
    ["reason", derived.run?.reason, head.run?.reason],
    ["runbookId", derived.run?.runbookId, head.run?.runbookId],
    ["useKey", derived.run?.useKey, head.run?.useKey],
  ];
  return pairs.filter(([, log, beside]) => log !== beside).map(([name, log, beside]) => differs(name, log, beside));
}

function derivedHead(events: readonly StoredEvent[]): StreamHead | string | null {
  try {
    return runHeadOf(events, false);
  } catch (error) {
    if (isRunsealError(error, "internal.invariant")) return error.message;
    throw error;
  }
}

function differs(name: string, log: unknown, beside: unknown): RunProblem {
  return { seq: null, rule: "head_differs", message: `${name} is ${String(log)} by the log and ${String(beside)} by the head` };
}

function artifactProblems({ hasArtifact }: RunEvidence, events: readonly StoredEvent[]): readonly RunProblem[] {
  if (hasArtifact === undefined) return [];
  return events.flatMap((stored) => {
    const event = eventOf(stored);
    if (event.kind !== "artifact.written" || hasArtifact(event.payload.artifactId)) return [];
    return [
      { seq: event.seq, rule: "artifact_missing" as const, message: `artifact "${event.payload.artifactId}" is not there` },
    ];
  });
}

function problemOf({ seq, rule, message }: LogProblem): RunProblem {
  return { seq, rule, message };
}
