import type { RunbookId, RunId, StepId } from "../model/ids.js";
import type { RunbookContent } from "../model/runbook.js";
import type { SealedStep } from "../model/step.js";
import { RunsealError } from "../errors/error.js";

/** A runbook's steps with the indexes that a fold over its runs looks things up by; shared by all runs of the runbook. */
export interface RunPlan {
  readonly runbookId: RunbookId;
  readonly content: RunbookContent;
  readonly steps: readonly SealedStep[];
  /** Step id -> position in plan order. */
  readonly positions: ReadonlyMap<StepId, number>;
  /** Position -> positions of the steps that wait for it, ascending. */
  readonly dependants: readonly (readonly number[])[];
  /** False when no step names an entity, so that there is nothing to lock. */
  readonly touches: boolean;
  /** Steps that keep the idempotency key of another run, which their runbook was made from by amending it. */
  readonly keyRuns: ReadonlyMap<StepId, RunId>;
}

const plans = new WeakMap<object, RunPlan>();

/**
 * Indexes the steps of a runbook; the same runbook, an object that nobody changes, is indexed once.
 *
 * Cost: linear in steps and dependencies.
 *
 * @throws {@link RunsealError} `store.corrupt` when a step depends on one that does not come before it
 */
export function runPlanOf(runbook: { readonly id: RunbookId; readonly content: RunbookContent }): RunPlan {
  const known = plans.get(runbook);
  if (known !== undefined) return known;
  const plan = planOf(runbook);
  plans.set(runbook, plan);
  return plan;
}

function planOf(runbook: { readonly id: RunbookId; readonly content: RunbookContent }): RunPlan {
  const { steps } = runbook.content;
  const positions = new Map<StepId, number>();
  const dependants: number[][] = steps.map(() => []);
  for (const [position, step] of steps.entries()) {
    for (const dependency of step.dependsOn) {
      const before = positions.get(dependency);
      if (before === undefined) {
        const message = `step "${step.id}" of runbook "${runbook.id}" depends on "${dependency}", which does not come before it`;
        throw new RunsealError("store.corrupt", message, { what: "runbook", id: runbook.id, seq: null });
      }
      dependants[before]?.push(position);
    }
    positions.set(step.id, position);
  }
  const touches = steps.some((step) => step.reads.length + step.writes.length + step.lateWrites.length > 0);
  return {
    runbookId: runbook.id,
    content: runbook.content,
    steps,
    positions,
    dependants,
    touches,
    keyRuns: keyRunsOf(runbook.content),
  };
}

function keyRunsOf({ core }: RunbookContent): ReadonlyMap<StepId, RunId> {
  const kept = (core.basis?.steps ?? []).flatMap(({ stepId, keyRunId }) =>
    keyRunId === undefined ? [] : [[stepId, keyRunId] as const],
  );
  return new Map(kept);
}
