const INSERTION_MAX = 24;

/**
 * Sorts member names in place by UTF-16 code units, as RFC 8785 wants, and hands the same array back.
 *
 * Cost: linear when they are in order already, else an insertion sort to 24 names and `Array.prototype.sort` beyond.
 */
export function sortNames(names: string[]): string[] {
  let previous = "";
  for (const name of names) {
    if (name < previous) return names.length <= INSERTION_MAX ? insertionSort(names) : names.sort();
    previous = name;
  }
  return names;
}

function insertionSort(names: string[]): string[] {
  let sorted = 0;
  for (const name of names) {
    let at = sorted;
    while (at > 0) {
      const before = names[at - 1];
      if (before === undefined || before <= name) break;
      names[at] = before;
      at -= 1;
    }
    names[at] = name;
    sorted += 1;
  }
  return names;
}
