/* eslint-disable @typescript-eslint/no-non-null-assertion -- the yardstick has to be as bare as it can be */

/** Kahn's algorithm and nothing else: first in, first out, no rule for ties, no answer but how many nodes could be placed. */
export function bareKahn(nodeCount: number, from: Int32Array, to: Int32Array): number {
  const edgeCount = from.length;
  const starts = new Int32Array(nodeCount + 1);
  const waiting = new Int32Array(nodeCount);
  for (let edge = 0; edge < edgeCount; edge += 1) {
    starts[from[edge]! + 1]! += 1;
    waiting[to[edge]!]! += 1;
  }
  for (let node = 0; node < nodeCount; node += 1) starts[node + 1]! += starts[node]!;
  const free = starts.slice(0, nodeCount);
  const targets = new Int32Array(edgeCount);
  for (let edge = 0; edge < edgeCount; edge += 1) {
    const source = from[edge]!;
    const at = free[source]!;
    free[source] = at + 1;
    targets[at] = to[edge]!;
  }
  const queue = new Int32Array(nodeCount);
  let placed = 0;
  for (let node = 0; node < nodeCount; node += 1) {
    if (waiting[node] === 0) {
      queue[placed] = node;
      placed += 1;
    }
  }
  for (let head = 0; head < placed; head += 1) {
    const node = queue[head]!;
    const end = starts[node + 1]!;
    for (let edge = starts[node]!; edge < end; edge += 1) {
      const target = targets[edge]!;
      const left = waiting[target]! - 1;
      waiting[target] = left;
      if (left === 0) {
        queue[placed] = target;
        placed += 1;
      }
    }
  }
  return placed;
}
