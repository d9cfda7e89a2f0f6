import type { EventDraft } from "../model/event.js";
import type { RunHead, StreamHead } from "../model/run.js";
import type { RunState } from "../history/run-state.js";
import type { Runbook } from "../model/runbook.js";
import { beginState } from "../history/run-state.js";
import { chainEvent, emptyHead } from "../history/chain.js";
import { eventOf } from "../history/read-event.js";
import { fold } from "../history/fold.js";
import { runPlanOf } from "../history/run-plan.js";

/**
 * The state of a run that was submitted and nothing else, made from its head without reading its log; `undefined` where the head does
 * not tell everything.
 *
 * The head repeats what was submitted, the cap on concurrency and the submitter apart. Taken to be absent they give an event, and the
 * hash of that event is the head's only if it is the one that was stored.
 *
 * Cost: two digests.
 */
export function submittedState(head: StreamHead & { readonly run: RunHead }, runbook: Runbook): RunState | undefined {
  const { scope, stream, run } = head;
  if (head.seq !== 1 || run.status !== "queued" || run.runbookId !== runbook.id) return undefined;
  const event = chainEvent(emptyHead(scope, stream), draftOf(run, runbook), 0);
  if (event.hash !== head.hash) return undefined;
  const state = beginState(runPlanOf(runbook), scope, run.runId);
  fold(state, eventOf({ scope, at: run.submittedAt, ...event }));
  return state;
}

function draftOf(run: RunHead, runbook: Runbook): EventDraft {
  const { runbookId, dedupKey, queue, priority, labels, requires, parent } = run;
  const { uses } = runbook.content;
  const payload = { runbookId, uses, dedupKey, queue, priority, labels, concurrency: null, requires, parent, by: null };
  return { kind: "run.submitted", payload };
}
