import type { Scope, StreamName } from "../model/ids.js";

/** Keeping the ownership of a run; taking it happens in `EventStore.commit`. */
export interface LeaseStore {
  /**
   * Extends a lease to the store's now plus `leaseMs`.
   * @returns false when the head names another owner or epoch: this process has lost the run and must stop
   */
  renew(
    scope: Scope,
    stream: StreamName,
    lease: { readonly owner: string; readonly epoch: number; readonly leaseMs: number },
  ): Promise<boolean>;

  /** The store's time, milliseconds since the epoch: the only clock that decides expiry. */
  now(): Promise<number>;
}
