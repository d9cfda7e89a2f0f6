import type { ChildEnd } from "../model/child-end.js";
import type { EventPayload } from "../model/event.js";
import type { RunState } from "./run-state.js";
import { isRunbookId } from "../model/ids.js";
import { present } from "../errors/invariant.js";

/** The part of the fold that is about child runs. */
export function spawnChild(state: RunState, { key, runId, runbookId, stepId }: EventPayload<"child.spawned">): void {
  if (state.children.has(key)) return;
  state.children.set(key, {
    runId,
    runbookId: present(isRunbookId(runbookId) ? runbookId : null, "a child runs a runbook"),
    stepId,
  });
}

/** A child has ended; what is not among the children was spawned by nobody and changes nothing. */
export function endChild(state: RunState, payload: EventPayload<"child.completed">): void {
  for (const [key, child] of state.children) {
    if (child.runId !== payload.runId || child.end !== undefined) continue;
    const { outputRef } = payload;
    state.children.set(key, { ...child, end: endOf(payload), ...(outputRef !== undefined && { outputRef }) });
  }
}

function endOf({ runId, status, output = null, code = "run.failed", message = "" }: EventPayload<"child.completed">): ChildEnd {
  if (status === "completed") return { status, runId, output };
  return status === "canceled" ? { status, runId, reason: message } : { status: "failed", runId, code, message };
}
