import type { BasisStep } from "../model/envelope.js";
import type { Preview, PreviewStep } from "../model/preview.js";
import type { Runbook } from "../model/runbook.js";
import type { SealedStep } from "../model/step.js";
import { basisStepsOf, isCarried } from "../model/basis-steps.js";
import { lockRequestsOf } from "../history/lock-requests.js";
import { phasesOf } from "./phases.js";
import { previewText } from "./preview-text.js";
import { printTree } from "../expression/print.js";
import { showEntity } from "./show.js";
import { touchedBy } from "./touched.js";
import { unknownsOf } from "./unknowns.js";

/**
 * What a runbook will do, in order, and what it will write: for a person to look at before approving (decision 2.10).
 *
 * A pure function of the sealed runbook; no handler is called. Strings are shown with control characters and direction marks
 * escaped, and what the author wrote is quoted, so that no value can pass for another.
 *
 * @remarks Time O(text).
 */
export function preview(runbook: Runbook): Preview {
  const { content, document, id, documentDigest } = runbook;
  const touched = touchedBy(runbook);
  const taken = basisStepsOf(content);
  const entities = [...touched.writes, ...touched.reads.map((entity) => ({ ...entity, access: "read" as const }))];
  const parts = {
    id,
    documentDigest,
    steps: content.steps.map((step) => previewStep(step, document.sentences, taken.get(step.id))),
    phases: phasesOf(content.steps),
    ...touched,
    locks: lockRequestsOf(content.scope, entities).map((lock) => `${lock.access} ${showEntity(lock)}`),
    approvalsNeeded: content.steps.some((step) => step.effect === "write"),
    unknowns: content.steps.filter((step) => !isCarried(taken, step.id)).flatMap(unknownsOf),
  };
  return { ...parts, text: previewText(runbook, parts) };
}

function previewStep(
  step: SealedStep,
  sentences: { readonly [stepId: string]: string },
  taken: BasisStep | undefined,
): PreviewStep {
  return {
    id: step.id,
    verb: step.verb,
    effect: step.effect,
    mode: step.mode,
    recovery: step.recovery ?? null,
    ...(step.transactional === true && { transactional: true }),
    args: printTree(step.args),
    when: step.when === undefined ? null : printTree(step.when),
    dependsOn: step.dependsOn,
    sentence: Object.hasOwn(sentences, step.id) ? (sentences[step.id] ?? null) : null,
    ...(taken !== undefined && { takenOver: taken.as }),
  };
}
