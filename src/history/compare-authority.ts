import type { AnyEvent } from "../model/event.js";
import type { Divergence } from "../model/replay-report.js";
import type { RunPlan } from "./run-plan.js";
import type { StepId } from "../model/ids.js";
import { pictureOf, stepIdOf } from "./compare.js";

/**
 * Holds every event against what covers it: its epoch against the lease it was written under, each lease against the one before it,
 * and gates that were passed against the decisions that let them be.
 *
 * Cost: linear in the events.
 */
export function authorityDivergences(events: Iterable<AnyEvent>, plan: RunPlan): readonly Divergence[] {
  const found: Divergence[] = [];
  const approved = new Set<StepId>();
  let epoch = 0;
  let owner: string | null = null;
  const refuse = (event: AnyEvent, expected: string, message: string): void => {
    found.push(
      Object.freeze({ kind: "authority", seq: event.seq, stepId: stepIdOf(event), expected, found: pictureOf(event), message }),
    );
  };
  for (const event of events) {
    if (event.kind === "lease.taken") {
      const next = epoch + 1;
      if (event.payload.epoch !== next)
        refuse(event, `epoch ${next}`, `the lease at epoch ${event.payload.epoch} does not follow epoch ${epoch}`);
      epoch = event.payload.epoch;
      owner = event.payload.owner;
    }
    if (event.epoch !== epoch)
      refuse(event, `epoch ${epoch}`, `written under epoch ${event.epoch} while the lease was at ${epoch}`);
    if (event.kind === "run.started" || event.kind === "run.resumed") {
      const { epoch: told, owner: by } = event.payload;
      if (told !== epoch || by !== owner) {
        refuse(event, `epoch ${epoch} of "${String(owner)}"`, `says epoch ${told} of "${by}", which does not hold the run`);
      }
    }
    if (event.kind === "decision.made" && event.payload.verdict === "approve") approved.add(event.payload.stepId);
    if (event.kind === "step.entered" && isGate(plan, event.payload.stepId) && !approved.has(event.payload.stepId)) {
      refuse(
        event,
        `decision.made approve for "${event.payload.stepId}"`,
        "the step was entered without the approval that it waits for",
      );
    }
  }
  return found;
}

function isGate(plan: RunPlan, stepId: StepId): boolean {
  const position = plan.positions.get(stepId);
  return position !== undefined && plan.steps[position]?.mode === "human_gate";
}
