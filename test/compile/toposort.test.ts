import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { isRunsealError } from "../../src/errors/error.js";
import { kahn } from "../../src/compile/kahn.js";
import { toposort } from "../../src/compile/toposort.js";
import type { Edge } from "../../src/compile/toposort.js";

describe("toposort", () => {
  it("keeps the declared order where it is valid, whatever the edges allow (decision 1.8, X10)", () => {
    const ids = ["open-eur", "grant-eur", "open-usd", "grant-usd"];
    const edges: Edge[] = [
      ["open-usd", "grant-usd"],
      ["open-eur", "grant-eur"],
    ];
    expect(toposort(ids, edges)).toEqual({
      order: ids,
      phases: [
        ["open-eur", "open-usd"],
        ["grant-eur", "grant-usd"],
      ],
    });
  });

  it("takes the id declared first of those whose predecessors are placed, not the first in the alphabet", () => {
    expect(toposort(["z", "a", "m"], [["m", "z"]])).toEqual({ order: ["a", "m", "z"], phases: [["a", "m"], ["z"]] });
  });

  it("puts an id into the phase after its longest path (A-071)", () => {
    const edges: Edge[] = [["a", "b"], ["b", "c"], ["a", "c"], ["d", "c"]]; // prettier-ignore
    expect(toposort(["a", "b", "c", "d"], edges)).toEqual({ order: ["a", "b", "d", "c"], phases: [["a", "d"], ["b"], ["c"]] });
  });

  it("sorts nothing, one id and many ids without edges (A-072)", () => {
    expect(toposort([], [])).toEqual({ order: [], phases: [] });
    expect(toposort(["a"], [])).toEqual({ order: ["a"], phases: [["a"]] });
    const ids = Array.from({ length: 2000 }, (_, index) => `s${index}`);
    expect(toposort(ids, [])).toEqual({ order: ids, phases: [ids] });
  });

  it("takes a repeated edge as one", () => {
    expect(toposort(["a", "b"], [["a", "b"], ["a", "b"]])).toEqual({ order: ["a", "b"], phases: [["a"], ["b"]] }); // prettier-ignore
  });

  it.each([
    ["of length 1", ["a"], [["a", "a"]], ["a", "a"]],
    [
      "of length 2",
      ["b", "a"],
      [
        ["a", "b"],
        ["b", "a"],
      ],
      ["b", "a", "b"],
    ],
    [
      "of length 3",
      ["a", "b", "c"],
      [
        ["c", "a"],
        ["a", "b"],
        ["b", "c"],
      ],
      ["a", "b", "c", "a"],
    ],
    [
      "with a way in and a way out",
      ["in", "x", "y", "out"],
      [
        ["in", "x"],
        ["x", "y"],
        ["y", "x"],
        ["y", "out"],
      ],
      ["x", "y", "x"],
    ],
  ] as const)("names a cycle %s as a path that comes round", (_title, ids, edges, cycle) => {
    expect(toposort(ids, edges)).toEqual({ cycle });
  });

  it("refuses an id declared twice, naming it", () => {
    const refusal = refusalOf(() => toposort(["a", "b", "b", "a"], []));
    expect(isRunsealError(refusal, "graph.duplicate_id") && refusal.details).toEqual({ id: "b" });
  });

  it("refuses an edge to or from an id that is not declared, naming it", () => {
    for (const edge of [
      ["a", "c"],
      ["c", "a"],
    ] as const) {
      // prettier-ignore
      const refusal = refusalOf(() => toposort(["a", "b"], [edge]));
      expect(isRunsealError(refusal, "graph.unknown_id") && refusal.details).toEqual({ id: "c" });
    }
  });

  it("takes __proto__ and the empty string as ids", () => {
    expect(toposort(["", "__proto__"], [["__proto__", ""]])).toEqual({ order: ["__proto__", ""], phases: [["__proto__"], [""]] });
  });

  it("sorts a chain of 100,000 against its declaration and finds one closed over all of it, without overflow", () => {
    const ids = Array.from({ length: 100_000 }, (_, index) => `s${index}`);
    const edges = ids.slice(1).map((id, index): Edge => [id, ids[index] ?? ""]);
    const sorted = toposort(ids, edges);
    expect("order" in sorted && sorted.order.slice(0, 2)).toEqual(["s99999", "s99998"]);
    expect("phases" in sorted && sorted.phases.length).toBe(100_000);
    const closed = toposort(ids, [...edges, ["s0", "s99999"]]);
    expect("cycle" in closed && closed.cycle.length).toBe(100_001);
  });
});

describe("A-006 toposort, for any graph without a cycle,", () => {
  it("gives the least valid order: again and again the first declared of those that are free", () => {
    fc.assert(
      fc.property(acyclic, ({ ids, edges }) => {
        expect(toposort(ids, edges)).toMatchObject({ order: leastOrder(ids, edges) });
      }),
    );
  });

  it("gives phases equal to the longest path, in declaration order", () => {
    fc.assert(
      fc.property(acyclic, ({ ids, edges }) => {
        const depths = new Map(ids.map((id) => [id, longestPath(id, edges)]));
        const phases = Array.from({ length: Math.max(-1, ...depths.values()) + 1 }, (_, depth) =>
          ids.filter((id) => depths.get(id) === depth),
        );
        expect(toposort(ids, edges)).toMatchObject({ phases });
      }),
    );
  });

  it("does not see the order of the edges, nor their repetition (A-104)", () => {
    fc.assert(
      fc.property(acyclic, fc.func(fc.integer()), ({ ids, edges }, keyOf) => {
        const shuffled = edges.toSorted((one, other) => keyOf(one) - keyOf(other));
        expect(toposort(ids, [...shuffled, ...edges])).toEqual(toposort(ids, edges));
      }),
    );
  });
});

