import type { Clock, Scheduled } from "../../src/time/clock.js";

interface Alarm {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that moves when it is told to. */
export class TurnedClock implements Clock {
  #now: number;
  readonly #alarms = new Set<Alarm>();

  constructor(now: number) {
    this.#now = now;
  }

  /** Callbacks that are still to come. */
  get alarms(): number {
    return this.#alarms.size;
  }

  now(): number {
    return this.#now;
  }

  schedule(ms: number, run: () => void): Scheduled {
    const alarm = { at: this.#now + Math.max(0, ms), run };
    this.#alarms.add(alarm);
    if (ms <= 0) queueMicrotask(() => this.#ring(alarm));
    return { cancel: () => this.#alarms.delete(alarm) };
  }

  async sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.schedule(ms, resolve));
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
