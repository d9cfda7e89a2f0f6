import type { AnyEvent } from "../model/event.js";
import type { HandedOn } from "../history/handed-on.js";
import type { InstanceParts } from "./parts.js";
import type { PastStep, PastSteps } from "../model/past-step.js";
import type { Runbook } from "../model/runbook.js";
import type { RunId, StepId } from "../model/ids.js";
import type { RunState } from "../history/run-state.js";
import { RunsealError } from "../errors/error.js";
import { assertPayload } from "../engine/payload-dropped.js";
import { beginState } from "../history/run-state.js";
import { carriedDigestOf } from "../model/carried-digest.js";
import { eventOf } from "../history/read-event.js";
import { fold } from "../history/fold.js";
import { handedOn } from "../history/handed-on.js";
import { readResult } from "../engine/read-result.js";
import { readRunbook, readRunHead } from "./find-runbook.js";
import { runPlanOf } from "../history/run-plan.js";
import { runStream } from "../model/ids.js";

/** A run that a new plan is made from, as its log tells it. */
export interface PastRun {
  readonly runbook: Runbook;
  readonly state: RunState;
  readonly handed: HandedOn;
}

/**
 * Reads a run with everything that it has come to.
 *
 * @throws {@link RunsealError} `run.not_found`, `store.corrupt`, `run.payload_dropped`
 */
export async function readPastRun(parts: InstanceParts, runId: RunId): Promise<PastRun> {
  const head = await readRunHead(parts, runId);
  const runbook = await readRunbook(parts, head.run.runbookId);
  const state = beginState(runPlanOf(runbook), parts.scope, runId);
  const events: AnyEvent[] = [];
  for await (const stored of parts.stores.reader.read(parts.scope, runStream(runId))) {
    assertPayload(runId, stored);
    const event = eventOf(stored);
    fold(state, event);
    events.push(event);
  }
  return { runbook, state, handed: handedOn(events) };
}

/** Where each step of a run stands, with the results of those that completed. */
export async function pastStepsOf(parts: InstanceParts, past: PastRun): Promise<PastSteps> {
  const steps = new Map<StepId, PastStep>();
  for (const { step, status, attempt, failure } of past.state.steps) {
    const left = past.handed.completed.get(step.id);
    const isDone = status === "completed" && left !== undefined;
    const result = isDone ? (await readResult(parts, parts.scope, left)).value : null;
    const digest = isDone ? carriedDigestOf(result, left.delta) : null;
    const keyRunId = past.state.plan.keyRuns.get(step.id) ?? past.state.runId;
    steps.set(step.id, { step, status, attempt, result, digest, failureCode: failure?.code ?? null, keyRunId });
  }
  return steps;
}

/** The error for a run that can't be made a new plan of as it stands. */
export function notAtRest(runId: RunId, status: string, wanted: string): RunsealError<"run.not_at_rest"> {
  return new RunsealError("run.not_at_rest", `run "${runId}" is ${status}: ${wanted}`, { runId, status });
}
