import { present } from "../errors/invariant.js";

/**
 * Keeps an order of numbered steps while edges are added, and refuses an edge that would close a circle.
 *
 * Pearce and Kelly, "A dynamic topological sort algorithm for directed acyclic graphs" (2006): an edge that agrees with the order
 * costs O(1); one that does not is searched for only between its two ends in the order.
 */
export class OrderKeeper {
  readonly #position: Int32Array;
  readonly #after: number[][];
  readonly #before: number[][];

  /**
   * @param order - every step once, in an order that agrees with the edges so far
   * @param edges - the edges so far, as pairs of equal positions
   */
  constructor(order: Int32Array, edges: { readonly from: readonly number[]; readonly to: readonly number[] }) {
    this.#position = new Int32Array(order.length);
    for (const [position, step] of order.entries()) this.#position[step] = position;
    this.#after = Array.from({ length: order.length }, () => []);
    this.#before = Array.from({ length: order.length }, () => []);
    for (const [edge, step] of edges.from.entries()) this.#link(step, edges.to[edge] ?? step);
  }

  /** Where a step stands in the order. */
  position(step: number): number {
    return present(this.#position[step], "every step has a position");
  }

  /** Adds an edge and tells so; `false` when `to` comes before `from` already, and nothing is added. */
  add(from: number, to: number): boolean {
    const last = this.position(from);
    const first = this.position(to);
    if (first < last) {
      const later = this.#reach([to], this.#after, (position) => position <= last);
      if (later.includes(from)) return false;
      this.#reorder(
        this.#reach([from], this.#before, (position) => position >= first),
        later,
      );
    }
    this.#link(from, to);
    return from !== to;
  }

  #link(from: number, to: number): void {
    this.#after[from]?.push(to);
    this.#before[to]?.push(from);
  }

  #reach(start: readonly number[], links: readonly (readonly number[])[], isBetween: (position: number) => boolean): number[] {
    const seen = new Set(start);
    const open = [...start];
    for (let step = open.pop(); step !== undefined; step = open.pop()) {
      for (const next of links[step] ?? []) {
        if (seen.has(next) || !isBetween(this.position(next))) continue;
        seen.add(next);
        open.push(next);
      }
    }
    return [...seen];
  }

  /** Gives the places of both groups to the earlier group first, each group in its own order. */
  #reorder(earlier: number[], later: number[]): void {
    const byPosition = (a: number, b: number): number => this.position(a) - this.position(b);
    const steps = [...earlier.sort(byPosition), ...later.sort(byPosition)];
    const places = steps.map((step) => this.position(step)).sort((a, b) => a - b);
    for (const [index, step] of steps.entries()) this.#position[step] = places[index] ?? 0;
  }
}
