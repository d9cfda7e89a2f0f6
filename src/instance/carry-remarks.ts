import type { Carry } from "../compile/carry.js";
import type { PastRun } from "./past-run.js";
import type { SealedStep } from "../model/step.js";

/**
 * What a person should know before approving a plan that was made from a run: effects of that run that happen again, may have
 * happened, or are no longer spoken of.
 */
export function remarksOn({ state }: PastRun, steps: readonly SealedStep[], carry: Carry): readonly string[] {
  const settled = new Set(carry.carried);
  const doubted = new Set(carry.steps.filter((step) => step.as === "in_doubt").map((step) => step.stepId));
  const planned = new Set(steps.map((step) => step.id));
  return state.steps.flatMap(({ step, status, attempt }) => {
    const { id, effect } = step;
    if (effect !== "write" || settled.has(id) || doubted.has(id)) return [];
    const what = planned.has(id) ? "it is done again" : "the new plan does not have it";
    if (status === "completed") return [`"${id}" has completed in run ${state.runId}; ${what}`];
    const isOpen = status === "in_doubt" || status === "parked" || status === "failed";
    if (!isOpen || attempt === 0) return [];
    return [
      `"${id}" was begun in run ${state.runId} and is ${status.replace("_", " ")} there: its effect may have happened; ${what}`,
    ];
  });
}
