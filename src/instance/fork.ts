import type { Carry } from "../compile/carry.js";
import type { InstanceParts } from "./parts.js";
import type { NewPlan } from "./new-plan.js";
import type { PastRun } from "./past-run.js";
import type { Requester } from "../model/invocation.js";
import type { RunId, StepId } from "../model/ids.js";
import { RunsealError } from "../errors/error.js";
import { assertAllowed, storePlan } from "./new-plan.js";
import { assertOutsideStep } from "./phase-guard.js";
import { carryOver } from "../compile/carry.js";
import { isTerminal } from "../history/run-head.js";
import { notAtRest, pastStepsOf, readPastRun } from "./past-run.js";
import { personOf } from "../model/invocation.js";
import { remarksOn } from "./carry-remarks.js";
import { reseal } from "../compile/reseal.js";

/** What {@link fork} takes. */
export interface ForkOptions {
  /** The first step, in plan order, that is run again; those before it that completed are carried over. */
  readonly from: StepId;
  /** Tells forks of the same run and step apart; default: the intent of the run's runbook. */
  readonly intent?: string;
  /** Who asks; default: who asked for the run's runbook. */
  readonly requestedBy?: Requester;
}

/**
 * Makes a new runbook of a run that has ended or is parked: the same plan, with the results of the steps before `from`. The run
 * itself is left as it is.
 *
 * Idempotency keys derive from the new run, so that services see new calls (decisions 3.18, 4.6a).
 *
 * @throws {@link RunsealError} `run.not_found`, `run.not_at_rest` while it runs or is queued, `run.invalid_option` when it has no step
 *   `from`, `compile.refused` where the policy no longer allows a verb
 */
export async function fork(parts: InstanceParts, runId: RunId, options: ForkOptions): Promise<NewPlan> {
  assertOutsideStep("fork");
  const past = await readPastRun(parts, runId);
  const { runbook, state } = past;
  if (!isTerminal(state.status) && state.status !== "parked") {
    throw notAtRest(runId, state.status, "let it end or park, or cancel it; then fork it");
  }
  const { from, intent, requestedBy } = options;
  if (!state.plan.positions.has(from)) throw unknownStep(past, from);
  const carry = await carryTo(parts, past, from);
  const carried = new Set(carry.carried);
  const called = runbook.steps.filter((step) => !carried.has(step.id)).map((step) => step.verb);
  await assertAllowed(parts, { kind: "fork", past, requestedBy }, called);
  const forked = reseal(runbook, {
    basis: { kind: "fork", runId, headHash: state.hash, from, ...(carry.steps.length > 0 && { steps: carry.steps }) },
    ...(intent !== undefined && { intent }),
    ...(requestedBy !== undefined && { requestedBy: personOf(requestedBy) }),
    remarks: remarksOn(past, runbook.steps, carry),
    isUnderway: carry.carried.length > 0,
  });
  return storePlan(parts, runbook, forked, carry);
}

async function carryTo(parts: InstanceParts, past: PastRun, from: StepId): Promise<Carry> {
  const { steps, content } = past.runbook;
  const skipTags = content.execution.skipTags ?? [];
  return carryOver({ past: await pastStepsOf(parts, past), steps, skipTags, from, keepsKeys: false });
}

function unknownStep({ runbook, state }: PastRun, from: unknown): RunsealError<"run.invalid_option"> {
  const some = runbook.steps.slice(0, 10).map((step) => `"${step.id}"`);
  const others = runbook.steps.length > some.length ? ", ..." : "";
  const message = `"from" must be a step of run "${state.runId}": ${some.join(", ")}${others}; "${String(from).slice(0, 80)}" is none`;
  return new RunsealError("run.invalid_option", message, { option: "from" });
}
