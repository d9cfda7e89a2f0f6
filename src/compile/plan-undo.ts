import type { CompileCatalog, CompileVerb, Planned, WriteSetMode } from "./compile-request.js";
import type { CompilationError } from "../model/outcome.js";
import type { ExpandedStep } from "../model/step.js";
import type { JsonValue } from "../json/value.js";
import type { Limits } from "../model/limits.js";
import type { Scope, StepId } from "../model/ids.js";
import type { StepWrites } from "../model/write-set.js";
import type { Tree } from "../model/expression.js";
import type { VerbContract, VerbRef } from "../model/verb.js";
import { REDACTED } from "../secrets/redact.js";
import { canonicalTree } from "./canonical-tree.js";
import { checkWriteSet, deriveWrites, NO_WRITES } from "./write-set.js";
import { completeTree } from "./complete-tree.js";
import { literalOf } from "../expression/literal.js";
import { planSteps } from "./plan.js";
import { STEP_ARGS_BYTES_MAX } from "./step-args-bytes-max.js";
import { verbRef } from "../model/verb.js";
import { warningFinding } from "./refusals.js";

/** A call that undoes a step: every argument known. */
export interface UndoCall {
  readonly stepId: StepId;
  readonly verb: string;
  readonly args: Tree;
}

/** What {@link planUndo} goes by. */
export interface UndoPlanRequest {
  readonly catalog: CompileCatalog;
  readonly scope: Scope;
  /** The effect that is undone first comes first. */
  readonly calls: readonly UndoCall[];
  readonly name: string;
  readonly title: string;
  readonly intent: string | null;
  readonly requestedBy: string | null;
  readonly limits: Limits;
  readonly writeSet: WriteSetMode;
  /** What a person should know before approving. */
  readonly remarks: readonly string[];
}

/** A call that this catalog can't make. */
export interface UndoMisfit {
  readonly stepId: StepId;
  readonly reason: "inverse_missing" | "arguments_refused" | "redacted";
}

/** The calls that fit the catalog, and those that don't. */
export interface FittedCalls {
  readonly calls: readonly FittedCall[];
  readonly misfits: readonly UndoMisfit[];
}

/** A call that fits its verb, ready to be planned. */
export interface FittedCall {
  readonly stepId: StepId;
  readonly verb: CompileVerb;
  readonly args: Tree;
  /** Canonical text of the arguments. */
  readonly text: string;
}

/**
 * Holds the calls of an undo against the verbs of a catalog: each is there, and takes its arguments.
 *
 * @remarks Time O(text) of the arguments.
 */
export function fitUndo(catalog: Pick<CompileCatalog, "verb">, calls: readonly UndoCall[]): FittedCalls {
  const fitted: FittedCall[] = [];
  const misfits: UndoMisfit[] = [];
  for (const call of calls) {
    const found = fit(catalog, call);
    if (typeof found === "string") misfits.push({ stepId: call.stepId, reason: found });
    else fitted.push(found);
  }
  return { calls: fitted, misfits };
}

function fit(catalog: Pick<CompileCatalog, "verb">, { stepId, verb: name, args }: UndoCall): FittedCall | UndoMisfit["reason"] {
  const verb = catalog.verb(name);
  if (verb === undefined) return "inverse_missing";
  const { tree, issues } = completeTree(verb.contract.args, args, verb.args);
  if (issues.length > 0) return "arguments_refused";
  try {
    const sealed = canonicalTree(tree, STEP_ARGS_BYTES_MAX);
    if (holdsRedacted(literalOf(sealed.tree))) return "redacted";
    return { stepId, verb, args: sealed.tree, text: sealed.text };
  } catch {
    // not canonical, too large, or with a value that is not known: nothing else is thrown here
    return "arguments_refused";
  }
}

/** Whether something was taken out of a value before it was recorded: what is left is not what was meant. */
function holdsRedacted(value: JsonValue): boolean {
  if (typeof value === "string") return value.includes(REDACTED);
  if (value === null || typeof value !== "object") return false;
  return Object.entries(value).some(([name, member]) => name.includes(REDACTED) || holdsRedacted(member));
}

/**
 * Plans the calls of an undo one after the other, so that the order holds whatever runs side by side; step `undo/<id>` undoes the
 * step `<id>`.
 *
 * Pure: what comes of it is sealed like any plan.
 *
 * @returns the plan; a `dag_error` when there is no call, `write_set_unresolved` as a compilation gives it
 */
export function planUndo(
  request: Omit<UndoPlanRequest, "calls"> & { readonly calls: readonly FittedCall[] },
): Planned | CompilationError {
  const { calls, scope, name, title, intent, requestedBy, limits, remarks } = request;
  const contracts = new Map<VerbRef, VerbContract>(calls.map(({ verb }) => [verbRef(verb.contract), verb.contract]));
  const steps = calls.map((call, index) => stepOf(call, calls[index - 1]));
  const writes = writesOf(calls, request.writeSet);
  const plan = planSteps(steps, writes);
  if ("errorKind" in plan) return plan;
  const unresolved = checkWriteSet(plan.steps, contracts, request.writeSet);
  if (unresolved !== undefined) return unresolved;
  return {
    kind: "planned",
    scope,
    name,
    title,
    intent,
    requestedBy,
    uses: "once",
    plan,
    writeSet: { byStep: writes },
    output: {},
    execution: { onFailure: "stop" },
    core: { bindings: {}, allocations: [], lookups: [], macroAudits: [], snapshotManifest: {}, limits },
    macroAudits: [],
    lookups: [],
    contracts,
    argsText: new Map(calls.map((call) => [undoStepId(call.stepId), call.text])),
    diagnostics: [...remarks.map((remark) => warningFinding("undo.left", "", remark)), ...plan.diagnostics],
  };
}

/** The id of the step that undoes a step. */
export function undoStepId(stepId: StepId): StepId {
  return `undo/${stepId}`;
}

function stepOf({ stepId, verb, args }: FittedCall, before: FittedCall | undefined): ExpandedStep {
  const { contract } = verb;
  return {
    id: undoStepId(stepId),
    verb: verbRef(contract),
    args,
    after: before === undefined ? [] : [undoStepId(before.stepId)],
    mode: contract.mode,
    optional: [],
    ...(contract.sentence !== undefined && { sentence: contract.sentence }),
    macro: null,
  };
}

function writesOf(calls: readonly FittedCall[], mode: WriteSetMode): ReadonlyMap<StepId, StepWrites> {
  const writes = new Map<StepId, StepWrites>();
  for (const { stepId, verb, args } of calls) {
    const touched = deriveWrites(verb.contract, args, mode);
    if (touched !== NO_WRITES) writes.set(undoStepId(stepId), touched);
  }
  return writes;
}
