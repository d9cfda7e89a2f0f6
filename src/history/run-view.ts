import type { ParkReason, RunResult, RunView, StepState } from "../model/run.js";
import type { RunState, StepRecord } from "./run-state.js";
import { present } from "../errors/invariant.js";

/**
 * A run as people and programs see it: a frozen copy of what the fold knows, without loss.
 *
 * Cost: linear in the steps.
 */
export function runViewOf(state: RunState): RunView {
  const { scope, runId, status, reason, isVoid, waitingFor, failure, seq, hash, epoch, labels, queue } = state;
  return Object.freeze({
    scope,
    runId,
    runbookId: state.plan.runbookId,
    status,
    reason,
    isVoid,
    steps: Object.freeze(state.steps.map(stepStateOf)),
    counts: Object.freeze({ total: state.steps.length, ...state.counts }),
    waitingFor,
    failure,
    output: state.output ?? null,
    seq,
    hash,
    epoch,
    labels,
    queue,
    submittedAt: state.submittedAt,
    startedAt: state.startedAt,
    endedAt: state.endedAt,
  });
}

/**
 * How a run ended or where it rests; `undefined` while it is queued or running.
 *
 * The output of a run that keeps it as an artifact is `null` here: read the artifact.
 */
export function runResultOf(view: RunView): RunResult | undefined {
  const { runId } = view;
  switch (view.status) {
    case "queued":
    case "running":
      return undefined;
    case "completed":
      return { status: "completed", runId, output: view.output };
    case "failed":
      return failedResult(view);
    case "canceled":
      return { status: "canceled", runId, reason: present(view.reason, "a canceled run says why") };
    case "parked": {
      const { stepId, key, until } = view.waitingFor ?? { stepId: null, key: null, until: null };
      return { status: "parked", runId, reason: view.reason as ParkReason, stepId, key, until };
    }
  }
}

function failedResult(view: RunView): RunResult {
  const { stepId, ...failure } = present(view.failure, "a failed run has a failure");
  return { status: "failed", runId: view.runId, code: failure.code, message: failure.message, stepId, failure };
}

function stepStateOf(record: StepRecord): StepState {
  const { status, attempt, retryAt, result, resultRef, failure, skipReason, wait } = record;
  return Object.freeze({
    stepId: record.step.id,
    status,
    attempt,
    retryAt,
    wait,
    ...(result !== undefined && { result }),
    ...(resultRef !== undefined && { resultRef }),
    ...(failure !== undefined && { failure }),
    ...(skipReason !== undefined && { skipReason }),
  });
}
