import type { Scope } from "../../model/ids.js";
import type { Runbook, RunbookContent, RunbookDocument } from "../../model/runbook.js";
import { EXPRESSION_SET_VERSION } from "../../model/expression.js";
import { LIMIT_PROFILES } from "../../model/limits.js";
import { documentDigestOf, runbookIdOf } from "../../model/runbook-digest.js";
import { RUNBOOK_FORMAT } from "../../model/runbook.js";

/** A small runbook without steps; each intent makes another id, each title another document. */
export function sampleRunbook(intent: string, options: { readonly scope?: Scope; readonly title?: string } = {}): Runbook {
  const content: RunbookContent = {
    format: RUNBOOK_FORMAT,
    expressions: EXPRESSION_SET_VERSION,
    scope: options.scope ?? "default",
    intent,
    uses: "many",
    steps: [],
    execution: { onFailure: "stop" },
    core: { bindings: {}, allocations: [], lookups: [], macroAudits: [], snapshotManifest: {}, limits: LIMIT_PROFILES.runbook },
  };
  const document: RunbookDocument = {
    name: "sample.nothing",
    title: options.title ?? "does nothing",
    output: { note: 'Zo\u00eb\u2028"\u0000\ud83d\ude00' },
    sentences: {},
    phases: [],
    explanations: [],
    remarks: [],
  };
  const id = runbookIdOf(content);
  return Object.freeze({
    id,
    documentDigest: documentDigestOf(id, document),
    content,
    steps: content.steps,
    document,
    envelope: { core: content.core, macroAudits: [], lookups: [] },
    contracts: [],
  });
}
