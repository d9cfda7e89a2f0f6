import type { Scope } from "../model/ids.js";
import type { StreamHead } from "../model/run.js";

/** How many runs `list` gives when nobody says. */
export const RUNS_LISTED_DEFAULT = 100;

/** Order of work: higher priority first, then run id in UTF-16 code units. */
export function byPriority(a: StreamHead, b: StreamHead): number {
  return priorityOf(b) - priorityOf(a) || byCodeUnits(runIdOf(a), runIdOf(b));
}

/**
 * Order of work over several scopes: higher priority first, then in turns, a run of each scope at a time.
 *
 * O(n log n).
 *
 * @param after - the scope that was served last: the scopes behind it come first in each turn
 */
export function inTurns(heads: readonly StreamHead[], after?: Scope): readonly StreamHead[] {
  const seen = new Map<string, number>();
  const placed = [...heads].sort(byPriority).map((head) => {
    const key = JSON.stringify([head.scope, priorityOf(head)]);
    const turn = (seen.get(key) ?? 0) + 1;
    seen.set(key, turn);
    return { head, turn, isBehind: after === undefined || head.scope > after };
  });
  placed.sort(
    (a, b) =>
      priorityOf(b.head) - priorityOf(a.head) ||
      a.turn - b.turn ||
      Number(b.isBehind) - Number(a.isBehind) ||
      byCodeUnits(a.head.scope, b.head.scope),
  );
  return placed.map(({ head }) => head);
}

function priorityOf(head: StreamHead): number {
  return head.run?.priority ?? 0;
}

function runIdOf(head: StreamHead): string {
  return head.run?.runId ?? "";
}

function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
