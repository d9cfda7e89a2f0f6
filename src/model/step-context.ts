import type { Park } from "./park.js";

/**
 * What a handler gets besides its arguments.
 *
 * A handler reaches the world through its own services; everything that ties the call to the run is here. Calls after the
 * attempt has ended throw `context.closed`.
 */
export interface StepContext {
  readonly runId: string;
  readonly stepId: string;
  /** 1-based count of tries of this step. */
  readonly attempt: number;
  /** Equal over all attempts of this step of this run: hand it to the service that you call. */
  readonly idempotencyKey: string;
  /** Aborted on cancel, timeout, and when this process lost the run. */
  readonly signal: AbortSignal;
  /** The default key under which a signal completes this step when it parks. */
  readonly signalKey: string;
  /**
   * Declares a write before it happens.
   * @throws `write.undeclared` when the entity is not in the sealed write-set of this step
   */
  writes(kind: string, id: string): void;
  /** What a `durable` handler returns after it has dispatched: the step waits for a signal, at most until `until` (milliseconds since the epoch, or a duration from now such as `"2h"`). */
  park(options?: { readonly key?: string; readonly until?: number | string }): Park;
  /** A line for the instance's logger, after redaction; never recorded. */
  log(message: string, fields?: { readonly [name: string]: unknown }): void;
}
