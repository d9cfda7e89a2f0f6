/** A graph of numbered nodes; edge `i` leads from `from[i]` to `to[i]`. */
export interface Graph {
  readonly nodeCount: number;
  readonly from: Int32Array;
  readonly to: Int32Array;
}

/** Whether nodes are numbered along the edges, as authors mostly write them, so but for two of them, or at random. */
export type Shape = "in order" | "two swapped" | "shuffled";

/** An acyclic graph with edges between pairs of nodes drawn evenly; the same one every time. */
export function randomGraph(nodeCount: number, edgeCount: number, shape: Shape): Graph {
  const random = xorshift(42);
  const numbers = numbering(nodeCount, shape, random);
  const from = new Int32Array(edgeCount);
  const to = new Int32Array(edgeCount);
  for (let edge = 0; edge < edgeCount;) {
    const one = Math.floor(random() * nodeCount);
    const other = Math.floor(random() * nodeCount);
    if (one === other) continue;
    from[edge] = numbers[Math.min(one, other)] ?? 0;
    to[edge] = numbers[Math.max(one, other)] ?? 0;
    edge += 1;
  }
  return { nodeCount, from, to };
}

function numbering(count: number, shape: Shape, random: () => number): Int32Array {
  const numbers = Int32Array.from({ length: count }, (_, number) => number);
  if (shape === "two swapped") swap(numbers, 0, count - 1);
  if (shape !== "shuffled") return numbers;
  for (let last = count - 1; last > 0; last -= 1) swap(numbers, last, Math.floor(random() * (last + 1)));
  return numbers;
}

function swap(numbers: Int32Array, one: number, other: number): void {
  const kept = numbers[one] ?? 0;
  numbers[one] = numbers[other] ?? 0;
  numbers[other] = kept;
}

function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
