import type { Basis, EnvelopeCore } from "../model/envelope.js";
import type { Planned } from "./compile-request.js";
import type { Runbook, RunbookContent } from "../model/runbook.js";
import type { SealedStep } from "../model/step.js";
import { canonicalText } from "../json/canonical.js";
import { documentDigestOfText, runbookIdOfText } from "../model/runbook-digest.js";
import { documentOf } from "./document.js";
import { EXPRESSION_SET_VERSION } from "../model/expression.js";
import { freezeDeep } from "./freeze-deep.js";
import { RUNBOOK_FORMAT } from "../model/runbook.js";
import { sealedText } from "./sealed-text.js";
import { StepSealer } from "./seal-step.js";

/** What seals a plan beside the plan itself. */
export interface SealOptions {
  /** Where the runbook comes from, when it is made from a run. */
  readonly basis?: Basis;
}

/**
 * Makes a plan into a runbook: fixes its bytes, and with them its id (decision 1.3, `docs/format.md`).
 *
 * Pure: the same plan gives the same bytes in every process. The runbook is frozen through and through. The canonical text of each
 * step is written once and joined, so that no part of a large runbook is walked twice.
 *
 * @remarks Time O(text).
 */
export function seal(planned: Planned, options: SealOptions = {}): Runbook {
  const sealer = new StepSealer(planned);
  const steps = planned.plan.steps.map((step) => sealer.seal(step));
  const core: EnvelopeCore = options.basis === undefined ? planned.core : { basis: options.basis, ...planned.core };
  const content = contentOf(planned, core, steps);
  const id = runbookIdOfText(contentText(content, sealer.text));
  const document = documentOf(planned);
  const documentDigest = documentDigestOfText(id, sealedText(document));
  return freezeDeep({
    id,
    documentDigest,
    content,
    steps,
    document,
    envelope: { core, macroAudits: planned.macroAudits, lookups: planned.lookups },
    contracts: [...planned.contracts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, contract]) => contract),
  });
}

function contentOf(planned: Planned, core: EnvelopeCore, steps: readonly SealedStep[]): RunbookContent {
  const { scope, intent, uses, execution } = planned;
  return {
    format: RUNBOOK_FORMAT,
    expressions: EXPRESSION_SET_VERSION,
    scope,
    ...(intent === null ? {} : { intent }),
    uses,
    steps,
    execution,
    core,
  };
}

/** Canonical text of the content, members in order of their names, from the texts of its steps. */
function contentText(content: RunbookContent, steps: string): string {
  const { core, execution, expressions, format, intent, scope, uses } = content;
  return (
    `{"core":${sealedText(core)},"execution":${sealedText(execution)},"expressions":${expressions},"format":${format},` +
    `${intent === undefined ? "" : `"intent":${canonicalText(intent)},`}"scope":${canonicalText(scope)},"steps":[${steps}],"uses":"${uses}"}`
  );
}
