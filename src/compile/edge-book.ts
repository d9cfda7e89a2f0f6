import type { PlanEdge } from "../model/step.js";

/** Ordering edges between numbered steps, each once with the first reason found for it. */
export class EdgeBook {
  readonly stepCount: number;
  readonly from: number[] = [];
  readonly to: number[] = [];
  readonly why: PlanEdge["why"][] = [];
  readonly #known = new Set<number>();
  #isForward = true;

  constructor(stepCount: number) {
    this.stepCount = stepCount;
  }

  /** Whether every edge so far leads from a step to one with a higher number. */
  get isForward(): boolean {
    return this.#isForward;
  }

  /** Tells whether there is an edge from one step to another. */
  has(from: number, to: number): boolean {
    return this.#known.has(from * this.stepCount + to);
  }

  /** Adds an edge; a repeated one keeps its first reason. */
  add(from: number, to: number, why: PlanEdge["why"]): void {
    if (this.has(from, to)) return;
    this.#known.add(from * this.stepCount + to);
    this.from.push(from);
    this.to.push(to);
    this.why.push(why);
    if (from >= to) this.#isForward = false;
  }
}
