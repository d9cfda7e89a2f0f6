/** Thrown once for a whole run: handlers are aborted, nothing new begins. Cheaper to join and leave than an abort signal. */
export class StopSwitch {
  readonly #listeners = new Set<() => void>();
  #isStopped = false;

  /** Whether it was thrown. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Calls back once when it is thrown, at once when it was; returns what leaves. */
  join(listener: () => void): () => void {
    if (this.#isStopped) listener();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Throws it; a second time changes nothing. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }

  /** Runs `work` with an abort signal that follows the switch while it lasts. */
  async during<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const leave = this.join(() => controller.abort());
    try {
      return await work(controller.signal);
    } finally {
      leave();
    }
  }
}
