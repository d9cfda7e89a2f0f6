import type { Deadlines } from "./deadlines.js";
import type { LazySignal } from "./lazy-signal.js";
import type { Env } from "./env.js";
import type { ThrownFailure } from "./failure-of.js";
import type { StopSwitch } from "./stop-switch.js";
import { failureOf } from "./failure-of.js";

/** How one call of a handler ended, as far as the run is concerned. */
export type CallEnd =
  | { readonly kind: "returned"; readonly value: unknown }
  | { readonly kind: "threw"; readonly failure: ThrownFailure }
  | { readonly kind: "timeout" }
  /** The run was canceled or lost meanwhile. */
  | { readonly kind: "aborted" };

/** What a call needs besides the handler. */
export interface CallOptions<T> {
  readonly timeoutMs: number;
  /** The handler's signal: aborted on timeout and when the run stops. */
  readonly signal: LazySignal;
  readonly deadlines: Deadlines;
  /** Thrown on cancel, and when the run is lost. */
  readonly stop: StopSwitch;
  /** Takes secrets out of what a handler throws, before it is cut to length. */
  readonly clean: (text: string) => string;
  /** Called as soon as the end is known, before anybody hears of it; gives what they hear. */
  readonly onEnd: (end: CallEnd) => T;
  /** Called when a handler that had timed out ends after all. */
  readonly onLate: () => void;
  /** Called once when the handler itself has ended, however that was. */
  readonly onSettled: () => void;
}

/**
 * Calls a handler once and says how that ended, in bounded time; never rejects.
 *
 * What the handler does after the end is known (returns, throws, never stops) changes nothing any more.
 */
export function callHandler<T>(env: Env, call: () => Promise<unknown>, options: CallOptions<T>): Promise<T> {
  const { signal } = options;
  if (options.stop.isStopped) return Promise.resolve(notCalled(options));
  return new Promise((resolve) => {
    let ended: CallEnd["kind"] | undefined;
    const end = (how: CallEnd): void => {
      if (ended !== undefined) return;
      ended = how.kind;
      lift();
      leave();
      resolve(options.onEnd(how));
    };
    const settle = (how: CallEnd): void => {
      if (ended === "timeout") options.onLate();
      end(how);
      options.onSettled();
    };
    const lift = options.deadlines.set(options.timeoutMs, () => {
      end({ kind: "timeout" });
      signal.abort();
    });
    const leave = options.stop.join(() => {
      signal.abort();
      end({ kind: "aborted" });
    });
    env
      .inStep(async () => await call())
      .then(
        (value) => settle({ kind: "returned", value }),
        (error: unknown) => settle({ kind: "threw", failure: failureOf(error, options.clean) }),
      );
  });
}

/** The run was stopped between the decision to call and the call. */
function notCalled<T>({ signal, onEnd, onSettled }: CallOptions<T>): T {
  signal.abort();
  const heard = onEnd({ kind: "aborted" });
  onSettled();
  return heard;
}
