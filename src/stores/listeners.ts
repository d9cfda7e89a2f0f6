import type { ChangeListener, StoreChange } from "./store-change.js";

/** Callbacks that are told that something changed; what they throw changes nothing. */
export class Listeners {
  readonly #listeners = new Set<ChangeListener>();
  #failures = 0;

  /** How often a callback threw. */
  get failures(): number {
    return this.#failures;
  }

  /** Adds a callback, the same one as often as it is given; returns what takes it back. */
  add(listener: ChangeListener): () => void {
    const own: ChangeListener = (change) => {
      listener(change);
    };
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  notify(change?: StoreChange): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch {
        this.#failures += 1;
      }
    }
  }
}
