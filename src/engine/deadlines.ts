import type { Clock, Scheduled } from "../time/clock.js";

interface Deadline {
  readonly at: number;
  readonly expire: () => void;
}

/**
 * Time limits of calls that are in flight, over one timer: most calls end long before their limit, and then no timer was touched.
 *
 * Cost: O(1) to set and to lift, O(limits that are set) when the timer fires.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #open = new Set<Deadline>();
  #timer: Scheduled | undefined;
  #armedFor = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls back once after `ms`, unless what this returns was called before. */
  set(ms: number, expire: () => void): () => void {
    const deadline = { at: this.#clock.now() + ms, expire };
    this.#open.add(deadline);
    if (deadline.at < this.#armedFor) this.#arm(deadline.at);
    return () => this.#open.delete(deadline);
  }

  /** Lifts every limit. */
  clear(): void {
    this.#open.clear();
    this.#timer?.cancel();
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  #arm(at: number): void {
    this.#timer?.cancel();
    this.#armedFor = at;
    this.#timer = this.#clock.schedule(Math.max(0, at - this.#clock.now()), () => this.#fire());
  }

  #fire(): void {
    const now = this.#clock.now();
    this.#armedFor = Number.POSITIVE_INFINITY;
    const expired = [...this.#open].filter(({ at }) => at <= now);
    for (const deadline of expired) this.#open.delete(deadline);
    const earliest = [...this.#open].reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
    if (earliest < Number.POSITIVE_INFINITY) this.#arm(earliest);
    for (const { expire } of expired) expire();
  }
}
