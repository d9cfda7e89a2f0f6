import type { RetryPolicy } from "../model/verb.js";

/**
 * The longest delay before the next try, in milliseconds: it doubles with each failure.
 *
 * @param failures - failures so far, this one included
 */
export function retryBoundMs(policy: RetryPolicy, failures: number): number {
  return Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(failures - 1, 40));
}
