import type { Carry } from "../compile/carry.js";
import type { InstanceParts } from "./parts.js";
import type { NewPlan } from "./new-plan.js";
import type { PastSteps } from "../model/past-step.js";
import type { Requester } from "../model/invocation.js";
import type { Runbook } from "../model/runbook.js";
import type { RunId } from "../model/ids.js";
import { RunsealError } from "../errors/error.js";
import { assertOutsideStep } from "./phase-guard.js";
import { carryOver, isUnsure } from "../compile/carry.js";
import { notAtRest, pastStepsOf, readPastRun } from "./past-run.js";
import { personOf } from "../model/invocation.js";
import { readRunbook } from "./find-runbook.js";
import { remarksOn } from "./carry-remarks.js";
import { reseal } from "../compile/reseal.js";
import { storePlan } from "./new-plan.js";

/** What {@link amend} may be told. */
export interface AmendOptions {
  /** Who asks; default: who asked for the new runbook. */
  readonly requestedBy?: Requester;
}

/**
 * Makes a runbook that takes the place of a parked run: the plan of `newId`, with what the run has done wherever step id, contract and
 * resolved arguments agree. Starting it ends the run, in one commit; until then the run is left as it is.
 *
 * Steps that agree keep their idempotency keys, and a step in doubt stays in doubt (decisions 3.18, 4.6a).
 *
 * @param newId - a compiled runbook that was not made from a run itself
 * @throws {@link RunsealError} `run.not_found`, `runbook.not_found`, `run.not_at_rest` unless the run is parked and has no message
 *   waiting, `amend.not_possible` when the new plan would lose a doubt
 */
export async function amend(
  parts: InstanceParts,
  runId: RunId,
  newId: string,
  { requestedBy }: AmendOptions = {},
): Promise<NewPlan> {
  assertOutsideStep("amend");
  const past = await readPastRun(parts, runId);
  const plan = await readRunbook(parts, newId);
  const { runbook, state } = past;
  if (state.status !== "parked") throw notAtRest(runId, state.status, "only a run that is parked or paused can be amended");
  const pending = await parts.stores.inbox.pending(parts.scope, runId);
  if (pending.length > 0) throw notAtRest(runId, "parked", `${pending.length} messages wait for it: resume it, then amend it`);
  const steps = await pastStepsOf(parts, past);
  const skipTags = plan.content.execution.skipTags ?? [];
  const carry = carryOver({ past: steps, steps: plan.steps, skipTags, from: null, keepsKeys: true });
  assertPossible(runId, plan, steps, carry);
  const amended = reseal(plan, {
    basis: { kind: "amend", runId, headHash: state.hash, from: null, ...(carry.steps.length > 0 && { steps: carry.steps }) },
    ...(requestedBy !== undefined && { requestedBy: personOf(requestedBy) }),
    remarks: remarksOn(past, plan.steps, carry),
    isUnderway: false,
  });
  return storePlan(parts, runbook, amended, carry);
}

function assertPossible(runId: RunId, plan: Runbook, past: PastSteps, carry: Carry): void {
  if (plan.content.core.basis !== undefined) {
    const why = `"${plan.id}" was made from a run itself: compile the plan that should take the place of this one`;
    throw new RunsealError("amend.not_possible", `run "${runId}" can't be amended: ${why}`, { runId, steps: [] });
  }
  const doubted = new Set(carry.steps.filter((step) => step.as === "in_doubt").map((step) => step.stepId));
  const lost = [...past.values()].filter((step) => isUnsure(step) && !doubted.has(step.step.id)).map(({ step }) => step.id);
  if (lost.length === 0) return;
  const names = lost.map((stepId) => `"${stepId}"`).join(", ");
  const message = `run "${runId}" can't be amended: the new plan changes or leaves out ${names}, whose effect may have happened; settle that first`;
  throw new RunsealError("amend.not_possible", message, { runId, steps: lost });
}
