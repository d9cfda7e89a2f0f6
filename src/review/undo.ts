import type { Digest, StepId } from "../model/ids.js";
import type { PastStep, PastSteps } from "../model/past-step.js";
import type { Resolve } from "../expression/reduce.js";
import type { Tree } from "../model/expression.js";
import type { VerbContract } from "../model/verb.js";
import { reduce } from "../expression/reduce.js";
import { treeOfJson } from "../expression/literal.js";

/** One call that undoes a step, as the step's contract declares it. */
export interface InverseCall {
  /** The step that is undone. */
  readonly stepId: StepId;
  /** Name of the inverse verb. */
  readonly verb: string;
  /** Its arguments, every value known. */
  readonly args: Tree;
}

/** Why a step that wrote, or may have written, is not undone. */
export type NotUndoneReason =
  /** Its verb declares no inverse. */
  | "no_inverse"
  /** Nobody knows whether it wrote: in doubt, cut off, timed out, or sent off and not answered. */
  | "unsure"
  /** It failed by its own word. Does not stand in the way. */
  | "failed"
  /** It is another run's: that one did it, or took the doubt over, and undoes it. Does not stand in the way. */
  | "carried"
  /** The catalog has no such inverse verb. */
  | "inverse_missing"
  /** The inverse verb refuses the arguments that the contract gives. */
  | "arguments_refused"
  /** The arguments hold something that was taken out as a secret before it was recorded. */
  | "redacted";

/** A step that is left as it is. */
export interface NotUndone {
  readonly stepId: StepId;
  readonly reason: NotUndoneReason;
}

/** What undoing a run comes to, before anybody asks whether the catalog can do it. */
export interface Undoing {
  /** Newest effect first. */
  readonly calls: readonly InverseCall[];
  readonly left: readonly NotUndone[];
}

/** What {@link undoingOf} looks at. */
export interface UndoRequest {
  readonly past: PastSteps;
  /** Completed steps in the order in which they completed. */
  readonly order: readonly StepId[];
  /** Steps whose results were carried over from another run, or whose doubts another run took over. */
  readonly carried: ReadonlySet<StepId>;
  /** The contracts that the run's runbook was sealed against, by digest. */
  readonly contracts: ReadonlyMap<Digest, VerbContract>;
}

/** Failures after which the effect may have happened all the same. */
const UNSURE_FAILURES: ReadonlySet<string> = new Set(["step.timeout", "step.fenced", "orphan_attempt_recovered"]);

/**
 * Lists the calls that undo what a run wrote: its completed writing steps, the last one first, with the inverse that each contract
 * declares and arguments from the recorded arguments and results (decision 3.18).
 *
 * Pure. The order is that of completion, reversed: a linear order of what happened, whatever ran side by side.
 *
 * @remarks Time O(text) of the arguments and results.
 */
export function undoingOf(request: UndoRequest): Undoing {
  const calls: InverseCall[] = [];
  const left: NotUndone[] = [];
  for (const stepId of request.order.toReversed()) {
    const past = request.past.get(stepId);
    if (past?.step.effect !== "write" || past.status !== "completed") continue;
    const undo = request.contracts.get(past.step.contract)?.undo;
    if (request.carried.has(stepId)) left.push({ stepId, reason: "carried" });
    else if (undo === undefined) left.push({ stepId, reason: "no_inverse" });
    else calls.push({ stepId, verb: undo.verb, args: inverseArgs(undo.args, past, request.past) });
  }
  return { calls, left: [...left, ...unfinished(request)] };
}

/** Whether a reason stands in the way of undoing a run as a whole. */
export function standsInTheWay({ reason }: NotUndone): boolean {
  return reason !== "failed" && reason !== "carried";
}

/** Writing steps that were begun and did not complete, in plan order. */
function unfinished({ past, carried }: UndoRequest): readonly NotUndone[] {
  return [...past.values()]
    .filter(({ step, status, attempt }) => {
      return step.effect === "write" && status !== "completed" && (attempt > 0 || status === "in_doubt");
    })
    .map((step) => ({ stepId: step.step.id, reason: carried.has(step.step.id) ? "carried" : whyUnfinished(step) }));
}

function whyUnfinished({ status, failureCode }: PastStep): "unsure" | "failed" {
  const isUnsure = status !== "failed" && status !== "pending" && status !== "skipped";
  return isUnsure || UNSURE_FAILURES.has(failureCode ?? "") ? "unsure" : "failed";
}

/** The arguments of an inverse: `param` is the step's arguments with the results they read, `result` what the step gave. */
function inverseArgs(args: Tree, past: PastStep, all: PastSteps): Tree {
  const given = reduce(past.step.args, resultsOf(all)) ?? {};
  const result = treeOfJson(past.result);
  return (
    reduce(args, (reference) => {
      if (reference.$ === "param") return { known: true, tree: given };
      return reference.$ === "result" ? { known: true, tree: result } : { known: false };
    }) ?? {}
  );
}

/** The result of a step that did not complete was `null` for those that read it. */
function resultsOf(past: PastSteps): Resolve {
  return (reference) => {
    const step = reference.$ === "result" ? past.get(reference.step) : undefined;
    return step === undefined ? { known: false } : { known: true, tree: treeOfJson(step.result) };
  };
}
