import type { Clock } from "../time/clock.js";

/**
 * The world as far as the engine touches it by itself: time, chance, and the place where handlers are called.
 *
 * The instance makes one from the host's clock; tests make one by hand.
 */
export interface Env extends Clock {
  /** A number in [0, 1), for jitter. */
  random(): number;
  /** Unpredictable bytes, for handlers that ask for chance. */
  entropy(length: number): Uint8Array;
  /** A new UUIDv7: run ids. */
  uuid(): string;
  /** Lets the process do something else for a moment, whatever the clock says: timers, sockets, other runs. */
  breathe(): Promise<void>;
  /** Runs a call of a handler: where the instance forbids compiling inside a step (decision 3.1). */
  inStep<T>(call: () => Promise<T>): Promise<T>;
}
