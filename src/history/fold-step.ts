import type { AnyEvent, EventPayload } from "../model/event.js";
import type { Failure } from "../model/failure.js";
import type { ParkReason } from "../model/run.js";
import type { RunState, StepRecord, Verdict } from "./run-state.js";
import type { SealedStep } from "../model/step.js";
import type { StepId } from "../model/ids.js";
import { RunsealError } from "../errors/error.js";
import { countContext, keepDelta } from "./fold-input.js";
import { present } from "../errors/invariant.js";
import { recordAt, recordOf } from "./run-state.js";
import { referencesOf } from "../expression/references.js";
import { runStream } from "../model/ids.js";

/** The failure that closes an attempt which a crash cut off (D-075). */
export const ORPHAN_RECOVERED = "orphan_attempt_recovered";

/** The failure that closes an attempt of which somebody said that its effect had not happened. */
export const DOUBT_NOT_DONE = "doubt.not_done";

/** The part of {@link fold} that is about steps, waits and messages. */
export function applyToStep(state: RunState, event: AnyEvent): void {
  switch (event.kind) {
    case "step.entered": {
      enter(state, recordFor(state, event.payload.stepId, event.seq), event.payload.attempt);
      return;
    }
    case "step.completed": {
      complete(state, recordFor(state, event.payload.stepId, event.seq), event.payload);
      return;
    }
    case "step.failed": {
      fail(state, recordFor(state, event.payload.stepId, event.seq), event.payload);
      return;
    }
    case "step.skipped": {
      skip(state, recordFor(state, event.payload.stepId, event.seq), event.payload.reason);
      return;
    }
    case "step.retry_scheduled": {
      scheduleRetry(state, recordFor(state, event.payload.stepId, event.seq), event.payload.at);
      return;
    }
    case "step.parked": {
      park(state, recordFor(state, event.payload.stepId, event.seq), event.payload);
      return;
    }
    case "step.fenced": {
      fence(state, recordFor(state, event.payload.stepId, event.seq), event.payload);
      return;
    }
    case "step.in_doubt": {
      doubt(state, recordFor(state, event.payload.stepId, event.seq), event.payload);
      return;
    }
    case "wait.answered": {
      answer(state, recordFor(state, event.payload.stepId, event.seq));
      return;
    }
    case "signal.received": {
      receive(state, event.payload);
      return;
    }
    case "decision.made": {
      decideStep(state, recordFor(state, event.payload.stepId, event.seq), event.payload);
      return;
    }
    default:
  }
}

function recordFor(state: RunState, stepId: StepId, seq: number): StepRecord {
  const record = recordOf(state, stepId);
  if (record !== undefined) return record;
  const message = `event ${seq} of run "${state.runId}" names the step "${stepId}", which its runbook does not have`;
  throw new RunsealError("store.corrupt", message, { what: "event", id: runStream(state.runId), seq });
}

function enter(state: RunState, record: StepRecord, attempt: number): void {
  leave(state, record);
  record.status = "entered";
  record.attempt = attempt;
  record.written = undefined;
  state.inFlight.add(record.position);
  state.wasEntered = true;
}

function complete(state: RunState, record: StepRecord, payload: EventPayload<"step.completed">): void {
  leave(state, record);
  record.status = "completed";
  record.result = payload.result;
  record.resultRef = payload.resultRef;
  record.failure = undefined;
  keepDelta(state, record, payload.delta);
  countContext(state, record);
  state.counts.completed += 1;
  release(state, record);
}

function fail(state: RunState, record: StepRecord, payload: EventPayload<"step.failed">): void {
  const { code, message, retryable } = payload;
  leave(state, record);
  record.failure = { code, category: payload.category as Failure["category"], retryable, message };
  if (code === ORPHAN_RECOVERED) record.orphans += 1;
  else if (code !== DOUBT_NOT_DONE) record.failures += 1;
  if (!payload.final) {
    makeReady(state, record);
    return;
  }
  record.status = "failed";
  state.counts.failed += 1;
  state.firstFailed = Math.min(state.firstFailed ?? record.position, record.position);
  for (const dependant of dependantsOf(state, record)) dependant.failedDependency ??= record.step.id;
  release(state, record);
}

/** Back among the steps that may start: at once, unless a time for the next try follows. */
function makeReady(state: RunState, record: StepRecord): void {
  record.status = "pending";
  state.ready.push(record.position);
}

function skip(state: RunState, record: StepRecord, reason: string): void {
  leave(state, record);
  record.status = "skipped";
  record.skipReason = reason;
  state.counts.skipped += 1;
  // nothing starts any more in a run that stops
  if (reason === "stopped") return;
  for (const dependant of dependantsOf(state, record)) {
    if (reason === "dependency_failed") dependant.failedDependency ??= record.step.id;
    else if (needsResultOf(dependant.step, record.step.id)) dependant.skippedDependencies.push(record.step.id);
  }
  release(state, record);
}

