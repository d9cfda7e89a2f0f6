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
import { invariant, present } from "../errors/invariant.js";
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
  readonly head?: SubmittedHead;
}

/** The head of a run that was submitted. */
export type SubmittedHead = StreamHead & { readonly run: RunHead };

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
  const { runId, write } = submission(parts, { runId: parts.env.uuid(), ...request });
  const answer = await commitAt(parts, "submit", [write], options);
  if (answer.kind === "committed") return { kind: "submitted", runId, head: submittedHead(write, answer.at) };
  // nobody else has this id: a stream that is there already is this very commit, whose first answer was lost on the way
  if (answer.kind === "conflict" || answer.kind === "stale") return { kind: "submitted", runId };
  invariant(answer.kind === "exists", `a new run is not answered "${answer.kind}"`);
  return earlierRun(request, answer);
}

/**
 * The run that a request is answered with because it is there already.
 *
 * @throws {@link RunsealError} `run.dedup_conflict` when it is one of another runbook
 */
export function earlierRun(
  { runbook, dedupKey }: Pick<RunRequest, "runbook" | "dedupKey">,
  { runId, runbookId }: Extract<CommitAnswer, { kind: "exists" }>,
): { readonly kind: "exists"; readonly runId: RunId } {
  if (runbookId === runbook.id) return { kind: "exists", runId };
  const key = dedupKey ?? "";
  const message = `the dedup key "${key}" belongs to run "${runId}" of another runbook`;
  throw new RunsealError("run.dedup_conflict", message, { dedupKey: key, runId, runbookId });
}

/** The head of a run whose first events are those of a write, committed `at`. */
export function submittedHead({ scope, stream, run, events }: StreamWrite, at: number): SubmittedHead {
  const hash = present(events.at(-1), "a submission has an event").hash;
  const submitted = { ...present(run, "a submission is a run's"), submittedAt: at };
  return { scope, stream, seq: events.length, hash, epoch: 0, owner: null, leaseUntil: null, run: submitted };
}

/** The write that makes a run exist: its first event and its head. */
export function submission(
  parts: EngineParts,
  request: RunRequest & { readonly runId: RunId },
): { readonly runId: RunId; readonly write: StreamWrite } {
  const { scope, runId } = request;
  const stream = runStream(runId);
  const draft = submittedDraft(request);
  const run = nextRunHead(null, { at: parts.env.now(), ...draft }, runId);
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
