/** Callbacks that are told that something changed; what they throw changes nothing. */
export class Listeners {
  readonly #listeners = new Set<() => void>();
  #failures = 0;

  /** How often a callback threw. */
  get failures(): number {
    return this.#failures;
  }

  /** Adds a callback, the same one as often as it is given; returns what takes it back. */
  add(listener: () => void): () => void {
    const own = (): void => {
      listener();
    };
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  notify(): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch {
        this.#failures += 1;
      }
    }
  }
}
