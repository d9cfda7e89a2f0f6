import type { Ledger } from "./ledger.js";
import type { Limits } from "../model/limits.js";
import type { Mode } from "../model/verb.js";
import type { StepId } from "../model/ids.js";

/** Most explicit ordering edges of one plan; beyond it the plan is refused rather than the process starved. */
const EDGES_MAX = 5_000_000;

/** Statements and iterations that an expansion may work through, whatever the limits are. */
const WORK_MIN = 2_000_000;
const WORK_PER_STEP = 200;
const WORK_PER_MACRO = 25;
const TEXT_PER_WORK = 128;

/** Counts what an expansion makes, over the whole tree, and ends it before more is made than the limits allow. */
export class Budget {
  /** Segments of a step id: 16, more only where macros may nest deeper than by default. */
  readonly segmentsMax: number;
  readonly #limits: Limits;
  readonly #ledger: Ledger;
  readonly #workMax: number;
  #work = 0;
  #edges = 0;
  #steps = 0;
  #humanSteps = 0;
  #lookups = 0;

  constructor(limits: Limits, ledger: Ledger) {
    this.#limits = limits;
    this.#ledger = ledger;
    this.#workMax = Math.max(WORK_MIN, WORK_PER_STEP * Math.max(limits.stepsMax, limits.depthMax));
    this.segmentsMax = Math.max(16, 2 * limits.depthMax);
  }

  /** One more statement or iteration. */
  statement(path: string): boolean {
    return this.#spend(1, path);
  }

  /** One more macro at a level, with parameters of this much text. */
  macro(depth: number, textLength: number, chain: readonly string[], path: string): boolean {
    const { depthMax } = this.#limits;
    if (depth <= depthMax) return this.#spend(WORK_PER_MACRO + textLength / TEXT_PER_WORK, path);
    const message = `macros are nested deeper than ${depthMax} levels below the root`;
    return this.#refuse("expand.too_deep", path, message, chain);
  }

  /** One more step. */
  step(id: StepId, mode: Mode): boolean {
    const { stepsMax, humanStepsMax } = this.#limits;
    this.#steps += 1;
    if (this.#steps > stepsMax) return this.#refuse("expand.too_many_steps", id, `the plan has more than ${stepsMax} steps`);
    if (mode === "human_gate") this.#humanSteps += 1;
    if (this.#humanSteps <= humanStepsMax) return true;
    return this.#refuse(
      "expand.too_many_human_steps",
      id,
      `the plan has more than ${humanStepsMax} steps that wait for a person`,
    );
  }

  /** More explicit edges into one step. */
  edges(count: number, id: StepId): boolean {
    this.#edges += count;
    if (this.#edges <= EDGES_MAX) return true;
    return this.#refuse("expand.too_many_edges", id, `the plan has more than ${EDGES_MAX} explicit ordering edges`);
  }

  /** One more lookup, answered or not. */
  lookup(path: string): boolean {
    const { lookupsMax } = this.#limits;
    this.#lookups += 1;
    if (this.#lookups <= lookupsMax) return true;
    this.#ledger.stop("lookup_failed", "resolve.too_many", path, `the macros ask more than ${lookupsMax} lookups`);
    return false;
  }

  #spend(units: number, path: string): boolean {
    this.#work += units;
    if (this.#work <= this.#workMax) return true;
    return this.#refuse(
      "expand.too_much_work",
      path,
      "the macros expand to far more statements than the limit on steps allows for",
    );
  }

  #refuse(code: string, path: string, message: string, related?: readonly string[]): false {
    this.#ledger.stop("limits_exceeded", code, path, message, related);
    return false;
  }
}
