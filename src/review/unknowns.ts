import type { SealedStep } from "../model/step.js";
import { printTree } from "../expression/print.js";
import { referencesOf } from "../expression/references.js";
import { showName } from "./show.js";

/** What can't be known of a step before the run, one sentence each. */
export function unknownsOf(step: SealedStep): readonly string[] {
  const id = showName(step.id);
  return [
    ...conditionOf(step, id),
    ...lateValuesOf(step, id),
    ...step.lateWrites.map((late) => `${id} writes an entity of kind ${showName(late.kind)} whose id is learnt while running`),
    ...(step.mode === "durable" ? [`${id} waits for a signal after it has dispatched`] : []),
    ...(step.mode === "human_gate" ? [`${id} waits for the decision of a person`] : []),
    ...(step.recovery === "manual" && step.transactional !== true
      ? [`${id} needs a person if it is not known whether it happened`]
      : []),
  ];
}

function conditionOf({ when }: SealedStep, id: string): readonly string[] {
  if (when === undefined) return [];
  return [when === false ? `${id} never runs: its condition is false` : `${id} runs only if ${printTree(when)}`];
}

function lateValuesOf({ args }: SealedStep, id: string): readonly string[] {
  const late = [...new Set(referencesOf(args).map(printTree))];
  return late.length === 0 ? [] : [`${id} gets values that are known only while running: ${late.join(", ")}`];
}
