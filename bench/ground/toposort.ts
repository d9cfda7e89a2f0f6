import { kahn } from "../../src/compile/kahn.js";
import { toposort } from "../../src/compile/toposort.js";
import { bareKahn } from "./bare-kahn.js";
import { randomGraph } from "./random-graph.js";
import { compare, conditions, table } from "./rounds.js";
import type { Edge } from "../../src/compile/toposort.js";
import type { Contender } from "./rounds.js";
import type { Graph, Shape } from "./random-graph.js";

const SIZES: readonly (readonly [nodes: number, rounds: number])[] = [
  [1_000, 31],
  [10_000, 31],
  [100_000, 15],
  [1_000_000, 5],
];
const SHAPES: readonly Shape[] = ["in order", "two swapped", "shuffled"];

console.log(conditions(["tsx"]));

console.log("\nThe integer core against a bare Kahn (FIFO, no rule for ties, successor lists built in both), in milliseconds.\n");
console.log(table(["declared", "nodes", "edges", "bare Kahn", "kahn", "times bare"], rows(coreOf)));

console.log("\n`toposort(ids, edges)` against a bare Kahn and one Map pass over ids and edges, in milliseconds.\n");
console.log(table(["declared", "nodes", "edges", "bare Kahn + Map", "toposort", "times bare"], rows(wholeOf)));

function rows(contendersOf: (graph: Graph) => Contender[]): string[][] {
  return SHAPES.flatMap((shape) =>
    SIZES.map(([nodes, rounds]) => {
      const [bare, ours] = compare(contendersOf(randomGraph(nodes, 3 * nodes, shape)), rounds);
      const cells = [bare, ours].map((measured) => ((measured?.us ?? 0) / 1000).toFixed(2));
      return [shape, String(nodes), String(3 * nodes), ...cells, (ours?.ratio ?? 0).toFixed(2)];
    }),
  );
}

function coreOf({ nodeCount, from, to }: Graph): Contender[] {
  return [
    { name: "bare", run: () => bareKahn(nodeCount, from, to) },
    { name: "kahn", run: () => kahn(nodeCount, from, to) },
  ];
}

function wholeOf({ nodeCount, from, to }: Graph): Contender[] {
  const ids = Array.from({ length: nodeCount }, (_, node) => `accounts[${node}]/open`);
  const edges = Array.from(from, (source, edge): Edge => [ids[source] ?? "", ids[to[edge] ?? 0] ?? ""]);
  return [
    { name: "bare", run: () => bareWithMap(ids, edges) },
    { name: "toposort", run: () => toposort(ids, edges) },
  ];
}

function bareWithMap(ids: readonly string[], edges: readonly Edge[]): number {
  const indexes = new Map<string, number>();
  for (const id of ids) indexes.set(id, indexes.size);
  const from = new Int32Array(edges.length);
  const to = new Int32Array(edges.length);
  let edge = 0;
  for (const [before, after] of edges) {
    from[edge] = indexes.get(before) ?? -1;
    to[edge] = indexes.get(after) ?? -1;
    edge += 1;
  }
  return bareKahn(ids.length, from, to);
}
