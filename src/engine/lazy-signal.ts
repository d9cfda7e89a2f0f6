/** An abort signal that is made when somebody asks for it: most handlers never do. */
export class LazySignal {
  #controller: AbortController | undefined;
  #isAborted = false;

  /** The signal; aborted from the start when {@link LazySignal.abort} came first. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Whether it was aborted; makes no signal. */
  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** Aborts it, now or as soon as it is made. */
  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort();
  }
}
