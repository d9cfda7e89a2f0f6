import type { RunResult, RunView } from "../model/run.js";
import type { RunsealError } from "../errors/error.js";

/** What the loop reads of a signal, which it looks at before every decision: as much as an `AbortSignal` and a {@link DriveSwitch} have in common. */
export interface DriveSignal {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** How a drive is stopped from outside. */
export interface DriveControl {
  /** Aborted: no new step; those in flight end, and the lease is given back. */
  readonly drain?: DriveSignal;
  /** Aborted: stop at once and write nothing more, as if the process had ended. */
  readonly abandon?: DriveSignal;
}

/** Why a drive has come to its end. */
export type DriveEnd =
  /** The run has ended or is parked, and that is durable. */
  | { readonly kind: "rested"; readonly result: RunResult; readonly view: RunView }
  /** The run goes on in whatever process claims it next. */
  | { readonly kind: "handed_over"; readonly view: RunView }
  /** Another process has the run, or the drive was abandoned; nothing was written since. */
  | { readonly kind: "lost"; readonly error: RunsealError };
