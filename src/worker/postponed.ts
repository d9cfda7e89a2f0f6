import type { RunId } from "../model/ids.js";

/** How long a run that could not be taken is left alone, milliseconds. */
const POSTPONE_MS = 5_000;
/** Runs remembered at a time; beyond it the oldest is tried again early. */
const POSTPONED_MAX = 1_000;

/** Runs that a worker tried to take and could not, so that it does not try them at every look. */
export class Postponed {
  readonly #until = new Map<RunId, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Leaves a run alone for a while. */
  add(runId: RunId): void {
    const [oldest] = this.#until.keys();
    if (this.#until.size >= POSTPONED_MAX && oldest !== undefined) this.#until.delete(oldest);
    this.#until.set(runId, this.#now() + POSTPONE_MS);
  }

  /** Tells whether a run is to be left alone still. */
  has(runId: RunId): boolean {
    const until = this.#until.get(runId);
    if (until === undefined) return false;
    if (until > this.#now()) return true;
    this.#until.delete(runId);
    return false;
  }
}
