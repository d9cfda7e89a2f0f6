/** Why one transaction comes before another: it wrote before, was read by, or read what the other then overwrote. */
export type Dependency = "ww" | "wr" | "rw";

/** An edge of a cycle. */
export interface CycleEdge {
  readonly from: string;
  readonly by: Dependency;
  readonly to: string;
}

/** Which transactions must come before which. */
export class DependencyGraph {
  readonly #edges = new Map<string, Map<string, Set<Dependency>>>();

  /** Adds an edge; one from a transaction to itself says nothing and is left out. */
  add(from: string, by: Dependency, to: string): void {
    if (from === to) return;
    const targets = this.#edges.get(from) ?? new Map<string, Set<Dependency>>();
    this.#edges.set(from, targets);
    targets.set(to, (targets.get(to) ?? new Set<Dependency>()).add(by));
  }

  /** Edges of some kinds, in the order they were added. */
  *edges(kinds: readonly Dependency[]): Iterable<CycleEdge> {
    for (const [from, targets] of this.#edges) {
      for (const [to, bys] of targets) {
        const by = kinds.find((kind) => bys.has(kind));
        if (by !== undefined) yield { from, by, to };
      }
    }
  }

  /** The shortest path over edges of some kinds; breadth first, O(n + e). */
  path(from: string, to: string, kinds: readonly Dependency[]): readonly CycleEdge[] | undefined {
    const cameBy = new Map<string, CycleEdge>();
    const queue = [from];
    for (const at of queue) {
      for (const edge of this.#from(at, kinds)) {
        if (edge.to === to) return this.#back(from, edge, cameBy);
        if (edge.to === from || cameBy.has(edge.to)) continue;
        cameBy.set(edge.to, edge);
        queue.push(edge.to);
      }
    }
    return undefined;
  }

  /** A shortest cycle of every set of transactions that lie on cycles together; Tarjan's algorithm without recursion, O(n + e). */
  cycles(kinds: readonly Dependency[]): readonly (readonly CycleEdge[])[] {
    return this.#tangles(kinds).flatMap((members) => {
      const [first = ""] = members;
      const cycle = this.path(first, first, kinds);
      return cycle === undefined ? [] : [cycle];
    });
  }

  *#from(from: string, kinds: readonly Dependency[]): Iterable<CycleEdge> {
    for (const [to, bys] of this.#edges.get(from) ?? []) {
      const by = kinds.find((kind) => bys.has(kind));
      if (by !== undefined) yield { from, by, to };
    }
  }

  #back(start: string, last: CycleEdge, cameBy: ReadonlyMap<string, CycleEdge>): readonly CycleEdge[] {
    const path = [last];
    let at = last.from;
    while (at !== start) {
      const edge = cameBy.get(at);
      if (edge === undefined) break;
      path.unshift(edge);
      at = edge.from;
    }
    return path;
  }

  /** Strongly connected components of more than one member. */
  #tangles(kinds: readonly Dependency[]): readonly (readonly string[])[] {
    const index = new Map<string, number>();
    const low = new Map<string, number>();
    const open: string[] = [];
    const isOpen = new Set<string>();
    const found: string[][] = [];
    const lower = (node: string, to: number): void => {
      low.set(node, Math.min(low.get(node) ?? to, to));
    };
    const enter = (node: string): Frame => {
      index.set(node, index.size);
      low.set(node, index.size - 1);
      open.push(node);
      isOpen.add(node);
      return { node, rest: this.#from(node, kinds)[Symbol.iterator]() };
    };
    for (const root of this.#edges.keys()) {
      if (index.has(root)) continue;
      const frames = [enter(root)];
      for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
        const next = frame.rest.next();
        if (next.done !== true) {
          const { to } = next.value;
          const seen = index.get(to);
          if (seen === undefined) frames.push(enter(to));
          else if (isOpen.has(to)) lower(frame.node, seen);
          continue;
        }
        frames.pop();
        const { node } = frame;
        const parent = frames.at(-1);
        if (parent !== undefined) lower(parent.node, low.get(node) ?? 0);
        if (low.get(node) !== index.get(node)) continue;
        const members = open.splice(open.indexOf(node));
        for (const member of members) isOpen.delete(member);
        if (members.length > 1) found.push(members);
      }
    }
    return found;
  }
}

interface Frame {
  readonly node: string;
  readonly rest: Iterator<CycleEdge>;
}
