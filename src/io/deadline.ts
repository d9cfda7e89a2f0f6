import type { Clock } from "../time/clock.js";
import { RunsealError } from "../errors/error.js";

/** One deadline and one abort signal over everything that a call does. */
export interface Deadline {
  /** Aborted when the time is up or the caller gave up. */
  readonly signal: AbortSignal;
  /** Rejects with what to throw as soon as the signal is aborted. */
  readonly passed: Promise<never>;
  /** Takes the timer and the listener back. */
  close(): void;
}

/** Starts a deadline of `timeoutMs`, or an earlier one when `outer` is aborted. Close it in every case. */
export function openDeadline(
  clock: Clock,
  outer: AbortSignal,
  timeoutMs: number,
  errors: { readonly timedOut: () => RunsealError; readonly canceled?: () => RunsealError },
): Deadline {
  const stop = new AbortController();
  const canceled =
    errors.canceled ?? (() => new RunsealError("io.canceled", "the attempt ended before the world had answered", {}));
  let fail = (_error: RunsealError): void => undefined;
  const passed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  // nobody may be waiting when it passes
  passed.catch(() => stop.signal.aborted);
  const end = (error: () => RunsealError): void => {
    fail(error());
    stop.abort();
  };
  const timer = clock.schedule(timeoutMs, () => end(errors.timedOut));
  const cancel = (): void => end(canceled);
  if (outer.aborted) cancel();
  else outer.addEventListener("abort", cancel, { once: true });
  return {
    signal: stop.signal,
    passed,
    close: () => {
      timer.cancel();
      outer.removeEventListener("abort", cancel);
    },
  };
}
