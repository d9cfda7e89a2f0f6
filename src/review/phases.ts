import type { SealedStep } from "../model/step.js";
import type { StepId } from "../model/ids.js";

/**
 * Groups steps by what may run together, as early as possible: phase `d` holds the steps with `d` edges on their longest path.
 *
 * Read from `dependsOn`, which the id covers, so that nobody can be shown another order than the one that runs.
 *
 * @remarks Time O(steps + edges).
 */
export function phasesOf(steps: readonly SealedStep[]): readonly (readonly StepId[])[] {
  const depths = new Map<StepId, number>();
  const phases: StepId[][] = [];
  for (const { id, dependsOn } of steps) {
    let depth = 0;
    for (const before of dependsOn) depth = Math.max(depth, (depths.get(before) ?? -1) + 1);
    depths.set(id, depth);
    const phase = phases[depth];
    if (phase === undefined) phases.push([id]);
    else phase.push(id);
  }
  return phases;
}
