import { RunsealError } from "../errors/error.js";

/** Whether a store is still open: every port method asks before it does anything. */
export class Handle {
  #isClosed = false;

  /** Tells whether {@link close} was called. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws {@link RunsealError} `store.closed` after close */
  use(call: string): void {
    if (this.#isClosed) throw closedError(call);
  }

  close(): void {
    this.#isClosed = true;
  }
}

/** The error of a call on a closed store. */
export function closedError(call: string): RunsealError<"store.closed"> {
  return new RunsealError("store.closed", `"${call}" was called after the store was closed; open it again`, { call });
}
