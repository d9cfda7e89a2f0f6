import type { ChildEnd } from "../model/child-end.js";
import type { EventDraft } from "../model/event.js";
import type { RunId, StepId } from "../model/ids.js";
import type { RunResult } from "../model/run.js";
import { artifactOf, isSmall } from "./step-outcome.js";
import { invariant } from "../errors/invariant.js";

/** The key under which a step waits for a child. */
export function childKey(runId: RunId): string {
  return `child:${runId}`;
}

/** The end of a child, from what its run came to. */
export function endOf(result: RunResult | undefined, runId: RunId): ChildEnd {
  switch (result?.status) {
    case "completed":
      return { status: "completed", runId, output: result.output };
    case "failed":
      return { status: "failed", runId, code: result.code, message: result.message };
    case "canceled":
      return { status: "canceled", runId, reason: result.reason };
    default:
      invariant(false, "a child that is said to have ended has ended");
  }
}

/** The event in the parent that says how a child ended. A large output is the artifact that the child's own end names. */
export function childEnded(stepId: StepId, end: ChildEnd): EventDraft {
  const { runId, status } = end;
  const head = { stepId, runId, status };
  switch (end.status) {
    case "completed": {
      const output = isSmall(end.output) ? { output: end.output } : { outputRef: artifactOf("output", end.output).id };
      return { kind: "child.completed", payload: { ...head, ...output } };
    }
    case "failed":
      return { kind: "child.completed", payload: { ...head, code: end.code, message: end.message } };
    case "canceled":
      return { kind: "child.completed", payload: { ...head, message: end.reason } };
  }
}
