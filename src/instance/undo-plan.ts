import type { FittedCall } from "../compile/plan-undo.js";
import type { InstanceParts } from "./parts.js";
import type { NotUndone } from "../review/undo.js";
import type { PastRun } from "./past-run.js";
import type { Preview } from "../model/preview.js";
import type { Requester } from "../model/invocation.js";
import type { Runbook } from "../model/runbook.js";
import type { RunbookDiff } from "../review/runbook-diff.js";
import type { RunId, StepId } from "../model/ids.js";
import { AMENDED } from "../engine/end-amended.js";
import { RunsealError } from "../errors/error.js";
import { assertAllowed } from "./new-plan.js";
import { assertOutsideStep } from "./phase-guard.js";
import { basisStepsOf, isCarried } from "../model/basis-steps.js";
import { diffRunbooks } from "../review/diff.js";
import { fitUndo, planUndo } from "../compile/plan-undo.js";
import { isTerminal } from "../history/run-head.js";
import { notAtRest, pastStepsOf, readPastRun } from "./past-run.js";
import { personOf } from "../model/invocation.js";
import { preview } from "../review/preview.js";
import { seal } from "../compile/seal.js";
import { standsInTheWay, undoingOf } from "../review/undo.js";
import { verbRef } from "../model/verb.js";

/** What {@link undoPlan} may be told. */
export interface UndoOptions {
  /** Undo what can be undone, and leave the rest as it is. Default false: all or nothing. */
  readonly allowPartial?: boolean;
  /** Tells undos of the same run apart; default: the intent of the run's runbook. */
  readonly intent?: string;
  /** Who asks; default: nobody is named. */
  readonly requestedBy?: Requester;
}

/** A runbook that undoes a run: sealed and stored like any other, to be approved and executed like any other. */
export interface UndoPlan {
  readonly runbook: Runbook;
  readonly preview: Preview;
  /** From the runbook of the run to the one that undoes it. */
  readonly diff: RunbookDiff;
  /** Steps of the run that are undone, in the order in which that happens. */
  readonly undone: readonly StepId[];
  /** Steps of the run that wrote, or may have written, and are left as they are. */
  readonly left: readonly NotUndone[];
  /** False when the same was sealed before. */
  readonly isNew: boolean;
}

/**
 * Makes a runbook that undoes what a run has written: the inverses of its completed writing steps, the last one first, as their
 * contracts declared them when the run was sealed. Step `undo/<id>` undoes the step `<id>`.
 *
 * What the run carried over from another one is left to that one's undo.
 *
 * @throws {@link RunsealError} `run.not_found`, `run.not_at_rest` unless the run has ended, `undo.not_possible` naming every step that
 *   can't be undone (unless `allowPartial`), or none where nothing is left to undo; `compile.refused` where the policy does not allow an inverse
 */
export async function undoPlan(parts: InstanceParts, runId: RunId, options: UndoOptions = {}): Promise<UndoPlan> {
  assertOutsideStep("undoPlan");
  const past = await readPastRun(parts, runId);
  if (!isTerminal(past.state.status)) {
    throw notAtRest(runId, past.state.status, "only a run that has ended can be undone: let it end, or cancel it");
  }
  const { calls, left } = await callsOf(parts, past);
  const blocking = left.filter(standsInTheWay);
  if (blocking.length > 0 && options.allowPartial !== true) throw notPossible(runId, blocking);
  if (calls.length === 0) throw notPossible(runId, blocking);
  const { requestedBy } = options;
  const verbs = calls.map((call) => verbRef(call.verb.contract));
  await assertAllowed(parts, { kind: "undo", past, requestedBy }, verbs);
  const runbook = sealUndo(parts, past, calls, left, options);
  const { isNew } = await parts.stores.runbooks.put(runbook);
  const undone = calls.map((call) => call.stepId);
  return { runbook, preview: preview(runbook), diff: diffRunbooks(past.runbook, runbook), undone, left, isNew };
}

async function callsOf(
  parts: InstanceParts,
  past: PastRun,
): Promise<{ readonly calls: readonly FittedCall[]; readonly left: readonly NotUndone[] }> {
  const { runbook, handed } = past;
  const taken = basisStepsOf(runbook.content);
  const carried = runbook.steps.filter((step) => isCarried(taken, step.id)).map((step) => step.id);
  const { calls, left } = undoingOf({
    past: await pastStepsOf(parts, past),
    order: [...handed.completed.keys()],
    carried: new Set([...carried, ...takenOverFrom(past)]),
    contracts: new Map(runbook.contracts.map((contract) => [contract.digest, contract])),
  });
  const fitted = fitUndo(parts.catalog, calls);
  return { calls: fitted.calls, left: [...left, ...fitted.misfits] };
}

/** The doubts of a run that was amended are its successor's: the new plan could not have been made without them. */
function takenOverFrom({ state }: PastRun): readonly StepId[] {
  if (state.status !== "canceled" || state.reason !== AMENDED) return [];
  return state.steps.filter((record) => record.status === "in_doubt").map((record) => record.step.id);
}

function sealUndo(
  parts: InstanceParts,
  { runbook, state }: PastRun,
  calls: readonly FittedCall[],
  left: readonly NotUndone[],
  { intent, requestedBy }: UndoOptions,
): Runbook {
  const { document, content } = runbook;
  const planned = planUndo({
    catalog: parts.catalog,
    scope: parts.scope,
    calls,
    name: document.name,
    title: `Undo of ${document.title ?? document.name}`,
    intent: intent ?? content.intent ?? null,
    requestedBy: requestedBy === undefined ? null : personOf(requestedBy),
    limits: parts.limits,
    writeSet: parts.writeSet,
    remarks: left.map(({ stepId, reason }) => `"${stepId}" of run ${state.runId} is left as it is: ${WORDS[reason]}`),
  });
  if (planned.kind === "planned") {
    return seal(planned, { basis: { kind: "undo", runId: state.runId, headHash: state.hash, from: null } });
  }
  const details = { outcome: planned.kind, reason: planned.message };
  throw new RunsealError("compile.refused", `the undo of run "${state.runId}" was not sealed: ${planned.message}`, details);
}

const WORDS: { readonly [R in NotUndone["reason"]]: string } = {
  no_inverse: "its verb declares no inverse",
  unsure: "nobody knows whether it wrote",
  failed: "it failed",
  carried: "it is another run's, whose own undo undoes it",
  inverse_missing: "the catalog does not have its inverse",
  arguments_refused: "the inverse does not take the arguments that the contract gives",
  redacted: "the arguments of its inverse hold a secret that was never recorded",
};

function notPossible(runId: RunId, blocking: readonly NotUndone[]): RunsealError<"undo.not_possible"> {
  const reasons = blocking.map(({ stepId, reason }) => `"${stepId}": ${WORDS[reason]}`).join("; ");
  const message =
    blocking.length === 0
      ? `run "${runId}" wrote nothing that could be undone`
      : `run "${runId}" can't be undone as a whole: ${reasons}`;
  const steps = blocking.map(({ stepId, reason }) => ({ stepId, reason }));
  return new RunsealError("undo.not_possible", message, { runId, steps });
}
