import type { RunResult, RunView } from "../model/run.js";
import type { RunsealError } from "../errors/error.js";

/** What the loop reads of an abort signal: it is looked at before every decision. */
export type DrainSignal = Pick<AbortSignal, "aborted" | "addEventListener" | "removeEventListener">;

/** How a drive is stopped from outside. */
export interface DriveControl {
  /** Aborted: no new step; those in flight end, and the lease is given back. */
  readonly drain?: DrainSignal;
  /** Aborted: stop at once and write nothing more, as if the process had ended. */
  readonly abandon?: AbortSignal;
}

/** Why a drive has come to its end. */
export type DriveEnd =
  /** The run has ended or is parked, and that is durable. */
  | { readonly kind: "rested"; readonly result: RunResult; readonly view: RunView }
  /** The run goes on in whatever process claims it next. */
  | { readonly kind: "handed_over"; readonly view: RunView }
  /** Another process has the run, or the drive was abandoned; nothing was written since. */
  | { readonly kind: "lost"; readonly error: RunsealError };
