import type { RunPlan } from "./run-plan.js";
import { present } from "../errors/invariant.js";

/** Positions of the steps that the step at a position waits for. */
export function dependenciesOf(plan: RunPlan, position: number): readonly number[] {
  const step = present(plan.steps[position], "positions are those of the plan's steps");
  return step.dependsOn.map((id) => present(plan.positions.get(id), "a plan depends on its own steps alone"));
}

/**
 * Whether the plan puts one step before another, directly or through others.
 *
 * Cost: linear in the steps and edges between the two positions.
 */
export function isAncestor(plan: RunPlan, earlier: number, later: number): boolean {
  if (earlier >= later) return false;
  const seen = new Set<number>([later]);
  const open = [later];
  for (let position = open.pop(); position !== undefined; position = open.pop()) {
    for (const dependency of dependenciesOf(plan, position)) {
      if (dependency === earlier) return true;
      if (dependency < earlier || seen.has(dependency)) continue;
      seen.add(dependency);
      open.push(dependency);
    }
  }
  return false;
}
