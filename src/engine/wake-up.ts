import type { Env } from "./env.js";

/** Lets one waiter sleep until somebody has news, or a time has come. */
export class WakeUp {
  readonly #env: Env;
  #hasNews = false;
  #resolve: (() => void) | undefined;

  constructor(env: Env) {
    this.#env = env;
  }

  /** There is news: whoever waits goes on, or the next to wait does not. */
  call(): void {
    this.#hasNews = true;
    this.#resolve?.();
  }

  /** Resolves with the next news, at once when there was some since the last time, or at `until` (milliseconds since the epoch). */
  async wait(until: number | null): Promise<undefined> {
    if (!this.#hasNews) {
      const timer =
        until === null ? undefined : this.#env.schedule(Math.max(0, until - this.#env.now()), () => this.#resolve?.());
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
      this.#resolve = undefined;
      timer?.cancel();
    }
    this.#hasNews = false;
  }
}
