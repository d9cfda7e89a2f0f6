import type { AnyEvent, EventPayload } from "../model/event.js";
import type { RunProblem } from "./run-problem.js";
import type { RunbookContent } from "../model/runbook.js";
import { basisStepsOf } from "../model/basis-steps.js";
import { carriedDigestOf } from "../model/carried-digest.js";

/**
 * Holds what a run took over from another one against what its runbook was sealed with: only steps that the basis names, as what it
 * names them, and with the results that were approved. Of a result that is an artifact only its presence can be told here.
 *
 * Cost: linear in events and carried results.
 */
export function carriedProblems(content: RunbookContent, events: readonly AnyEvent[]): readonly RunProblem[] {
  const taken = basisStepsOf(content);
  return events.flatMap((event) => {
    if (event.kind !== "step.completed" && event.kind !== "step.in_doubt") return [];
    const { stepId, by } = event.payload;
    if (by !== "carried") return [];
    const sealed = taken.get(stepId);
    const as = event.kind === "step.completed" ? "completed" : "in_doubt";
    const isSealed = sealed?.as === as && (event.kind !== "step.completed" || isResult(event.payload, sealed.digest));
    if (isSealed) return [];
    const message = `step "${stepId}" was taken over as ${as}, which is not what its runbook was sealed with`;
    return [{ seq: event.seq, rule: "carried_unsealed" as const, message }];
  });
}

function isResult({ result, resultRef, delta }: EventPayload<"step.completed">, digest: string | undefined): boolean {
  return resultRef !== undefined || carriedDigestOf(result ?? null, delta) === digest;
}
