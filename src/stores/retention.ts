import type { Scope, StreamName } from "../model/ids.js";

/** Dropping payloads that events say are dropped (decision 4.3): an administrator's port. */
export interface Retention {
  /**
   * Drops the payloads that `payload.dropped` events of a run's stream cover; digests and hashes stay. Those of `run.*`, `lease.*` and
   * `payload.dropped` stay too. May be repeated.
   *
   * @returns how many went; -1 when the stream is none of a run that has ended, and nothing was done
   * @throws `store.permission` for a role that may only append
   */
  drop(scope: Scope, stream: StreamName): Promise<number>;
}
