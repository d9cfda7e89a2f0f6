import type { RunId, Scope, StepId } from "../model/ids.js";
import { digestOf } from "../json/digest.js";

/** Equal over all attempts of one step of one run, and different everywhere else: 64 hex digits (decision 4.6a). */
export function idempotencyKeyOf(scope: Scope, runId: RunId, stepId: StepId): string {
  return digestOf("runseal/idempotency/1", { scope, runId, stepId });
}

/** The key under which a signal answers a parked step, unless the handler chose another: 32 hex digits. */
export function signalKeyOf(runId: RunId, stepId: StepId): string {
  return digestOf("runseal/signal/1", { runId, stepId }).slice(0, 32);
}
