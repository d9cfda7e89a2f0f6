import type { CompilationError } from "../model/outcome.js";
import type { Diagnostic } from "../model/diagnostic.js";
import type { ExpandedStep, PlanEdge } from "../model/step.js";
import type { Plan } from "../model/plan.js";
import type { StepId } from "../model/ids.js";
import type { StepWrites } from "../model/write-set.js";
import { compilationError, errorFinding, warningFinding } from "./refusals.js";
import { EdgeBook } from "./edge-book.js";
import { kahn } from "./kahn.js";
import { OrderKeeper } from "./order-keeper.js";
import { orderByEntity } from "./entity-order.js";
import { present } from "../errors/invariant.js";
import { readBy } from "./order-marks.js";
import { toposort } from "./toposort.js";

/**
 * Puts steps in an order that can run, and says why (A-070 to A-072, decisions 1.8 and 2.6).
 *
 * Edges come from explicit `after`, from reading another step's result, and from touching the same entity in order of writing;
 * the last kind is left out where the others order the two steps the other way. Ties go by order of writing.
 *
 * @param steps - in order of writing
 * @param writes - what each step touches
 * @returns the plan, or `dag_error` when it is empty, a step depends on nothing that exists, or steps wait for each other
 * @remarks Time O(steps + edges) where edges follow the order of writing, as those of recorded macros do.
 */
export function planSteps(steps: readonly ExpandedStep[], writes: ReadonlyMap<StepId, StepWrites>): Plan | CompilationError {
  if (steps.length === 0) {
    return compilationError("dag_error", [
      errorFinding("plan.empty", "", "the invocation expands to no step; there is nothing to do"),
    ]);
  }
  const edges = new EdgeBook(steps.length);
  const unresolved = addExplicit(steps, edges);
  if (unresolved.length > 0) return compilationError("dag_error", unresolved);
  const keeper = edges.isForward ? undefined : keeperOf(edges);
  if (keeper === null) return cycleError(steps, edges);
  orderByEntity(steps, writes, edges, keeper);
  return assemble(steps, edges);
}

function addExplicit(steps: readonly ExpandedStep[], edges: EdgeBook): readonly Diagnostic[] {
  const numbers = new Map(steps.map((step, number) => [step.id, number]));
  const findings: Diagnostic[] = [];
  const add = (step: ExpandedStep, to: number, before: StepId, why: "after" | "result"): void => {
    const from = numbers.get(before);
    if (from !== undefined) {
      edges.add(from, to, { kind: why });
      return;
    }
    const what = why === "after" ? "comes after" : "reads the result of";
    findings.push(
      errorFinding("plan.unresolved_dependency", step.id, `"${step.id}" ${what} "${before}", which is no step`, [before]),
    );
  };
  let to = 0;
  for (const step of steps) {
    for (const before of step.after) add(step, to, before, "after");
    for (const before of readBy(step)) add(step, to, before, "result");
    to += 1;
  }
  return findings;
}

/** An order that agrees with the explicit edges; `null` when there is none. */
function keeperOf(edges: EdgeBook): OrderKeeper | null {
  const { order, placed } = kahn(edges.stepCount, Int32Array.from(edges.from), Int32Array.from(edges.to));
  return placed === edges.stepCount ? new OrderKeeper(order, edges) : null;
}

function cycleError(steps: readonly ExpandedStep[], edges: EdgeBook): CompilationError {
  const ids = steps.map((step) => step.id);
  const pairs = edges.from.map((from, edge): readonly [string, string] => [
    idOf(steps, from),
    idOf(steps, edges.to[edge] ?? from),
  ]);
  const sorted = toposort(ids, pairs);
  const cycle = "cycle" in sorted ? sorted.cycle : [];
  const message = `steps wait for each other in a circle: ${cycle.join(" -> ")}`;
  return compilationError("dag_error", [errorFinding("plan.cycle", cycle[0] ?? "", message, cycle)], cycle);
}

function assemble(steps: readonly ExpandedStep[], edges: EdgeBook): Plan {
  const { order } = kahn(edges.stepCount, Int32Array.from(edges.from), Int32Array.from(edges.to));
  const before: (number[] | undefined)[] = new Array<undefined>(steps.length);
  const explained = edges.from.map((from, edge): PlanEdge => {
    const to = present(edges.to[edge], "an edge has two ends");
    const known = before[to];
    if (known === undefined) before[to] = [from];
    else known.push(from);
    return { before: idOf(steps, from), after: idOf(steps, to), why: present(edges.why[edge], "an edge has a reason") };
  });
  const ordered = Array.from(order, (number) => present(steps[number], "the order names steps"));
  return {
    steps: ordered,
    phases: phasesOf(steps, order, before),
    edges: explained,
    dependsOn: new Map(steps.map((step, number) => [step.id, sortedIds(steps, before[number])])),
    diagnostics: remarks(ordered, order),
  };
}

/** Groups steps by the length of the longest path that leads to them. */
function phasesOf(
  steps: readonly ExpandedStep[],
  order: Int32Array,
  before: readonly (readonly number[] | undefined)[],
): readonly (readonly StepId[])[] {
  const depths = new Int32Array(steps.length);
  const phases: StepId[][] = [];
  for (const number of order) {
    let depth = 0;
    for (const first of before[number] ?? []) depth = Math.max(depth, (depths[first] ?? 0) + 1);
    depths[number] = depth;
    const phase = phases[depth];
    if (phase === undefined) phases.push([idOf(steps, number)]);
    else phase.push(idOf(steps, number));
  }
  return phases;
}

function remarks(ordered: readonly ExpandedStep[], order: Int32Array): readonly Diagnostic[] {
  const moved = ordered.filter((_, position) => order[position] !== position).map((step) => step.id);
  const [first] = moved;
  if (first === undefined) return [];
  const message = `${moved.length} of ${ordered.length} steps run in another order than they are written in`;
  return [warningFinding("plan.reordered", first, message, moved.slice(0, 20))];
}

const NONE: readonly StepId[] = Object.freeze([]);

function sortedIds(steps: readonly ExpandedStep[], numbers: readonly number[] | undefined): readonly StepId[] {
  if (numbers === undefined) return NONE;
  return numbers.map((number) => idOf(steps, number)).sort();
}

function idOf(steps: readonly ExpandedStep[], number: number): StepId {
  return present(steps[number], "edges are between steps").id;
}
