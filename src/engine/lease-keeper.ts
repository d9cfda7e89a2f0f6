import type { EngineParts } from "./parts.js";
import type { Scheduled } from "../time/clock.js";
import type { RunState } from "../history/run-state.js";
import { RunsealError } from "../errors/error.js";
import { optionsOf } from "./parts.js";
import { runStream } from "../model/ids.js";

/**
 * Extends the lease of a run every third of its term, until it is stopped or lost.
 *
 * A renewal that the store can't answer is tried again while the term has a third left, whether the store throws or says nothing at
 * all; an answer of "not yours" is final. The time is taken by a timer, so that a step of the clock changes nothing.
 */
export class LeaseKeeper {
  readonly #parts: EngineParts;
  readonly #state: RunState;
  readonly #owner: string;
  readonly #leaseMs: number;
  readonly #onLost: (error: RunsealError) => void;
  #isStopped = false;
  #timer: Scheduled | undefined;
  #limit: Scheduled | undefined;

  constructor(parts: EngineParts, state: RunState, owner: string, onLost: (error: RunsealError) => void) {
    this.#parts = parts;
    this.#state = state;
    this.#owner = owner;
    this.#leaseMs = optionsOf(parts).leaseMs;
    this.#onLost = onLost;
    this.#limit = this.#schedule((this.#leaseMs * 2) / 3, () => this.#lose());
    this.#wait(this.#leaseMs / 3);
  }

  /** Renews no more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#limit?.cancel();
  }

  #wait(ms: number): void {
    if (this.#isStopped) return;
    this.#timer = this.#schedule(ms, () => void this.#renew());
  }

  #schedule(ms: number, call: () => void): Scheduled {
    return this.#parts.env.schedule(Math.max(1, Math.floor(ms)), call);
  }

  async #renew(): Promise<void> {
    // the new term counts from the asking: the store may have taken its time
    const limit = this.#schedule((this.#leaseMs * 2) / 3, () => this.#lose());
    const answer = await this.#ask();
    if (this.#isStopped || answer !== true) limit.cancel();
    if (this.#isStopped) return;
    if (answer === true) {
      this.#limit?.cancel();
      this.#limit = limit;
      this.#wait(this.#leaseMs / 3);
    } else if (answer === undefined) this.#wait(this.#leaseMs / 10);
    else this.#lose();
  }

  #lose(): void {
    if (this.#isStopped) return;
    this.stop();
    const { runId, epoch } = this.#state;
    const stream = runStream(runId);
    const message = `the lease of "${stream}" at epoch ${epoch} could not be renewed`;
    this.#onLost(new RunsealError("lease.stale", message, { stream, epoch, currentEpoch: epoch }));
  }

  /** `undefined` when the store gave no answer. */
  async #ask(): Promise<boolean | undefined> {
    const { faultPoint, stores } = this.#parts;
    const { scope, runId, epoch } = this.#state;
    const lease = { owner: this.#owner, epoch, leaseMs: this.#leaseMs };
    try {
      faultPoint?.("lease.before_renew");
      const isRenewed = await stores.leases.renew(scope, runStream(runId), lease);
      faultPoint?.("lease.after_renew");
      return isRenewed;
    } catch {
      return undefined;
    }
  }
}
