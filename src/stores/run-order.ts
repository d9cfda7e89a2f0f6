import type { StreamHead } from "../model/run.js";

/** How many runs `list` gives when nobody says. */
export const RUNS_LISTED_DEFAULT = 100;

/** Order of work: higher priority first, then run id in UTF-16 code units. */
export function byPriority(a: StreamHead, b: StreamHead): number {
  const byRank = (b.run?.priority ?? 0) - (a.run?.priority ?? 0);
  if (byRank !== 0) return byRank;
  return (a.run?.runId ?? "") < (b.run?.runId ?? "") ? -1 : 1;
}
