import type { EngineParts } from "./parts.js";
import type { EventDraft } from "../model/event.js";
import type { RunFailure } from "./decide.js";
import type { RunState } from "../history/run-state.js";
import type { StreamWrite } from "../stores/event-store.js";
import { chainDrafts } from "./chain-drafts.js";
import { emptyHead } from "../history/chain.js";
import { recordAt } from "../history/run-state.js";
import { runbookStream } from "../model/ids.js";

/** The event that ends a run as failed. A run in which no step was entered is void (decision 1.6). */
export function runFailed(state: RunState, failure: RunFailure): EventDraft {
  const { code, category, message, stepId } = failure;
  return { kind: "run.failed", payload: { code, category, message, stepId, isVoid: !state.wasEntered } };
}

/** The event that ends a run as canceled. */
export function runCanceled(state: RunState, cancel: { readonly reason: string; readonly by: string | null }): EventDraft {
  return { kind: "run.canceled", payload: { reason: cancel.reason, by: cancel.by, isVoid: !state.wasEntered } };
}

/** Fences of everything that is open: attempts in flight or cut off, and waits where the run ends with them. */
export function fences(state: RunState, reason: string, positions: Iterable<number>): readonly EventDraft[] {
  return [...positions].map((position) => {
    const { step, attempt } = recordAt(state, position);
    return { kind: "step.fenced", payload: { stepId: step.id, attempt, reason } };
  });
}

/**
 * The steps that a failed run leaves: recorded as skipped.
 *
 * Cost: linear in the steps, once in a run.
 */
export function leftBehind(state: RunState): readonly EventDraft[] {
  return state.steps
    .filter((record) => record.status === "pending")
    .map((record) => ({ kind: "step.skipped", payload: { stepId: record.step.id, reason: "stopped" } }));
}

/** Gives the approvals of a void run back; `undefined` when there are none, or the run counts as a use. */
export async function approvalsReleased(parts: EngineParts, state: RunState, reason: string): Promise<StreamWrite | undefined> {
  if (state.wasEntered || state.approvals.length === 0) return undefined;
  const { scope, runId } = state;
  const stream = runbookStream(state.plan.runbookId);
  const head = (await parts.stores.reader.head(scope, stream)) ?? emptyHead(scope, stream);
  const drafts = state.approvals.map((nonce): EventDraft => ({ kind: "approval.released", payload: { nonce, runId, reason } }));
  const events = chainDrafts({ scope, stream, seq: head.seq, hash: head.hash }, drafts, 0);
  return { scope, stream, expectedSeq: head.seq, fence: null, events, artifacts: [] };
}
