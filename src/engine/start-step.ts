import type { EngineParts } from "./parts.js";
import type { EntityLock } from "../history/lock-requests.js";
import type { EventDraft } from "../model/event.js";
import type { Failure } from "../model/failure.js";
import type { HandlerEntry } from "../model/handler-entry.js";
import type { JsonValue } from "../json/value.js";
import type { Outcome } from "./step-outcome.js";
import type { Prepared } from "./prepare-step.js";
import type { ResultReader } from "./result-reader.js";
import type { RunContext } from "./run-context.js";
import type { RunState, StepRecord } from "../history/run-state.js";
import type { StagedContext } from "./staged-context.js";
import type { WriteConflict } from "../history/context-board.js";
import { boundedMessage } from "./failure-of.js";
import { failed, isSmall } from "./step-outcome.js";
import { handlerMissing, messageResult } from "./answer-step.js";
import { prepareStep } from "./prepare-step.js";
import { signalKeyOf } from "./step-keys.js";
import { type Soon, soon } from "./soon.js";

/** A call of a handler that is due once the entry of its step is durable. */
export interface Call {
  readonly record: StepRecord;
  readonly number: number;
  readonly entry: HandlerEntry;
  readonly args: unknown;
  readonly lateLocks: readonly EntityLock[];
  readonly staged: StagedContext;
}

/** What starting a step comes to: events, and the call that follows them, if one does. */
export interface Started extends Outcome {
  readonly call?: Call;
}

/**
 * Starts a step: its condition, its arguments, its gate. Everything that a handler must not be called for ends here.
 *
 * @throws {@link RunsealError} `store.corrupt` when a result that is an artifact is not there
 */
export function startStep(
  parts: EngineParts,
  state: RunState,
  results: ResultReader,
  context: RunContext,
  record: StepRecord,
): Soon<Started> {
  const { step } = record;
  const entry = parts.handlers(step.verb);
  if (entry === undefined) return refusedAt(record, handlerMissing(step.verb));
  return soon(prepareStep(step, entry, results, state.scope), (prepared) =>
    startPrepared(parts, state, context, record, entry, prepared),
  );
}

function startPrepared(
  parts: EngineParts,
  state: RunState,
  context: RunContext,
  record: StepRecord,
  entry: HandlerEntry,
  prepared: Prepared,
): Soon<Started> {
  const { step } = record;
  switch (prepared.kind) {
    case "skip":
      return { events: [{ kind: "step.skipped", payload: { stepId: step.id, reason: prepared.reason } }], artifacts: [] };
    case "invalid":
      return refusedAt(record, argsInvalid(prepared.issues));
    case "undeclared": {
      const { kind, id } = prepared.entity;
      const message = boundedMessage(`the arguments write ${kind} "${id}", which the sealed write-set does not name`);
      return refusedAt(record, { code: "write.undeclared", category: "policy", retryable: false, message });
    }
    case "ready":
      return soon(context.stage(record.position), (staged) =>
        "conflict" in staged
          ? refusedAt(record, writeConflict(staged.conflict))
          : enterStep(parts, state, record, entry, prepared, staged),
      );
  }
}

function enterStep(
  parts: EngineParts,
  state: RunState,
  record: StepRecord,
  entry: HandlerEntry,
  prepared: Extract<Prepared, { kind: "ready" }>,
  staged: StagedContext,
): Started {
  const { step } = record;
  if (step.mode === "human_gate" && !record.isApproved) return { events: gateParked(state, record), artifacts: [] };
  const number = record.attempt + 1;
  const entered = stepEntered(record, prepared.lateArgs);
  if (entry.run !== undefined) {
    const { args, lateLocks } = prepared;
    return { events: [entered], artifacts: [], call: { record, number, entry, args, lateLocks, staged } };
  }
  if (step.mode !== "human_gate") return refusedAt(record, handlerMissing(step.verb));
  const decision = state.decisions.get(step.id);
  const { events, artifacts } = messageResult(parts, record, number, decision?.payload ?? null, "decision");
  return { events: [entered, ...events], artifacts };
}

/** A gate waits before it is entered: a run that is rejected there has done nothing. */
function gateParked(state: RunState, record: StepRecord): readonly EventDraft[] {
  const stepId = record.step.id;
  const key = signalKeyOf(state.runId, stepId);
  return [
    { kind: "step.parked", payload: { stepId, attempt: record.attempt, reason: "human_gate", key, until: null } },
    { kind: "wait.opened", payload: { stepId, key, until: null } },
  ];
}

/** Entered and failed at once: the handler is not called, and trying again would not help. */
function refusedAt(record: StepRecord, failure: Failure): Started {
  return { events: [stepEntered(record, undefined), failed(record.step, record.attempt + 1, failure, true)], artifacts: [] };
}

/** Late arguments stand in the event as far as they are small; large ones can be computed again from the results. */
function stepEntered(record: StepRecord, lateArgs: JsonValue | undefined): EventDraft {
  const isShown = lateArgs !== undefined && isSmall(lateArgs);
  return {
    kind: "step.entered",
    payload: { stepId: record.step.id, attempt: record.attempt + 1, ...(isShown && { args: lateArgs }) },
  };
}

/** Steps that the plan leaves unordered wrote one key: whoever sees both can't tell which counts (decision 3.16). */
export function writeConflict({ key, steps }: WriteConflict): Failure {
  const message = `the steps "${steps[0]}" and "${steps[1]}" both wrote the context key "${key}" and the plan does not order them`;
  return { code: "context.write_conflict", category: "context", retryable: false, message };
}

function argsInvalid(issues: readonly string[]): Failure {
  return { code: "step.args_invalid", category: "input", retryable: false, message: boundedMessage(issues.join("; ")) };
}
