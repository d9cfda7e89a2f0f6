import type { Clock } from "../time/clock.js";

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves time forward, calling what became due in order of its time. */
  advance(ms: number): Promise<void>;
  /** Sets the time, forward or back; what became due is called. */
  set(atMs: number): Promise<void>;
  /** Callbacks and sleepers that wait. */
  readonly waiting: number;
  /** Resolves when at least `count` callbacks or sleepers wait. */
  untilWaiting(count: number): Promise<void>;
}

interface Waiter {
  readonly at: number;
  readonly order: number;
  readonly call: () => void;
}

/** Makes a clock for tests, standing at `startMs` (default 2026-01-01T00:00:00Z). */
export function manualClock(startMs = 1_767_225_600_000): ManualClock {
  return new StandingClock(startMs);
}

class StandingClock implements ManualClock {
  #now: number;
  #order = 0;
  #waiters: Waiter[] = [];
  #watchers: { readonly count: number; readonly resolve: () => void }[] = [];

  constructor(startMs: number) {
    this.#now = startMs;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  now(): number {
    return this.#now;
  }

  schedule(ms: number, call: () => void): { cancel(): void } {
    this.#order += 1;
    const waiter = { at: this.#now + Math.max(0, ms), order: this.#order, call };
    this.#waiters.push(waiter);
    this.#tellWatchers();
    return {
      cancel: () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
      },
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const done = (): void => {
        timer.cancel();
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const timer = this.schedule(ms, done);
      signal?.addEventListener("abort", done);
    });
  }

  async advance(ms: number): Promise<void> {
    await this.set(this.#now + ms);
  }

  async set(atMs: number): Promise<void> {
    for (;;) {
      const next = this.#waiters.filter((waiter) => waiter.at <= atMs).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined) break;
      this.#waiters = this.#waiters.filter((waiter) => waiter !== next);
      this.#now = Math.max(this.#now, next.at);
      next.call();
      await settle();
    }
    this.#now = atMs;
    await settle();
  }

  untilWaiting(count: number): Promise<void> {
    if (this.#waiters.length >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#watchers.push({ count, resolve });
    });
  }

  #tellWatchers(): void {
    const ready = this.#watchers.filter((watcher) => this.#waiters.length >= watcher.count);
    this.#watchers = this.#watchers.filter((watcher) => !ready.includes(watcher));
    for (const watcher of ready) watcher.resolve();
  }
}

/** Lets everything that a callback set off run until it waits again: timers of the clock, or the outside. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
