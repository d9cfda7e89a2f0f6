import type { BasisStep } from "./envelope.js";
import type { RunbookContent } from "./runbook.js";
import type { StepId } from "./ids.js";

const NONE: ReadonlyMap<StepId, BasisStep> = new Map();

/** What the steps of a runbook take over from the run it was made from, by step; empty for most runbooks. */
export function basisStepsOf({ core }: Pick<RunbookContent, "core">): ReadonlyMap<StepId, BasisStep> {
  const steps = core.basis?.steps;
  return steps === undefined ? NONE : new Map(steps.map((step) => [step.stepId, step]));
}

/** Whether a step is carried over as completed, so that nothing is called for it. */
export function isCarried(steps: ReadonlyMap<StepId, BasisStep>, stepId: StepId): boolean {
  return steps.get(stepId)?.as === "completed";
}
