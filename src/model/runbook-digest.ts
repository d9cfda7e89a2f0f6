import type { Digest, RunbookId } from "./ids.js";
import type { RunbookContent, RunbookDocument } from "./runbook.js";
import { canonicalize } from "../json/canonical.js";
import { digestOfText } from "../json/digest.js";
import { DOCUMENT_TAG, RUNBOOK_TAG } from "./runbook.js";

/**
 * The id of a runbook: `rb_` and the digest of its content (decision 1.3).
 *
 * @throws {@link RunsealError} `value.not_canonical` when the content is outside the value model
 */
export function runbookIdOf(content: RunbookContent): RunbookId {
  return runbookIdOfText(canonicalize(content));
}

/** Like {@link runbookIdOf}, for the content's canonical text. */
export function runbookIdOfText(contentText: string): RunbookId {
  return `rb_${digestOfText(RUNBOOK_TAG, contentText)}`;
}

/**
 * The digest of what a person reads before approving: over `{document, id}`, so that it names the runbook too.
 *
 * @throws {@link RunsealError} `value.not_canonical` when the document is outside the value model
 */
export function documentDigestOf(id: RunbookId, document: RunbookDocument): Digest {
  return documentDigestOfText(id, canonicalize(document));
}

/** Like {@link documentDigestOf}, for the document's canonical text. */
export function documentDigestOfText(id: RunbookId, documentText: string): Digest {
  return digestOfText(DOCUMENT_TAG, `{"document":${documentText},"id":"${id}"}`);
}
