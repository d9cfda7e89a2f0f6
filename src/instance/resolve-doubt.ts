import type { DoubtDecision } from "../engine/inbox-message.js";
import type { Identification } from "./principal.js";
import type { InstanceParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import type { Runbook } from "../model/runbook.js";
import type { RunId, StepId } from "../model/ids.js";
import { RunsealError } from "../errors/error.js";
import { copyCanonical } from "../json/copy.js";
import { doubtMessage } from "../engine/inbox-message.js";
import { identify } from "./principal.js";
import { isTerminal } from "../history/run-head.js";
import { readRunbook, readRunHead } from "./find-runbook.js";
import { putMessage, runTerminal } from "./put-message.js";
import { readDoubts } from "./doubts.js";
import { runPlanOf } from "../history/run-plan.js";

/** What a person found out about a step in doubt. */
export type DoubtOutcome =
  /** The effect happened, and this is what the verb would have given. */
  | { readonly outcome: "done"; readonly result: unknown }
  /** It did not happen: the step is tried again, under the same idempotency key. */
  | { readonly outcome: "not_done" }
  /** The step has failed for good, whatever happened. */
  | { readonly outcome: "failed"; readonly message?: string };

/** What {@link resolveDoubt} takes. */
export type DoubtResolution = Identification &
  DoubtOutcome & {
    readonly note?: string;
    /**
     * The attempt that was looked at, as `doubts()` gave it. Absent: whichever is the newest when the call arrives, which may be one that
     * began after the look.
     */
    readonly attempt?: number;
  };

/**
 * Settles a step in doubt. The run is continued by the process that holds it, a worker, or `resume(runId)`.
 *
 * One settlement per attempt: the first one stays, and repeating it succeeds at any time.
 *
 * @throws {@link RunsealError} `admission.unauthenticated`, `step.not_in_doubt`, `signal.invalid` for a result that does not fit the
 *   verb's result schema (the run is untouched), `signal.conflict` when somebody settled it otherwise before, `run.not_found`,
 *   `run.terminal`
 */
export async function resolveDoubt(
  parts: InstanceParts,
  runId: RunId,
  stepId: StepId,
  resolution: DoubtResolution,
): Promise<void> {
  const principal = await identify(parts.authenticate, resolution, "resolveDoubt");
  const { verdict, payload } = said(runId, stepId, resolution);
  const head = await readRunHead(parts, runId);
  const runbook = await readRunbook(parts, head.run.runbookId);
  const { open, newest } = await readDoubts(parts, runId, runPlanOf(runbook));
  const doubt = newest.get(stepId);
  const isOther = resolution.attempt !== undefined && resolution.attempt !== doubt?.attempt;
  if (doubt === undefined || isOther) {
    if (isTerminal(head.run.status)) throw runTerminal(runId, head.run.status);
    throw notInDoubt(
      runId,
      stepId,
      open.map((candidate) => candidate.stepId),
    );
  }
  if (verdict === "done") assertFits(parts, runbook, runId, stepId, payload ?? null);
  const { issuer, subject, vouchedBy } = principal;
  const decision: DoubtDecision = {
    verdict,
    attempt: doubt.attempt,
    issuer,
    subject,
    vouchedBy,
    ...(payload !== undefined && { payload }),
    ...(typeof resolution.note === "string" && { note: resolution.note }),
  };
  // a doubt that was settled already answers for itself: the same again succeeds, anything else is a conflict
  await putMessage(parts, doubtMessage(parts.scope, runId, stepId, decision), stepId);
}

function said(
  runId: RunId,
  stepId: StepId,
  resolution: DoubtOutcome,
): { readonly verdict: DoubtDecision["verdict"]; readonly payload?: JsonValue } {
  switch (resolution.outcome) {
    case "done":
      return { verdict: "done", payload: copyCanonical(resolution.result ?? null) };
    case "not_done":
      return { verdict: "not_done" };
    case "failed":
      return {
        verdict: "failed",
        ...(resolution.message !== undefined && { payload: copyCanonical(resolution.message) }),
      };
    default:
      throw new RunsealError("signal.invalid", '"outcome" must be "done", "not_done" or "failed"', {
        runId,
        key: stepId,
        issues: ["outcome"],
      });
  }
}

function assertFits(parts: InstanceParts, runbook: Runbook, runId: RunId, stepId: StepId, result: JsonValue): void {
  const step = runbook.steps.find((candidate) => candidate.id === stepId);
  const entry = step === undefined ? undefined : parts.table.entry(step.verb);
  if (entry === undefined || entry.contract.digest !== step?.contract) throw drifted(step, entry?.contract.digest ?? null);
  const checked = entry.parseResult(result);
  if (checked.ok) return;
  const message = `the result does not fit what step "${stepId}" gives: ${checked.issues.join("; ")}`;
  throw new RunsealError("signal.invalid", message, { runId, key: stepId, issues: checked.issues });
}

function drifted(step: { readonly verb: string; readonly contract: string } | undefined, current: string | null): RunsealError {
  const verb = step?.verb ?? "";
  const message = `the result of "${verb}" can't be checked: this catalog has another contract of it, or none`;
  return new RunsealError("admission.contract_drift", message, { verb, sealed: step?.contract ?? "", current });
}

function notInDoubt(runId: RunId, stepId: StepId, inDoubt: readonly StepId[]): RunsealError<"step.not_in_doubt"> {
  const others =
    inDoubt.length === 0 ? "no step of this run is" : `these are: ${inDoubt.map((candidate) => `"${candidate}"`).join(", ")}`;
  return new RunsealError("step.not_in_doubt", `step "${stepId}" is not in doubt; ${others}`, { runId, stepId, inDoubt });
}
