import type { DriveSignal } from "./drive-end.js";

/** A controller and its signal in one, for a drive that this process began: every run has two, and an event target for each costs more than a step. */
export class DriveSwitch implements DriveSignal {
  #listeners: readonly (() => void)[] = [];
  #aborted = false;

  /** Whether {@link abort} was called. */
  get aborted(): boolean {
    return this.#aborted;
  }

  /** Calls back once when it is aborted. */
  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners = [...this.#listeners, listener];
  }

  /** Does not call back any more. */
  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners = this.#listeners.filter((other) => other !== listener);
  }

  /** Aborts it; a second time changes nothing. */
  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}
