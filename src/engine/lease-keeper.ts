import type { EngineParts } from "./parts.js";
import type { RunState } from "../history/run-state.js";
import { RunsealError } from "../errors/error.js";
import { optionsOf } from "./parts.js";
import { runStream } from "../model/ids.js";

/**
 * Extends the lease of a run every third of its term, until it is stopped or lost.
 *
 * A renewal that the store can't answer is tried again while the term has a third left; an answer of "not yours" is final.
 */
export class LeaseKeeper {
  readonly #parts: EngineParts;
  readonly #state: RunState;
  readonly #owner: string;
  readonly #leaseMs: number;
  readonly #onLost: (error: RunsealError) => void;
  #safeUntil: number;
  #isStopped = false;
  #timer: { cancel(): void } | undefined;

  constructor(parts: EngineParts, state: RunState, owner: string, onLost: (error: RunsealError) => void) {
    this.#parts = parts;
    this.#state = state;
    this.#owner = owner;
    this.#leaseMs = optionsOf(parts).leaseMs;
    this.#onLost = onLost;
    this.#safeUntil = parts.env.now() + (this.#leaseMs * 2) / 3;
    this.#wait(this.#leaseMs / 3);
  }

  /** Renews no more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #wait(ms: number): void {
    if (this.#isStopped) return;
    this.#timer = this.#parts.env.schedule(Math.max(1, Math.floor(ms)), () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { scope, runId, epoch } = this.#state;
    const asked = this.#parts.env.now();
    const answer = await this.#ask(scope, runId, epoch);
    if (this.#isStopped) return;
    if (answer === true) {
      this.#safeUntil = asked + (this.#leaseMs * 2) / 3;
      this.#wait(this.#leaseMs / 3);
      return;
    }
    if (answer === undefined && this.#parts.env.now() < this.#safeUntil) {
      this.#wait(this.#leaseMs / 10);
      return;
    }
    this.stop();
    const stream = runStream(runId);
    const message = `the lease of "${stream}" at epoch ${epoch} could not be renewed`;
    this.#onLost(new RunsealError("lease.stale", message, { stream, epoch, currentEpoch: epoch }));
  }

  /** `undefined` when the store gave no answer. */
  async #ask(scope: string, runId: string, epoch: number): Promise<boolean | undefined> {
    const { faultPoint, stores } = this.#parts;
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
