/** What stores have done since they were made, of this process alone. Counts only grow. */
export interface StoreMetrics {
  /** Round trips over the pool, each a statement; those inside transactions of a host are not counted. */
  readonly statements: number;
  /** Round trips on the session of locks and notifications. */
  readonly sessionStatements: number;
  /** Commits that were made. */
  readonly commits: number;
  /** Those of them that shared their statement with commits of other runs. */
  readonly commitsBatched: number;
  /** Commits refused because the stream had moved on. */
  readonly conflicts: number;
  /** Commits refused because the run is somebody else's by now, or still is: a lease that was lost or is held. */
  readonly fenced: number;
  /** Commits refused because a ceiling of a queue was reached. */
  readonly limited: number;
  /** Pauses before something was tried again: the server was away or busy, or somebody else had inserted the same key. */
  readonly retries: number;
  /** Commits whose answer was lost, so that the log was asked what had come of them. */
  readonly outcomesLost: number;
  /** How often the session was opened anew after it had been lost; the locks of the former went with it. */
  readonly reconnects: number;
  /** Requests for locks that were granted. */
  readonly lockGrants: number;
  /** Attempts that found a lock held: one request that waits makes several. */
  readonly lockMisses: number;
  /** Requests for locks whose deadline passed. */
  readonly lockTimeouts: number;
}

/** A count of {@link StoreMetrics}. */
export type Counter = keyof StoreMetrics;

/** Counts for {@link StoreMetrics}; adding is all that the parts of a store do with it. */
export class Counters {
  readonly #counts: { -readonly [name in Counter]: number } = {
    statements: 0,
    sessionStatements: 0,
    commits: 0,
    commitsBatched: 0,
    conflicts: 0,
    fenced: 0,
    limited: 0,
    retries: 0,
    outcomesLost: 0,
    reconnects: 0,
    lockGrants: 0,
    lockMisses: 0,
    lockTimeouts: 0,
  };

  add(counter: Counter, by = 1): void {
    this.#counts[counter] += by;
  }

  /** The counts as they stand. */
  read(): StoreMetrics {
    return Object.freeze({ ...this.#counts });
  }
}