describe("toposort, for any graph at all,", () => {
  it("gives an order exactly when there is one, else a cycle made of real edges, the same for any order of edges (D-034)", () => {
    fc.assert(
      fc.property(anyGraph, fc.func(fc.integer()), ({ ids, edges }, keyOf) => {
        const sorted = toposort(ids, edges);
        expect("order" in sorted).toBe(leastOrder(ids, edges).length === ids.length);
        expect(
          toposort(
            ids,
            edges.toSorted((one, other) => keyOf(one) - keyOf(other)),
          ),
        ).toEqual(sorted);
        if (!("cycle" in sorted)) return;
        const { cycle } = sorted;
        expect(cycle[0]).toBe(cycle.at(-1));
        expect(new Set(cycle).size).toBe(cycle.length - 1);
        for (const [at, id] of cycle.slice(1).entries()) {
          expect(edges.some(([before, after]) => before === cycle[at] && after === id)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("kahn", () => {
  it("agrees with a plain search for the least order on graphs of several levels of words", () => {
    const nodeCount = 5000;
    const random = xorshift(7);
    const rank = Array.from({ length: nodeCount }, (_, node) => [random(), node] as const).toSorted(
      ([one], [other]) => one - other,
    );
    const from = new Int32Array(3 * nodeCount);
    const to = new Int32Array(3 * nodeCount);
    for (let edge = 0; edge < from.length; edge += 1) {
      const [low = 0, high = 0] = [Math.floor(random() * nodeCount), Math.floor(random() * nodeCount)].toSorted(
        (one, other) => one - other,
      );
      if (low === high) continue;
      from[edge] = rank[low]?.[1] ?? 0;
      to[edge] = rank[high]?.[1] ?? 0;
    }
    const kept = from.map((_, edge) => (from[edge] === to[edge] ? 0 : 1));
    const sources = from.filter((_, edge) => kept[edge] === 1);
    const targets = to.filter((_, edge) => kept[edge] === 1);
    const { order, placed } = kahn(nodeCount, sources, targets);
    expect(placed).toBe(nodeCount);
    expect([...order]).toEqual(leastOrderOfNumbers(nodeCount, sources, targets));
  });
});

interface Graph {
  readonly ids: readonly string[];
  readonly edges: readonly Edge[];
}

const idList = fc.uniqueArray(fc.string({ maxLength: 4 }), { minLength: 1, maxLength: 70 });

/** Edges lead from lower to higher ranks, so there is no cycle; declaration order has nothing to do with the ranks. */
const acyclic: fc.Arbitrary<Graph> = idList.chain((ids) =>
  fc.tuple(fc.shuffledSubarray([...ids], { minLength: ids.length }), pairs(ids.length)).map(([ranked, numbers]) => ({
    ids,
    edges: numbers
      .filter(([one, other]) => one !== other)
      .map(([one, other]): Edge => [ranked[Math.min(one, other)] ?? "", ranked[Math.max(one, other)] ?? ""]),
  })),
);

const anyGraph: fc.Arbitrary<Graph> = fc
  .uniqueArray(fc.string({ maxLength: 3 }), { minLength: 1, maxLength: 12 })
  .chain((ids) =>
    pairs(ids.length).map((numbers) => ({ ids, edges: numbers.map(([one, other]): Edge => [ids[one] ?? "", ids[other] ?? ""]) })),
  );

function pairs(count: number): fc.Arbitrary<[number, number][]> {
  const node = fc.nat({ max: count - 1 });
  return fc.array(fc.tuple(node, node), { maxLength: 2 * count });
}

/** The definition itself, quadratic: the first declared id whose predecessors are all placed, until there is none. */
function leastOrder(ids: readonly string[], edges: readonly Edge[]): string[] {
  const order: string[] = [];
  const isFree = (id: string): boolean =>
    !order.includes(id) && edges.every(([before, after]) => after !== id || order.includes(before));
  for (let next = ids.find(isFree); next !== undefined; next = ids.find(isFree)) order.push(next);
  return order;
}

function leastOrderOfNumbers(nodeCount: number, from: Int32Array, to: Int32Array): number[] {
  const waiting = new Array<number>(nodeCount).fill(0);
  for (const node of to) waiting[node] = (waiting[node] ?? 0) + 1;
  const free = new Set([...waiting.keys()].filter((node) => waiting[node] === 0));
  const order: number[] = [];
  while (free.size > 0) {
    const node = Math.min(...free);
    free.delete(node);
    order.push(node);
    for (const [edge, source] of from.entries()) {
      const target = to[edge] ?? 0;
      if (source !== node) continue;
      waiting[target] = (waiting[target] ?? 0) - 1;
      if (waiting[target] === 0) free.add(target);
    }
  }
  return order;
}

function longestPath(id: string, edges: readonly Edge[]): number {
  return Math.max(-1, ...edges.filter(([, after]) => after === id).map(([before]) => longestPath(before, edges))) + 1;
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

function refusalOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new TypeError("expected a refusal, nothing was thrown");
}
