/**
 * The fewest members of a list that have to move for its order to agree with another's: those outside the longest run of members
 * that stand in the same order in both.
 *
 * @param before - every member of `after`, and others
 * @remarks Time n log n.
 */
export function movedIn(before: readonly string[], after: readonly string[]): readonly string[] {
  const positions = new Map(before.map((id, position) => [id, position]));
  const line = after.map((id) => positions.get(id) ?? -1);
  /** Per length of a rising run, the index that ends the lowest such run. */
  const ends: number[] = [];
  const previous: number[] = [];
  for (const [index, value] of line.entries()) {
    const length = firstAtLeast(ends, value, line);
    previous.push(ends[length - 1] ?? -1);
    ends[length] = index;
  }
  const kept = new Set<number>();
  for (let index = ends.at(-1) ?? -1; index >= 0; index = previous[index] ?? -1) kept.add(index);
  return after.filter((_, index) => !kept.has(index));
}

/** The first run whose last value is at least `value`. */
function firstAtLeast(ends: readonly number[], value: number, line: readonly number[]): number {
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const end = ends[middle];
    if (end !== undefined && (line[end] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
