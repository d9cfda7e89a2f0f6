import type { WallClock } from "../../src/time/wall-clock.js";

interface Alarm {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that moves when it is told to. */
export class ManualWallClock implements WallClock {
  #now: number;
  readonly #alarms = new Set<Alarm>();

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const alarm = { at: this.#now + Math.max(0, ms), run };
    if (ms <= 0) {
      queueMicrotask(() => this.#ring(alarm));
    }
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const alarm of [...this.#alarms].sort((a, b) => a.at - b.at)) {
      if (alarm.at <= this.#now) this.#ring(alarm);
    }
  }

  #ring(alarm: Alarm): void {
    if (this.#alarms.delete(alarm)) alarm.run();
  }
}
