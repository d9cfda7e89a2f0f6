import type { Env } from "../../src/engine/env.js";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A world in which time passes only when a test says so. */
export class ManualEnv implements Env {
  #now = 1_000_000;
  #order = 0;
  #ids = 0;
  #timers: Timer[] = [];
  /** What `random` gives. */
  chance = 0.5;
  /** Handler calls that `inStep` has seen. */
  stepsSeen = 0;
  /** Handler calls that run now. */
  stepsOpen = 0;

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.chance;
  }

  entropy(length: number): Uint8Array {
    return new Uint8Array(length).fill(Math.floor(this.chance * 256));
  }

  uuid(): string {
    this.#ids += 1;
    return `00000000-0000-7000-8000-${String(this.#ids).padStart(12, "0")}`;
  }

  schedule(ms: number, callback: () => void): { cancel(): void } {
    this.#order += 1;
    const timer = { at: this.#now + ms, order: this.#order, run: callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const timer = this.schedule(ms, resolve);
      signal?.addEventListener("abort", () => {
        timer.cancel();
        resolve();
      });
    });
  }

  breathe(): Promise<void> {
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  async inStep<T>(call: () => Promise<T>): Promise<T> {
    this.stepsSeen += 1;
    this.stepsOpen += 1;
    try {
      return await call();
    } finally {
      this.stepsOpen -= 1;
    }
  }

  /** Lets everything run that waits for nothing but its turn. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn += 1) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  /** Moves the clock on, timer by timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#fire(next);
      await this.settle();
    }
    this.#now = end;
    await this.settle();
  }

  /** Moves the clock on as far as it takes for `work` to be done. */
  async until<T>(work: Promise<T>, limitMs = 3_600_000): Promise<T> {
    const progress = { isDone: false };
    const done = (): void => {
      progress.isDone = true;
    };
    work.then(done, done);
    const end = this.#now + limitMs;
    await this.settle();
    while (!progress.isDone) {
      const next = this.#next(end);
      if (next === undefined) throw new Error(`nothing is left to wait for at ${this.#now}`);
      this.#fire(next);
      await this.settle();
    }
    return work;
  }

  #next(end: number): Timer | undefined {
    const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at || a.order - b.order);
    return due[0];
  }

  #fire(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.run();
  }
}
