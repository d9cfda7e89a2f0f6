import type { BasisStep } from "../model/envelope.js";
import type { PastStep, PastSteps } from "../model/past-step.js";
import type { StepId } from "../model/ids.js";
import type { JsonValue } from "../json/value.js";
import type { Resolve } from "../expression/reduce.js";
import type { SealedStep } from "../model/step.js";
import type { StepStatus } from "../model/run.js";
import type { Tree } from "../model/expression.js";
import { canonicalize } from "../json/canonical.js";
import { present } from "../errors/invariant.js";
import { isLiteral, literalOf, treeOfJson } from "../expression/literal.js";
import { reduce } from "../expression/reduce.js";
import { referencesOf } from "../expression/references.js";

/** Why a step is not carried over. */
export type NotCarriedReason =
  /** The fork begins with it, or it comes later. */
  | "from_here"
  /** The run has no such step. */
  | "new"
  /** It had not completed: pending, failed, skipped, parked or in doubt. */
  | "not_completed"
  | "contract_changed"
  | "arguments_changed"
  /** Its arguments or its condition read a step that is run again. */
  | "arguments_unknown"
  /** Its condition does not hold in the new plan. */
  | "condition_changed";

/** A step of the new plan that is run, and why. */
export interface NotCarried {
  readonly stepId: StepId;
  readonly reason: NotCarriedReason;
  /** Where the step stood in the run; `null` when it had none. */
  readonly status: StepStatus | null;
}

/** What a new plan takes over from a run. */
export interface Carry {
  /** For the basis, in plan order. */
  readonly steps: readonly BasisStep[];
  readonly carried: readonly StepId[];
  readonly notCarried: readonly NotCarried[];
}

/** What {@link carryOver} goes by. */
export interface CarryRequest {
  readonly past: PastSteps;
  /** Of the new plan, in plan order. */
  readonly steps: readonly SealedStep[];
  readonly skipTags: readonly string[];
  /** The step that a fork begins with; `null` = steps are carried wherever they agree. */
  readonly from: StepId | null;
  /** Whether steps that agree keep their idempotency keys, and doubts stay doubts (decision 4.6a). */
  readonly keepsKeys: boolean;
}

/**
 * Decides which steps of a plan take over what a run has done: where step id, contract digest and resolved arguments agree, and
 * nowhere else (decision 3.18).
 *
 * Arguments agree when they come to the same value with the results that are carried: a step that reads a step that is run again
 * is run again too.
 *
 * @remarks Time O(text) of the arguments of the steps that completed.
 */
export function carryOver(request: CarryRequest): Carry {
  const { from } = request;
  const steps: BasisStep[] = [];
  const carried: StepId[] = [];
  const notCarried: NotCarried[] = [];
  /** Results as the new plan will have them; `null` for steps that it will skip. */
  const results = new Map<StepId, JsonValue>();
  let isOver = false;
  for (const step of request.steps) {
    isOver ||= step.id === from;
    const stepId = step.id;
    const past = request.past.get(stepId);
    if (past === undefined) {
      notCarried.push({ stepId, reason: "new", status: null });
      continue;
    }
    const difference = differenceOf(request, step, past, results);
    const reason = isOver ? "from_here" : past.status === "completed" ? difference : "not_completed";
    if (reason === null) {
      const digest = present(past.digest, "a completed step has the digest of what it left");
      steps.push({ stepId, as: "completed", digest, ...keyOf(request, past) });
      carried.push(stepId);
      results.set(stepId, past.result);
      continue;
    }
    notCarried.push({ stepId, reason, status: past.status });
    if (past.status === "skipped" && isSkippedAgain(request, step, results)) results.set(stepId, null);
    const as = difference === null && request.keepsKeys ? begunAs(past) : undefined;
    if (as !== undefined) steps.push({ stepId, as, ...keyOf(request, past) });
  }
  return { steps, carried, notCarried };
}

type Difference = Exclude<NotCarriedReason, "from_here" | "not_completed" | "new"> | null;

function keyOf({ keepsKeys }: CarryRequest, { keyRunId }: PastStep): Pick<BasisStep, "keyRunId"> {
  return keepsKeys ? { keyRunId } : {};
}

/** What the plan that takes the place of a run makes of a step that had begun and not completed. */
function begunAs(past: PastStep): "in_doubt" | "entered" | undefined {
  if (isUnsure(past)) return "in_doubt";
  return past.attempt > 0 ? "entered" : undefined;
}

/** In doubt, or sent off and not answered: what can't simply be done twice waits for a person. */
export function isUnsure({ status, attempt, step }: PastStep): boolean {
  if (status === "in_doubt") return true;
  return status === "parked" && attempt > 0 && step.effect === "write" && step.recovery !== "idempotent";
}

function differenceOf(
  { past: all }: CarryRequest,
  step: SealedStep,
  past: PastStep,
  results: ReadonlyMap<StepId, JsonValue>,
): Difference {
  if (past.step.contract !== step.contract) return "contract_changed";
  const condition = step.when === undefined ? true : valueOf(step.when, newResults(results));
  if (condition === undefined) return "arguments_unknown";
  if (condition !== true) return "condition_changed";
  const args = valueOf(step.args, newResults(results));
  if (args === undefined) return "arguments_unknown";
  return sameText(args, valueOf(past.step.args, pastResults(all))) ? null : "arguments_changed";
}

/** Whether a step that was skipped is skipped again, whatever the steps that are run come to. */
function isSkippedAgain({ skipTags, past }: CarryRequest, step: SealedStep, results: ReadonlyMap<StepId, JsonValue>): boolean {
  if (step.tags?.some((tag) => skipTags.includes(tag)) === true) return true;
  const condition = step.when === undefined ? true : valueOf(step.when, newResults(results));
  if (condition !== undefined && condition !== true) return true;
  const reads = [...referencesOf(step.args), ...(step.when === undefined ? [] : referencesOf(step.when))];
  return reads.some(
    (reference) =>
      reference.$ === "result" &&
      step.optional?.includes(reference.step) !== true &&
      past.get(reference.step)?.status === "skipped" &&
      results.has(reference.step),
  );
}

/** The value of a tree; `undefined` where it reads something that is not known. An absent root is `null`. */
function valueOf(tree: Tree, resolve: Resolve): JsonValue | undefined {
  const reduced = reduce(tree, resolve) ?? null;
  return isLiteral(reduced) ? literalOf(reduced) : undefined;
}

function newResults(results: ReadonlyMap<StepId, JsonValue>): Resolve {
  return (reference) => {
    const result = reference.$ === "result" ? results.get(reference.step) : undefined;
    return result === undefined ? { known: false } : { known: true, tree: treeOfJson(result) };
  };
}

/** What a reference stood for in the run: the result of a step that did not complete was `null`. */
function pastResults(past: PastSteps): Resolve {
  return (reference) => {
    const step = reference.$ === "result" ? past.get(reference.step) : undefined;
    return step === undefined ? { known: false } : { known: true, tree: treeOfJson(step.result) };
  };
}

function sameText(a: JsonValue, b: JsonValue | undefined): boolean {
  return b !== undefined && canonicalize(a) === canonicalize(b);
}
