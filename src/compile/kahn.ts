// The one file that indexes typed arrays with `!`: every index below is a node or an edge number that was counted here.

/** The edges of a graph by the node they start from: those of node `n` lead to `targets[starts[n]]` up to before `starts[n + 1]`. */
export interface Successors {
  readonly starts: Int32Array;
  readonly targets: Int32Array;
}

/** What {@link kahn} found. */
export interface Kahn {
  /** Node numbers in topological order; only the first `placed` are meant. */
  readonly order: Int32Array;
  /** How many nodes could be placed: all of them when the graph has no cycle. */
  readonly placed: number;
  readonly successors: Successors;
}

/**
 * Sorts a graph of numbered nodes; edge `i` says that node `from[i]` comes before node `to[i]`.
 *
 * Of the nodes that could come next, the one with the lowest number does: the order is the least of all topological orders, and
 * the order of the edges has no part in it. Edges may repeat.
 *
 * Cost: O(n + e) where the nodes are numbered along the edges, else O(e + n log32 n), with at most 6 steps of the logarithm for any
 * graph that fits; typed arrays of e + 3.1 n numbers.
 */
export function kahn(nodeCount: number, from: Int32Array, to: Int32Array): Kahn {
  const successors = successorsOf(nodeCount, from, to);
  const order = new Int32Array(nodeCount);
  if (leadsForward(from, to)) {
    for (let node = 0; node < nodeCount; node += 1) order[node] = node;
    return { order, placed: nodeCount, successors };
  }
  const { starts, targets } = successors;
  const waiting = new Int32Array(nodeCount);
  for (let edge = 0; edge < to.length; edge += 1) waiting[to[edge]!]! += 1;
  const ready = new ReadyNodes(nodeCount);
  for (let node = 0; node < nodeCount; node += 1) if (waiting[node] === 0) ready.add(node);

  let placed = 0;
  for (let node = ready.takeLowest(); node >= 0; node = ready.takeLowest()) {
    order[placed] = node;
    placed += 1;
    const end = starts[node + 1]!;
    for (let edge = starts[node]!; edge < end; edge += 1) {
      const target = targets[edge]!;
      const left = waiting[target]! - 1;
      waiting[target] = left;
      if (left === 0) ready.add(target);
    }
  }
  return { order, placed, successors };
}

/**
 * How deep each node lies, by node number: the number of edges on the longest path that ends in it.
 *
 * Cost: O(n + e). The graph must have been sorted completely.
 */
export function depthsOf({ order, successors }: Kahn): Int32Array {
  const { starts, targets } = successors;
  const depths = new Int32Array(order.length);
  for (let at = 0; at < order.length; at += 1) {
    const node = order[at]!;
    const below = depths[node]! + 1;
    const end = starts[node + 1]!;
    for (let edge = starts[node]!; edge < end; edge += 1) {
      const target = targets[edge]!;
      if (depths[target]! < below) depths[target] = below;
    }
  }
  return depths;
}

/**
 * A cycle among the nodes that {@link kahn} could not place: node numbers along the edges, the first one also the last.
 *
 * Every such node has a predecessor that could not be placed either, so going back from one of them must come round. The lowest
 * predecessor is taken each time, and the cycle starts at its lowest node: the order of the edges has no part in it.
 *
 * Cost: O(n + e). There must be such nodes.
 */
export function cycleAmong({ order, placed }: Kahn, from: Int32Array, to: Int32Array): Int32Array {
  const nodeCount = order.length;
  const isPlaced = new Uint8Array(nodeCount);
  for (let at = 0; at < placed; at += 1) isPlaced[order[at]!] = 1;
  const before = new Int32Array(nodeCount).fill(nodeCount);
  for (let edge = 0; edge < to.length; edge += 1) {
    const target = to[edge]!;
    const source = from[edge]!;
    if (isPlaced[source] === 0 && source < before[target]!) before[target] = source;
  }
  const seen = new Uint8Array(nodeCount);
  let node = isPlaced.indexOf(0);
  for (; seen[node] === 0; node = before[node]!) seen[node] = 1;
  return pathBack(node, before);
}

