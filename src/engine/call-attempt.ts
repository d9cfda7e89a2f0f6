import type { ChildRest } from "./step-context.js";
import type { ChildRuns } from "./child-runs.js";
import type { CallEnd } from "./call-handler.js";
import type { Deadlines } from "./deadlines.js";
import type { EngineParts } from "./parts.js";
import type { EntityLock } from "../history/lock-requests.js";
import type { Failure } from "../model/failure.js";
import type { HandlerEntry } from "../model/handler-entry.js";
import type { Outcome } from "./step-outcome.js";
import type { RunLocks } from "./run-locks.js";
import type { RunRecord } from "./run-record.js";
import type { RunState, StepRecord } from "../history/run-state.js";
import type { StagedContext } from "./staged-context.js";
import type { StepContext } from "../model/step-context.js";
import type { StopSwitch } from "./stop-switch.js";
import type { StoreTransaction } from "../stores/transactions.js";
import { LazySignal } from "./lazy-signal.js";
import { callHandler } from "./call-handler.js";
import { cleanText } from "./keep-secret.js";
import { failedAttempt } from "./retry.js";
import { openContext } from "./step-context.js";

/** One attempt of a step that has been entered. */
export interface Attempt {
  readonly record: StepRecord;
  readonly number: number;
  readonly entry: HandlerEntry;
  readonly args: unknown;
  readonly lateLocks: readonly EntityLock[];
  readonly staged: StagedContext;
  readonly onLate: () => void;
  readonly onSettled: () => void;
}

/** Where attempts are made. */
export interface Scene {
  readonly parts: EngineParts;
  readonly state: RunState;
  readonly locks: RunLocks;
  readonly stop: StopSwitch;
  readonly deadlines: Deadlines;
  readonly record: RunRecord;
  /** The same record for handlers that work in a transaction: it never commits by itself. */
  readonly quietRecord: () => RunRecord;
  /**
   * Does work in a transaction; see `RunWriter.transact`. `record` takes an outcome into the history and commits it as part of the transaction.
   */
  readonly transact: (
    work: (tx: StoreTransaction, record: (outcome: Outcome) => Promise<void>) => Promise<void>,
  ) => Promise<void>;
  readonly children: ChildRuns;
}

type Handler = (args: unknown, context: StepContext) => Promise<unknown>;

/** How a handler is called. */
export interface CallOf {
  readonly handler: Handler;
  readonly what: "handler" | "reconcile";
  /** Default: the step's own. */
  readonly timeoutMs?: number;
  /** The transaction that it works in. */
  readonly transaction?: StoreTransaction;
}

/** How a call ended, and what it said on the way. */
export interface Called {
  readonly end: CallEnd;
  /** Entities that it declared to write, sorted: `kind:id`. */
  readonly declared: readonly string[];
  /** The child that the attempt waits for. */
  readonly rests: ChildRest | undefined;
}

/** Calls a handler of an attempt once, with a context that is closed when the call has ended; never rejects because of what the handler does. */
export function callAttempt(scene: Scene, attempt: Attempt, { handler, what, timeoutMs, transaction }: CallOf): Promise<Called> {
  const { record, number, onLate, onSettled } = attempt;
  const signal = new LazySignal();
  const { scope, runId, plan } = scene.state;
  const { context, close, declared, rests } = openContext(scene.parts, {
    scope,
    runId,
    keyRunId: plan.keyRuns.get(record.step.id) ?? runId,
    step: record.step,
    attempt: number,
    signal,
    late: attempt.lateLocks,
    staged: attempt.staged,
    // in a transaction everything waits for its commit
    record: transaction === undefined ? scene.record : scene.quietRecord(),
    children: scene.children,
    ...(transaction !== undefined && { transaction }),
  });
  const options = {
    timeoutMs: timeoutMs ?? record.step.timeoutMs,
    signal,
    stop: scene.stop,
    deadlines: scene.deadlines,
    clean: (text: string) => cleanText(text, scene.record.known),
    onEnd: (end: CallEnd): Called => {
      close();
      return { end, declared: declared(), rests: rests() };
    },
    onLate,
    onSettled,
  };
  const run = watched(scene.parts, what, () => handler(attempt.args, context));
  return callHandler(scene.parts.env, run, options);
}

/** A call with the fault points around it, where they are armed. */
function watched(parts: EngineParts, what: "handler" | "reconcile", call: () => Promise<unknown>): () => Promise<unknown> {
  const { faultPoint } = parts;
  if (faultPoint === undefined) return call;
  return async () => {
    faultPoint(`${what}.before`);
    try {
      return await call();
    } finally {
      faultPoint(`${what}.after`);
    }
  };
}

/** What a failed attempt had written into the context is kept for people to look at; it counts for nothing (D-060). */
export function withSnapshot(attempt: Attempt, outcome: Outcome | undefined): Outcome | undefined {
  const snapshot = outcome === undefined ? undefined : attempt.staged.delta("failure_snapshot");
  if (outcome === undefined || snapshot === undefined) return outcome;
  return { events: [...snapshot.events, ...outcome.events], artifacts: [...snapshot.artifacts, ...outcome.artifacts] };
}

/** An attempt that failed: tried again, or not, as the sealed policy says. */
export function failureOutcome(scene: Scene, attempt: Attempt, failure: Failure): Outcome {
  return { events: failedAttempt(attempt.record, failure, momentOf(scene)), artifacts: [] };
}

/** What the time of the next try is made from. */
export function momentOf({ parts, state }: Scene): {
  readonly now: number;
  readonly random: number;
  readonly deadlineAt: number | null;
} {
  return { now: parts.env.now(), random: parts.env.random(), deadlineAt: state.deadlineAt };
}