function scheduleRetry(state: RunState, record: StepRecord, at: number): void {
  record.retryAt = at;
  state.retries.push({ at, position: record.position });
}

function park(state: RunState, record: StepRecord, payload: EventPayload<"step.parked">): void {
  const { key, until, otherwise } = payload;
  const { position } = record;
  leave(state, record);
  record.status = "parked";
  record.attempt = payload.attempt;
  record.wait = { key, until, reason: payload.reason as ParkReason, ...(otherwise !== undefined && { otherwise }) };
  keepDelta(state, record, payload.delta);
  state.parked.add(position);
  if (until !== null) state.limits.push({ at: until, position });
  const waiting = state.waitKeys.get(key);
  if (waiting === undefined) state.waitKeys.set(key, new Set([position]));
  else waiting.add(position);
  if (state.decisions.has(record.step.id) || (isSignaled(record) && state.signals.has(key))) state.answered.add(position);
}

function fence(state: RunState, record: StepRecord, payload: EventPayload<"step.fenced">): void {
  const isOpen = record.status === "entered" || record.status === "parked";
  if (!isOpen || record.attempt !== payload.attempt) return;
  leave(state, record);
  record.status = "failed";
  record.failure = { code: "step.fenced", category: "canceled", retryable: false, message: payload.reason };
  state.counts.failed += 1;
}

function doubt(state: RunState, record: StepRecord, payload: EventPayload<"step.in_doubt">): void {
  leave(state, record);
  record.status = "in_doubt";
  record.failure = { code: "step.in_doubt", category: "unknown", retryable: false, message: payload.reason };
  state.inDoubt.add(record.position);
}

/** An approved gate goes on to its handler; a durable step ends with the completion that follows. */
function answer(state: RunState, record: StepRecord): void {
  if (record.status !== "parked") return;
  if (record.wait?.reason === "awaiting_child") {
    leave(state, record);
    makeReady(state, record);
    return;
  }
  if (record.wait?.reason !== "human_gate") return;
  if (state.decisions.get(record.step.id)?.verdict !== "approve") return;
  leave(state, record);
  record.isApproved = true;
  makeReady(state, record);
}

function receive(state: RunState, payload: EventPayload<"signal.received">): void {
  if (state.signals.has(payload.key)) return;
  state.signals.set(payload.key, payload.payload);
  for (const position of state.waitKeys.get(payload.key) ?? []) {
    if (isSignaled(recordAt(state, position))) state.answered.add(position);
  }
}

function decideStep(state: RunState, record: StepRecord, made: EventPayload<"decision.made">): void {
  const { verdict, subject, payload } = made;
  const decision = payload === undefined ? { verdict, subject } : { verdict, subject, payload };
  if (made.attempt !== undefined) {
    settle(state, record, made.attempt, decision);
    return;
  }
  if (state.decisions.has(record.step.id)) return;
  state.decisions.set(record.step.id, decision);
  if (record.status === "parked") state.answered.add(record.position);
}

/** A decision that names an attempt is about the doubt over that attempt, and about no other. */
function settle(state: RunState, record: StepRecord, attempt: number, decision: Verdict): void {
  if (record.status !== "in_doubt" || record.attempt !== attempt || record.settlement !== null) return;
  record.settlement = decision;
  state.answered.add(record.position);
}

/** Whether a signal ends the wait; a gate waits for a decision only. */
function isSignaled(record: StepRecord): boolean {
  return record.wait?.reason === "awaiting_signal";
}

/** Takes a step out of every set that its former status put it into. */
function leave(state: RunState, record: StepRecord): void {
  const { position } = record;
  if (record.wait !== null) {
    const waiting = state.waitKeys.get(record.wait.key);
    waiting?.delete(position);
    if (waiting?.size === 0) state.waitKeys.delete(record.wait.key);
    state.parked.delete(position);
    record.wait = null;
  }
  state.answered.delete(position);
  record.settlement = null;
  state.inFlight.delete(position);
  state.orphans.delete(position);
  state.inDoubt.delete(position);
  record.retryAt = null;
}

function release(state: RunState, record: StepRecord): void {
  for (const dependant of dependantsOf(state, record)) {
    dependant.remaining -= 1;
    if (dependant.remaining === 0) state.ready.push(dependant.position);
  }
}

function dependantsOf(state: RunState, record: StepRecord): readonly StepRecord[] {
  const positions = present(state.plan.dependants[record.position], "a plan knows the dependants of each of its steps");
  return positions.map((position) => recordAt(state, position));
}

/** Whether a step reads the result of `stepId` without accepting that it is not there. */
function needsResultOf(step: SealedStep, stepId: StepId): boolean {
  if (step.optional?.includes(stepId) === true) return false;
  const references = [...referencesOf(step.args), ...(step.when === undefined ? [] : referencesOf(step.when))];
  return references.some((reference) => reference.$ === "result" && reference.step === stepId);
}
