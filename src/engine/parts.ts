import type { Env } from "./env.js";
import type { EventDraft } from "../model/event.js";
import type { EventProfile } from "../model/event-profile.js";
import type { FactBook } from "../io/fact-book.js";
import type { FaultPoint } from "./fault-point.js";
import type { HandlerEntry } from "../model/handler-entry.js";
import type { IoAttempt } from "../io/live-io.js";
import type { IoProvider } from "../io/provider.js";
import type { Router } from "../io/router.js";
import type { Outcome } from "./step-outcome.js";
import type { SecretBroker } from "../io/secret-broker.js";
import type { RunId, Scope, StepId } from "../model/ids.js";
import type { Runbook } from "../model/runbook.js";
import type { StepRecord } from "../history/run-state.js";
import type { Stores } from "../stores/stores.js";
import type { VerbRef } from "../model/verb.js";

/** Bounds and terms of running; all times in milliseconds. */
export interface EngineOptions {
  /** Term of a lease; renewed every third of it. */
  readonly leaseMs: number;
  /** Time in which all locks of a run must be had. */
  readonly lockDeadlineMs: number;
  /** Entities that one run may lock; ten times as many where the store stripes (decision 3.20). */
  readonly locksMax: number;
  /** A retry that is due later than this parks the run, if there is nothing else to do. */
  readonly retryInProcessMs: number;
  /** How long handlers in flight may take to notice that their run was canceled. */
  readonly cancelGraceMs: number;
  /** Events that may wait for a commit; a writing step does not let them wait. */
  readonly pendingEventsMax: number;
  /** Bytes of payload that may wait for a commit. */
  readonly pendingBytesMax: number;
  /** Longest time that a finished pure step may wait for its commit while another step runs. */
  readonly flushMs: number;
  /** Runs without locks although the runbook touches entities: for tests only. */
  readonly isUnlocked: boolean;
}

/** What the engine uses unless it is told otherwise. */
const ENGINE_DEFAULTS: EngineOptions = {
  leaseMs: 10_000,
  lockDeadlineMs: 30_000,
  locksMax: 1_000,
  retryInProcessMs: 1_000,
  cancelGraceMs: 1_000,
  pendingEventsMax: 256,
  pendingBytesMax: 262_144,
  flushMs: 100,
  isUnlocked: false,
};

/** A line that a handler wrote, after redaction. */
export interface StepLine {
  readonly runId: RunId;
  readonly stepId: StepId;
  readonly message: string;
  readonly fields: { readonly [name: string]: unknown };
}

/**
 * What came of an attempt, told from a record.
 *
 * @param ended - aborted when the run stops: then the answer is `undefined`
 * @param onLate - to be called when the handler had timed out and ended after all
 */
export type Recall = (ended: AbortSignal, onLate: () => void) => Promise<Outcome | undefined>;

/** Everything the engine works with besides the run itself. */
export interface EngineParts {
  readonly stores: Stores;
  readonly env: Env;
  /** The verb that a step names; `undefined` when this process does not have it. */
  readonly handlers: (ref: VerbRef) => HandlerEntry | undefined;
  /** Takes `ctx.log` lines; what it throws is dropped. */
  readonly log?: (line: StepLine) => void;
  readonly options?: Partial<EngineOptions>;
  /** The transports that `ctx.io` reaches; absent: none. */
  readonly router?: Router;
  /** The world of one attempt; absent: the live one. Replay brings one that answers from the record. */
  readonly openIo?: (at: IoAttempt, facts: FactBook) => IoProvider;
  /** Hands out the host's secrets and knows what it handed out; absent: there are none. */
  readonly secrets?: SecretBroker;
  /** Refuses a child that this process can't carry out; throws what admission throws. */
  readonly admitChild?: (scope: Scope, runbook: Runbook) => Promise<void>;
  /** The run whose locks a child shares; absent: the run itself. */
  readonly rootRunId?: RunId;
  /** How deep in children the run is; absent: it is none. */
  readonly depth?: number;
  /** Answers an attempt, or the question whether it took effect, without a handler; `undefined` or absent: the handler is called. */
  readonly recall?: (record: StepRecord, question: "run" | "reconcile") => Recall | undefined;
  /** Takes what handlers say of themselves, in the place of the log. */
  readonly overhear?: (events: readonly EventDraft[]) => void;
  /** Which events of handlers are recorded besides facts: all (default), or none (D-065). */
  readonly eventProfile?: EventProfile;
  /** Called at every fault point; absent except in tests that let a process die there. */
  readonly faultPoint?: (point: FaultPoint) => void;
}

/** The options in force. */
export function optionsOf(parts: EngineParts): EngineOptions {
  return { ...ENGINE_DEFAULTS, ...parts.options };
}
