import type { ApprovalSpending, ClaimAnswer, ClaimRequest } from "./claim-run.js";
import type { EngineParts } from "./parts.js";
import type { JsonObject } from "../json/value.js";
import type { RunId } from "../model/ids.js";
import type { RunRequest } from "./submit-run.js";
import type { RunState } from "../history/run-state.js";
import { beginState } from "../history/run-state.js";
import { claimOf, claimedRun, refusal } from "./claim-run.js";
import { commitAt } from "./commit-at.js";
import { earlierRun, submittedHead, submission } from "./submit-run.js";
import { eventOf } from "../history/read-event.js";
import { fold } from "../history/fold.js";
import { runPlanOf } from "../history/run-plan.js";

/** A run that is wanted here and now. */
export interface BeginRequest extends RunRequest {
  readonly runId: RunId;
  readonly build: JsonObject;
  readonly approvals: ApprovalSpending | null;
}

/**
 * Makes a run exist and takes it, in one commit: `run.submitted`, `lease.taken` and `run.started`. Nobody else ever sees it queued, and
 * what keeps it from starting leaves nothing of it.
 *
 * @returns the run; the one that this runbook (uses once) or dedupKey (uses many) has already; or why it was refused
 * @throws {@link RunsealError} what `submitRun` and `claimRun` throw
 */
export async function beginRun(
  parts: EngineParts,
  request: BeginRequest,
): Promise<ClaimAnswer | { readonly kind: "exists"; readonly runId: RunId }> {
  const { scope, runId, runbook, build, approvals } = request;
  const { write: submitted } = submission(parts, request);
  const head = submittedHead(submitted, parts.env.now());
  const again = (at = head.run.submittedAt): RunState => {
    const state = beginState(runPlanOf(runbook), scope, runId);
    for (const event of submitted.events) fold(state, eventOf({ scope, at, ...event }));
    return state;
  };
  const asked: ClaimRequest = { scope, runId, runbook, reason: "requested", build, approvals };
  const claim = await claimOf(parts, asked, { head, state: again(), again, isNew: true });
  const { write, others, epoch } = claim;
  const both = { ...write, expectedSeq: submitted.expectedSeq, events: [...submitted.events, ...write.events] };
  const answer = await commitAt(parts, "start", [both, ...others]);
  if (answer.kind === "exists") return earlierRun(request, answer);
  if (answer.kind !== "committed") return { kind: "refused", error: refusal(answer, asked, epoch) };
  return { kind: "claimed", run: claimedRun(parts, asked, { head, state: again(answer.at) }, claim, answer.at) };
}
