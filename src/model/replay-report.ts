import type { RunId, StepId } from "./ids.js";

/**
 * How much of a run is done again: `replay_decisions` takes every result from the record and decides anew; `re_simulate` also calls the
 * handlers of pure verbs, and of verbs that read and are marked `replayable` (decision 3.17).
 */
export type ReplayMode = "replay_decisions" | "re_simulate";

/**
 * In what a replay differs from the record (E-155): another step, condition or argument; another result, failure or output; the same
 * events in another order; a time that policy and recorded time do not allow; an event under a lease, or on an approval, that does not cover it.
 */
export type DivergenceKind = "plan" | "outcome" | "ordering" | "timing" | "authority";

/** One difference between a record and its replay. */
export interface Divergence {
  readonly kind: DivergenceKind;
  /** The recorded event; `null` where no one event is to blame. */
  readonly seq: number | null;
  readonly stepId: StepId | null;
  /** What the record says, bounded; `null` = nothing. */
  readonly expected: string | null;
  /** What the replay came to, bounded; `null` = nothing. */
  readonly found: string | null;
  readonly message: string;
}

/** What came of a replay. */
export interface ReplayReport {
  readonly runId: RunId;
  readonly mode: ReplayMode;
  readonly status: "equal" | "diverged";
  /** The first hundred, in the order of the log. */
  readonly divergences: readonly Divergence[];
  readonly divergenceCount: number;
  /** Recorded events that were read. */
  readonly events: number;
  /** Attempts by where their end came from; `notSimulated` counts those of `fromRecord` that `re_simulate` would have had to simulate. */
  readonly steps: { readonly simulated: number; readonly fromRecord: number; readonly notSimulated: number };
  /** Calls of handlers by the effect of their verb; a writing verb's is never called. */
  readonly handlerCalls: { readonly pure: number; readonly read: number; readonly write: 0 };
}
