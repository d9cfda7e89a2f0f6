import type { ChildEnd } from "../model/child-end.js";
import type { Digest, RunId, RunbookId, Scope, StepId } from "../model/ids.js";
import type { ContextEntry, ContextLayer } from "./context-view.js";
import type { Failure } from "../model/failure.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import type { ParkReason, RunStatus, StepStatus } from "../model/run.js";
import type { RunPlan } from "./run-plan.js";
import type { SealedStep } from "../model/step.js";
import { Heap } from "./heap.js";
import { genesisHash } from "./chain.js";
import { present } from "../errors/invariant.js";
import { runStream } from "../model/ids.js";

/** What a person decided about a step. */
export interface Verdict {
  readonly verdict: string;
  readonly subject: string;
  readonly payload?: JsonValue;
}

/** What a parked step waits for. */
export interface Wait {
  readonly key: string;
  readonly until: number | null;
  readonly reason: ParkReason;
  /** The result when `until` passes; absent: the step fails. */
  readonly otherwise?: JsonValue;
}

/** An outside input of a run: its payload, or the artifact that holds it. */
export interface RunFact {
  readonly payload?: JsonValue;
  readonly payloadRef?: Digest;
  /** The event that recorded it. */
  readonly seq: number;
}

/** A run that a step of this one started. */
export interface RunChild {
  readonly runId: RunId;
  readonly runbookId: RunbookId;
  readonly stepId: StepId;
  /** Absent: it has not ended, as far as this run knows. */
  readonly end?: ChildEnd;
  /** The artifact that is the output, where that is large: then `end` has none. */
  readonly outputRef?: Digest;
}

/** One step of a run in the hands of the fold. */
export interface StepRecord {
  readonly position: number;
  readonly step: SealedStep;
  status: StepStatus;
  /** Attempts entered so far. */
  attempt: number;
  /** Attempts that failed by themselves: what `retry.attemptsMax` bounds. */
  failures: number;
  /** Attempts that a crash cut off: bounded apart, so that a step that kills its process is given up. */
  orphans: number;
  /** Dependencies that have not ended. */
  remaining: number;
  /** A dependency that failed, or was skipped because one of its own did. */
  failedDependency: StepId | null;
  /** Dependencies that were skipped for another reason. */
  skippedDependencies: StepId[];
  result: JsonValue | undefined;
  resultRef: Digest | undefined;
  failure: Failure | undefined;
  skipReason: string | undefined;
  retryAt: number | null;
  wait: Wait | null;
  /** What its attempt wrote into the context; counts once the step has completed. */
  written: ContextLayer | undefined;
  /** A human gate that was approved and whose handler is to be called. */
  isApproved: boolean;
  /** What a person decided about the doubt that the step is in. */
  settlement: Verdict | null;
}

/** A moment at which a step is due. */
export interface Due {
  readonly at: number;
  readonly position: number;
}

/**
 * A run as its log tells it, with the structures that let the next thing to do be found without a scan.
 *
 * Owned and advanced by {@link fold}: one state, one owner. Everything that reads it takes it for read-only.
 */
