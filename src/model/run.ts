import type { Digest, RunbookId, RunId, Scope, StepId, StreamName } from "./ids.js";
import type { Failure } from "./failure.js";
import type { JsonObject, JsonValue } from "../json/value.js";

/** Where a run stands; "paused", "in doubt", "lock lost" and the like are reasons (decision 3.3). */
export type RunStatus = "queued" | "running" | "parked" | "completed" | "failed" | "canceled";

/** Why a run is parked. */
export type ParkReason =
  "awaiting_signal" | "human_gate" | "awaiting_child" | "in_doubt" | "paused" | "retry" | "contract_missing";

/** Where a step stands. */
export type StepStatus = "pending" | "entered" | "completed" | "failed" | "skipped" | "parked" | "in_doubt";

/** One step of a run, as the log tells it. */
export interface StepState {
  readonly stepId: StepId;
  readonly status: StepStatus;
  /** Attempts entered so far. */
  readonly attempt: number;
  /** Present when completed; `resultRef` instead where the result is an artifact. */
  readonly result?: JsonValue;
  readonly resultRef?: Digest;
  readonly failure?: Failure;
  readonly skipReason?: string;
  /** When the next attempt is due, milliseconds since the epoch; `null` = none is scheduled. */
  readonly retryAt: number | null;
  readonly wait: { readonly key: string; readonly until: number | null; readonly reason: ParkReason } | null;
}

/** A run as its log tells it: what `status(runId)` gives. */
export interface RunView {
  readonly scope: Scope;
  readonly runId: RunId;
  readonly runbookId: RunbookId;
  readonly status: RunStatus;
  /** Reason of `parked`, code of `failed`, reason of `canceled`; `null` otherwise. */
  readonly reason: string | null;
  readonly isVoid: boolean;
  readonly steps: readonly StepState[];
  readonly counts: { readonly total: number; readonly completed: number; readonly failed: number; readonly skipped: number };
  /** Parked on: the step, its key and its time limit. */
  readonly waitingFor: { readonly stepId: StepId | null; readonly key: string | null; readonly until: number | null } | null;
  readonly failure: (Failure & { readonly stepId: StepId | null }) | null;
  readonly output: JsonValue | null;
  readonly seq: number;
  readonly hash: Digest;
  readonly epoch: number;
  readonly labels: JsonObject;
  readonly queue: string;
  readonly submittedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

/** How a run ended, or where it rests: what `handle.result()` gives. */
export type RunResult<O = JsonValue> =
  | { readonly status: "completed"; readonly runId: RunId; readonly output: O }
  | {
      readonly status: "failed";
      readonly runId: RunId;
      readonly code: string;
      readonly message: string;
      readonly stepId: StepId | null;
      readonly failure: Failure;
    }
  | { readonly status: "canceled"; readonly runId: RunId; readonly reason: string }
  | {
      readonly status: "parked";
      readonly runId: RunId;
      readonly reason: ParkReason;
      readonly stepId: StepId | null;
      readonly key: string | null;
      readonly until: number | null;
    };

/**
 * The head of a stream: the mutable projection beside the log, rebuilt from it at any time (decision 4.4).
 *
 * Streams that are not runs leave `run` null.
 */
export interface StreamHead {
  readonly scope: Scope;
  readonly stream: StreamName;
  readonly seq: number;
  readonly hash: Digest;
  readonly epoch: number;
  /** Who holds the lease; `null` = nobody. */
  readonly owner: string | null;
  /** By the store's clock, milliseconds since the epoch; `null` without an owner. */
  readonly leaseUntil: number | null;
  readonly run: RunHead | null;
}

/** What a run's head says of the run. */
export interface RunHead {
  readonly runId: RunId;
  readonly runbookId: RunbookId;
  readonly status: RunStatus;
  readonly reason: string | null;
  /** When somebody should look at the run again, milliseconds since the epoch; 0 = at once; `null` = only a signal moves it. */
  readonly wakeAt: number | null;
  /** Contract digests that a worker must be able to serve; sorted. */
  readonly requires: readonly Digest[];
  readonly queue: string;
  /** Higher first. */
  readonly priority: number;
  readonly labels: JsonObject;
  readonly parent: RunId | null;
  readonly dedupKey: string | null;
  /** At most one head per scope has a given key: `once:<runbookId>` or `dedup:<dedupKey>`; `null` when void or unkeyed. */
  readonly useKey: string | null;
  readonly submittedAt: number;
  /** When the first claim started it, by the store's clock, milliseconds since the epoch; `null` = never started. */
  readonly startedAt: number | null;
}
