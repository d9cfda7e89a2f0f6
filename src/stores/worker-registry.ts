import type { JsonObject } from "../json/value.js";
import type { Scope } from "../model/ids.js";

/** What a worker says of itself. */
export interface WorkerRecord {
  /** Unique among all workers that ever were: the owner of its stores and a number in that process. */
  readonly workerId: string;
  /** What its process is called in leases and locks. */
  readonly owner: string;
  /** `null` = every queue. */
  readonly queues: readonly string[] | null;
  /** `null` = every scope. */
  readonly scopes: readonly Scope[] | null;
  /** Runs at a time. */
  readonly concurrency: number;
  /** Runs that it drives now. */
  readonly active: number;
  /** Build provenance of its process. */
  readonly build: JsonObject;
}

/** A worker as the others see it. Times are the store's, milliseconds since the epoch. */
export interface RegisteredWorker extends WorkerRecord {
  readonly startedAt: number;
  readonly lastSeenAt: number;
  /** When it counts as gone unless it is heard of again. */
  readonly aliveUntil: number;
}

/**
 * Which workers there are: for people who look, and to choose the one that cleans up after those that are gone.
 *
 * No run depends on it: leases say who drives what.
 */
export interface WorkerRegistry {
  /**
   * Notes that a worker lives, for so long from the store's now, and tells whether it is the janitor: of the living the one that was
   * there first, by `startedAt` and then `workerId`. There is always one at the most; for a moment there may be none that knows it.
   */
  beat(worker: WorkerRecord, termMs: number): Promise<{ readonly isJanitor: boolean }>;

  /** Takes a worker out: it has drained. */
  leave(workerId: string): Promise<void>;

  /** Every worker that is noted, in the order of `startedAt` and then `workerId`; those past `aliveUntil` are gone or can't reach the store. */
  list(): Promise<readonly RegisteredWorker[]>;

  /**
   * The janitor's work: forgets workers that have been gone for an hour, and whatever else the store keeps for processes that are gone.
   *
   * @returns how many rows were removed
   */
  sweep(): Promise<{ readonly removed: number }>;
}

/** How long a worker that is gone is still shown, milliseconds. */
export const GONE_SHOWN_MS = 3_600_000;