/** The cycle through `node`, against the direction of `before`, from its lowest node to the same node again. */
function pathBack(node: number, before: Int32Array): Int32Array {
  let lowest = node;
  let length = 1;
  for (let at = before[node]!; at !== node; at = before[at]!) {
    lowest = Math.min(lowest, at);
    length += 1;
  }
  const path = new Int32Array(length + 1);
  path[length] = lowest;
  for (let at = before[lowest]!, index = length - 1; index >= 0; index -= 1) {
    path[index] = at;
    at = before[at]!;
  }
  return path;
}

/** Whether the nodes are numbered along the edges: then their own order is the least one, and most plans are declared so. */
function leadsForward(from: Int32Array, to: Int32Array): boolean {
  for (let edge = 0; edge < to.length; edge += 1) if (from[edge]! >= to[edge]!) return false;
  return true;
}

function successorsOf(nodeCount: number, from: Int32Array, to: Int32Array): Successors {
  const starts = new Int32Array(nodeCount + 1);
  for (let edge = 0; edge < from.length; edge += 1) starts[from[edge]!]! += 1;
  let sum = 0;
  for (let node = 0; node <= nodeCount; node += 1) {
    sum += starts[node]!;
    starts[node] = sum;
  }
  // filling from the end moves each start to its place, so that no second array of positions is needed
  const targets = new Int32Array(to.length);
  for (let edge = from.length - 1; edge >= 0; edge -= 1) {
    const node = from[edge]!;
    const at = starts[node]! - 1;
    starts[node] = at;
    targets[at] = to[edge]!;
  }
  return { starts, targets };
}

/**
 * A set of node numbers that gives its lowest: one bit per node, and above every 32 words a word that says which of them hold any.
 *
 * It remembers its lowest word, so that most of the time neither adding nor taking climbs to the upper levels.
 */
class ReadyNodes {
  readonly #bits: Int32Array;
  readonly #upper: readonly Int32Array[];
  #lowest: number;

  constructor(nodeCount: number) {
    const upper: Int32Array[] = [];
    const words = Math.ceil(nodeCount / 32);
    for (let above = words; above > 1;) {
      above = Math.ceil(above / 32);
      upper.push(new Int32Array(above));
    }
    this.#bits = new Int32Array(words);
    this.#upper = upper;
    this.#lowest = words;
  }

  add(node: number): void {
    const word = node >>> 5;
    const before = this.#bits[word]!;
    this.#bits[word] = before | (1 << (node & 31));
    if (word < this.#lowest) this.#lowest = word;
    if (before === 0) this.#mark(word);
  }

  /** Takes out the lowest node; -1 when there is none. */
  takeLowest(): number {
    const word = this.#lowest;
    if (word >= this.#bits.length) return -1;
    const bits = this.#bits[word]!;
    const lowest = bits & -bits;
    const left = bits ^ lowest;
    this.#bits[word] = left;
    if (left === 0) this.#lowest = this.#unmark(word);
    return word * 32 + lowestBit(lowest);
  }

  #mark(word: number): void {
    let index = word;
    for (const level of this.#upper) {
      const above = index >>> 5;
      const before = level[above]!;
      level[above] = before | (1 << (index & 31));
      if (before !== 0) return;
      index = above;
    }
  }

  /** Takes an emptied word out of the upper levels; gives the lowest word that still holds a node, or the number of words. */
  #unmark(word: number): number {
    const upper = this.#upper;
    let index = word;
    for (let at = 0; at < upper.length; at += 1) {
      const level = upper[at]!;
      const above = index >>> 5;
      const left = level[above]! & ~(1 << (index & 31));
      level[above] = left;
      if (left !== 0) return this.#descend(at, above);
      index = above;
    }
    return this.#bits.length;
  }

  #descend(from: number, word: number): number {
    let index = word;
    for (let at = from; at >= 0; at -= 1) index = index * 32 + lowestBit(this.#upper[at]![index]!);
    return index;
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