export interface RunState {
  readonly plan: RunPlan;
  readonly scope: Scope;
  readonly runId: RunId;
  seq: number;
  hash: Digest;
  epoch: number;
  status: RunStatus;
  reason: string | null;
  isVoid: boolean;
  failure: (Failure & { readonly stepId: StepId | null }) | null;
  output: JsonValue | undefined;
  outputRef: Digest | undefined;
  waitingFor: { readonly stepId: StepId | null; readonly key: string | null; readonly until: number | null } | null;
  labels: JsonObject;
  queue: string;
  concurrency: number | null;
  submittedAt: number;
  startedAt: number | null;
  endedAt: number | null;
  deadlineAt: number | null;
  /** The artifact that `run.started` names; `null` before it. */
  manifestId: Digest | null;
  /** Nonces of the approvals that started the run. */
  approvals: readonly string[];
  /** Whether any step was entered: until then the end of the run makes it void. */
  wasEntered: boolean;
  /** Paused, and not resumed by request since. */
  isPaused: boolean;
  /** The write-set is locked by the present holder of the run. */
  isLocked: boolean;
  isLockLost: boolean;
  readonly steps: readonly StepRecord[];
  readonly counts: { completed: number; failed: number; skipped: number };
  /** Positions that may start, in plan order; the top counts. */
  readonly ready: Heap<number>;
  /** Failed attempts whose next try has a time; the top counts. */
  readonly retries: Heap<Due>;
  /** Ends of waits; the top counts. */
  readonly limits: Heap<Due>;
  /** Entered under the present epoch and not closed. */
  readonly inFlight: Set<number>;
  /** Entered under an earlier epoch and not closed. */
  readonly orphans: Set<number>;
  readonly parked: Set<number>;
  readonly inDoubt: Set<number>;
  /** Parked steps whose signal or decision is there, and steps in doubt whose decision is. */
  readonly answered: Set<number>;
  /** Key -> positions of the steps parked on it. */
  readonly waitKeys: Map<string, Set<number>>;
  readonly signals: Map<string, JsonValue>;
  readonly decisions: Map<StepId, Verdict>;
  /** Facts by key; the first binding wins (D-084). */
  readonly facts: Map<string, RunFact>;
  /** Children by key. */
  readonly children: Map<string, RunChild>;
  /** What completed steps wrote into the context, the last in plan order counting. */
  readonly context: Map<string, ContextEntry>;
  /** Completed steps that wrote context. */
  contextWrites: number;
  /** Whether anything in it is an artifact. */
  hasContextRefs: boolean;
  /** Size of what was written into the context since the last snapshot, and of that snapshot; UTF-16 units and bytes. */
  contextSize: { sinceSnapshot: number; snapshot: number };
  /** The newest snapshot of the context. */
  snapshotRef: Digest | null;
  /** Position of the first step in plan order that failed for good. */
  firstFailed: number | null;
}

/**
 * The state of a run before its first event.
 *
 * Cost: linear in the steps.
 */
export function beginState(plan: RunPlan, scope: Scope, runId: RunId): RunState {
  const ready = new Heap<number>((a, b) => a < b);
  const steps = plan.steps.map((step, position) => beginStep(step, position));
  for (const record of steps) if (record.remaining === 0) ready.push(record.position);
  return {
    plan,
    scope,
    runId,
    seq: 0,
    hash: genesisHash(scope, runStream(runId)),
    epoch: 0,
    status: "queued",
    reason: null,
    isVoid: false,
    failure: null,
    output: undefined,
    outputRef: undefined,
    waitingFor: null,
    labels: {},
    queue: "",
    concurrency: null,
    submittedAt: 0,
    startedAt: null,
    endedAt: null,
    deadlineAt: null,
    manifestId: null,
    approvals: [],
    wasEntered: false,
    isPaused: false,
    isLocked: false,
    isLockLost: false,
    steps,
    counts: { completed: 0, failed: 0, skipped: 0 },
    ready,
    retries: new Heap<Due>(isSooner),
    limits: new Heap<Due>(isSooner),
    inFlight: new Set(),
    orphans: new Set(),
    parked: new Set(),
    inDoubt: new Set(),
    answered: new Set(),
    waitKeys: new Map(),
    signals: new Map(),
    decisions: new Map(),
    facts: new Map(),
    children: new Map(),
    context: new Map(),
    contextWrites: 0,
    hasContextRefs: false,
    contextSize: { sinceSnapshot: 0, snapshot: 0 },
    snapshotRef: null,
    firstFailed: null,
  };
}

/** The record at a position that the state itself named. */
export function recordAt(state: RunState, position: number): StepRecord {
  return present(state.steps[position], "positions in a run state are those of its steps");
}

/** The record of a step; `undefined` when the runbook has no such step. */
export function recordOf(state: RunState, stepId: StepId): StepRecord | undefined {
  const position = state.plan.positions.get(stepId);
  return position === undefined ? undefined : state.steps[position];
}

function beginStep(step: SealedStep, position: number): StepRecord {
  return {
    position,
    step,
    status: "pending",
    attempt: 0,
    failures: 0,
    orphans: 0,
    remaining: step.dependsOn.length,
    failedDependency: null,
    skippedDependencies: [],
    result: undefined,
    resultRef: undefined,
    failure: undefined,
    skipReason: undefined,
    retryAt: null,
    wait: null,
    written: undefined,
    isApproved: false,
    settlement: null,
  };
}

function isSooner(a: Due, b: Due): boolean {
  return a.at === b.at ? a.position < b.position : a.at < b.at;
}
