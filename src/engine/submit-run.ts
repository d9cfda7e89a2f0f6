import type { EngineParts } from "./parts.js";
import type { EventDraft } from "../model/event.js";
import type { JsonObject } from "../json/value.js";
import type { RunId, Scope } from "../model/ids.js";
import type { Runbook } from "../model/runbook.js";
import type { RunHead, StreamHead } from "../model/run.js";
import type { CommitAnswer, StreamWrite } from "../stores/event-store.js";
import { RunsealError } from "../errors/error.js";
import { basisStepsOf, isCarried } from "../model/basis-steps.js";
import { chainDrafts } from "./chain-drafts.js";
import { commitAt } from "./commit-at.js";
import { emptyHead } from "../history/chain.js";
import { invariant } from "../errors/invariant.js";
import { nextRunHead } from "../history/run-head.js";
import { runStream } from "../model/ids.js";

/** A run that is asked for. Nothing in it changes what runs. */
export interface RunRequest {
  readonly scope: Scope;
  readonly runbook: Runbook;
  /** Tells the runs of a `uses: "many"` runbook apart; `null` = a new run each time. */
  readonly dedupKey: string | null;
  readonly queue: string;
  /** Higher first. */
  readonly priority: number;
  readonly labels: JsonObject;
  /** Steps that may run at a time; `null` = one. */
  readonly concurrency: number | null;
  readonly parent: RunId | null;
  readonly by: string | null;
}

/** What became of a request: a new run, or the one that is there already. */
export interface Submitted {
  readonly kind: "submitted" | "exists";
  readonly runId: RunId;
  /** Of a run that this very commit made, as the store has it. */
  readonly head?: StreamHead & { readonly run: RunHead };
}

/**
 * Writes `run.submitted`: from then on the run exists, and anybody may claim it.
 *
 * A runbook of one use, or a `dedupKey` that was used before, gives the run that is there, whatever its status.
 *
 * @param options - the transaction that it is part of
 * @throws {@link RunsealError} `run.dedup_conflict` when the key belongs to a run of another runbook
 * @throws {@link RunsealError} `store.busy`, `store.closed` and the like from the store
 */
export async function submitRun(parts: EngineParts, request: RunRequest, options?: { readonly tx: unknown }): Promise<Submitted> {
  const { runbook } = request;
  const { runId, write } = submission(parts, { ...request, runId: parts.env.uuid() });
  const answer = await commitAt(parts, "submit", [write], options);
  if (answer.kind === "committed") return { kind: "submitted", runId, ...headOf(write, answer) };
  // nobody else has this id: a stream that is there already is this very commit, whose first answer was lost on the way
  if (answer.kind === "conflict" || answer.kind === "stale") return { kind: "submitted", runId };
  invariant(answer.kind === "exists", `a new run is not answered "${answer.kind}"`);
  if (answer.runbookId === runbook.id) return { kind: "exists", runId: answer.runId };
  const dedupKey = request.dedupKey ?? "";
  const message = `the dedup key "${dedupKey}" belongs to run "${answer.runId}" of another runbook`;
  throw new RunsealError("run.dedup_conflict", message, { dedupKey, runId: answer.runId, runbookId: answer.runbookId });
}

function headOf(write: StreamWrite, answer: Extract<CommitAnswer, { kind: "committed" }>): Pick<Submitted, "head"> {
  const [committed] = answer.heads;
  if (committed === undefined || write.run === undefined) return {};
  const { seq, hash } = committed;
  const run = { ...write.run, submittedAt: answer.at };
  return { head: { scope: write.scope, stream: write.stream, seq, hash, epoch: 0, owner: null, leaseUntil: null, run } };
}

/** The write that makes a run exist: its first event and its head. */
export function submission(
  parts: EngineParts,
  request: RunRequest & { readonly runId: RunId },
): { readonly runId: RunId; readonly write: StreamWrite } {
  const { scope, runId } = request;
  const stream = runStream(runId);
  const draft = submittedDraft(request);
  const run = nextRunHead(null, { ...draft, at: parts.env.now() }, runId);
  const events = chainDrafts(emptyHead(scope, stream), [draft], 0);
  return { runId, write: { scope, stream, expectedSeq: 0, fence: null, events, artifacts: [], run } };
}

function submittedDraft(request: RunRequest): Extract<EventDraft, { kind: "run.submitted" }> {
  const { runbook, dedupKey, queue, priority, labels, concurrency, parent, by } = request;
  const { content } = runbook;
  // code-unit order, each once
  const taken = basisStepsOf(content);
  const called = content.steps.filter((step) => !isCarried(taken, step.id));
  const requires = [...new Set(called.map((step) => step.contract))].sort();
  const payload = {
    runbookId: runbook.id,
    uses: content.uses,
    dedupKey,
    queue,
    priority,
    labels,
    concurrency,
    requires,
    parent,
    by,
  };
  return { kind: "run.submitted", payload };
}
