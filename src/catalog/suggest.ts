/**
 * The names that look like `name`, nearest first: at most 3, and none that differs in more than a third of its letters.
 *
 * @remarks Edit distance with adjacent letters swapped counted once; time O(names · letters²), for messages only. Names beyond
 *   128 letters are not looked at.
 */
export function suggestFrom(names: Iterable<string>, name: string): readonly string[] {
  if (name.length > 128) return [];
  const wanted = name.toLowerCase();
  const near: { readonly name: string; readonly distance: number }[] = [];
  for (const candidate of names) {
    if (candidate.length > 128) continue;
    const [shorter, longer] = [Math.min(name.length, candidate.length), Math.max(name.length, candidate.length)];
    const distance = editDistance(wanted, candidate.toLowerCase());
    // a single letter looks like every other one
    if (distance <= Math.max(1, Math.floor(longer / 3)) && distance < shorter) near.push({ name: candidate, distance });
  }
  near.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return near.slice(0, 3).map((candidate) => candidate.name);
}

/** `; did you mean "a" or "b"`, or nothing. */
export function didYouMean(suggestions: readonly string[]): string {
  return suggestions.length === 0 ? "" : `; did you mean ${suggestions.map((name) => `"${name}"`).join(" or ")}`;
}

/** Optimal string alignment, three rows at a time. */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = [];
  let above: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      const at = (line: readonly number[], index: number): number => Number(line[index]);
      let best = Math.min(at(above, column) + 1, at(current, column - 1) + 1, at(above, column - 1) + cost);
      if (a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) best = Math.min(best, at(before, column - 2) + 1);
      current.push(best);
    }
    before = above;
    above = current;
  }
  return Number(above[b.length]);
}
