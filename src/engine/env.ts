/**
 * The world as far as the engine touches it by itself: time, chance, and the place where handlers are called.
 *
 * The instance makes one from the host's clock; tests make one by hand.
 */
export interface Env {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after `ms`, or as soon as `signal` is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A number in [0, 1), for jitter. */
  random(): number;
  /** A new UUIDv7: run ids. */
  uuid(): string;
  /** Calls back once after `ms`, unless canceled first. */
  schedule(ms: number, callback: () => void): { cancel(): void };
  /** Runs a call of a handler: where the instance forbids compiling inside a step (decision 3.1). */
  inStep<T>(call: () => Promise<T>): Promise<T>;
}
