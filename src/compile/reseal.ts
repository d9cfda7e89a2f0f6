import type { Basis, SealedLookup } from "../model/envelope.js";
import type { Runbook, RunbookContent, RunbookDocument } from "../model/runbook.js";
import { copyCanonical } from "../json/copy.js";
import { documentDigestOf, runbookIdOf } from "../model/runbook-digest.js";
import { freezeDeep } from "./freeze-deep.js";

/** What a runbook that is sealed again differs in. */
export interface ResealChanges {
  readonly basis: Basis;
  /** Absent = the runbook's own. */
  readonly intent?: string;
  /** `issuer:subject` of who asked for the new one; absent = who asked for the runbook. */
  readonly requestedBy?: string;
  /** What a person should know of the basis before approving; added to the remarks. */
  readonly remarks: readonly string[];
  /** Whether part of it has been done, so that preconditions of its first start are not asked again. */
  readonly isUnderway: boolean;
}

/**
 * Seals the steps of a runbook again as a new one that was made from a run: another id, and approvals of its own (decision 3.18).
 *
 * Pure: the same runbook and the same changes give the same bytes.
 *
 * @remarks Time O(text).
 */
export function reseal(runbook: Runbook, changes: ResealChanges): Runbook {
  const { basis, intent, requestedBy, remarks, isUnderway } = changes;
  const { core: before } = runbook.content;
  const core = { ...before, basis, lookups: isUnderway ? before.lookups.map(askedOnce) : before.lookups };
  const content = copyOf<RunbookContent>({ ...runbook.content, ...(intent !== undefined && { intent }), core });
  const document = copyOf<RunbookDocument>({
    ...runbook.document,
    ...(requestedBy !== undefined && { requestedBy }),
    remarks: [...runbook.document.remarks, ...remarks],
  });
  const id = runbookIdOf(content);
  return freezeDeep({
    id,
    documentDigest: documentDigestOf(id, document),
    content,
    steps: content.steps,
    document,
    envelope: { ...runbook.envelope, core: content.core },
    contracts: runbook.contracts,
  });
}

/** What had to hold before the first effect can't be asked any more once effects have happened. */
function askedOnce(lookup: SealedLookup): SealedLookup {
  return lookup.recheck === "at_admission" ? { ...lookup, recheck: "never" } : lookup;
}

function copyOf<T>(value: T): T {
  return copyCanonical(value) as T;
}
