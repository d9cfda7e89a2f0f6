import type { RunId } from "../model/ids.js";

/** How long a run that could not be taken is left alone, milliseconds. */
const POSTPONE_MS = 5_000;
/** Runs remembered at a time; beyond it the oldest is tried again early. */
const POSTPONED_MAX = 1_000;

/** Runs that a worker tried to take and could not, so that it does not try them at every look. */
export class Postponed {
  readonly #until = new Map<RunId, { readonly until: number; readonly isShort: boolean }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Runs remembered now: as many more are to be asked for, so that they hide nothing. O(runs remembered). */
  get size(): number {
    for (const runId of [...this.#until.keys()]) this.has(runId);
    return this.#until.size;
  }

  /** Leaves a run alone for a while. */
  add(runId: RunId): void {
    this.#set(runId, { until: this.#now() + POSTPONE_MS, isShort: false });
  }

  /** Leaves a run alone for so long, or until something changes: a ceiling holds it back, or somebody else was faster. */
  addFor(runId: RunId, ms: number): void {
    this.#set(runId, { until: this.#now() + ms, isShort: true });
  }

  /** Something changed: what only waited for that may be tried again. */
  letGo(): void {
    for (const [runId, { isShort }] of this.#until) if (isShort) this.#until.delete(runId);
  }

  /** Tells whether a run is to be left alone still. */
  has(runId: RunId): boolean {
    const entry = this.#until.get(runId);
    if (entry === undefined) return false;
    if (entry.until > this.#now()) return true;
    this.#until.delete(runId);
    return false;
  }

  #set(runId: RunId, entry: { readonly until: number; readonly isShort: boolean }): void {
    const [oldest] = this.#until.keys();
    if (this.#until.size >= POSTPONED_MAX && oldest !== undefined) this.#until.delete(oldest);
    this.#until.set(runId, entry);
  }
}
