import type { Runbook, RunbookContent, RunbookDocument } from "../model/runbook.js";
import type { Digest, RunbookId, Scope } from "../model/ids.js";
import type { ReplayEnvelope } from "../model/envelope.js";
import type { VerbContract } from "../model/verb.js";
import { RunsealError } from "../errors/error.js";
import { canonicalize } from "../json/canonical.js";
import { copyCanonical } from "../json/copy.js";
import { digestOfText } from "../json/digest.js";
import { assertStorable } from "./storable-name.js";
import { documentDigestOfText, runbookIdOfText } from "../model/runbook-digest.js";

const EVIDENCE_TAG = "runseal/runbook-evidence/1";

/** A document as a store keeps it: its canonical text under its digest. */
export interface DocumentRecord {
  readonly digest: Digest;
  readonly text: string;
}

/** A runbook as a store keeps it: canonical texts, each under a digest. */
export interface RunbookRecord {
  readonly scope: Scope;
  /** Holds the digest of `contentText`. */
  readonly id: RunbookId;
  readonly contentText: string;
  /** Audits of the envelope and the contracts: what explains the content and is not covered by the id. */
  readonly evidenceText: string;
  readonly evidenceDigest: Digest;
  readonly document: DocumentRecord;
}

/**
 * Makes what a store writes of a runbook.
 *
 * @throws {@link RunsealError} `store.corrupt` when the id is not the digest of the content, or the document digest not that of
 * id and document
 */
export function recordOfRunbook(runbook: Runbook): RunbookRecord {
  const { id, content, document } = runbook;
  assertStorable(content.scope);
  const contentText = canonicalize(content);
  assertDigest("runbook", id, id, runbookIdOfText(contentText));
  const text = canonicalize(document);
  assertDigest("document", id, runbook.documentDigest, documentDigestOfText(id, text));
  const { macroAudits, lookups } = runbook.envelope;
  const evidenceText = canonicalize({ macroAudits, lookups, contracts: runbook.contracts });
  return {
    scope: content.scope,
    id,
    contentText,
    evidenceText,
    evidenceDigest: digestOfText(EVIDENCE_TAG, evidenceText),
    document: { digest: runbook.documentDigest, text },
  };
}

/**
 * Reads a runbook back: frozen through and through, and only when every text has its digest.
 *
 * @throws {@link RunsealError} `store.corrupt` naming the runbook
 */
export function runbookOfRecord(record: RunbookRecord): Runbook {
  const { id, document } = record;
  assertDigest("runbook", id, id, runbookIdOfText(record.contentText));
  assertDigest("document", id, document.digest, documentDigestOfText(id, document.text));
  assertDigest("runbook evidence", id, record.evidenceDigest, digestOfText(EVIDENCE_TAG, record.evidenceText));
  const content = parsed(record.contentText) as RunbookContent;
  const evidence = parsed(record.evidenceText) as Evidence;
  const { macroAudits, lookups, contracts } = evidence;
  return Object.freeze({
    id,
    documentDigest: document.digest,
    content,
    steps: content.steps,
    document: parsed(document.text) as RunbookDocument,
    envelope: Object.freeze({ core: content.core, macroAudits, lookups }),
    contracts,
  });
}

type Evidence = Pick<ReplayEnvelope, "macroAudits" | "lookups"> & { readonly contracts: readonly VerbContract[] };

function parsed(text: string): unknown {
  return copyCanonical(JSON.parse(text));
}

function assertDigest(what: string, id: RunbookId, filed: string, found: string): void {
  if (filed === found) return;
  const message = `the ${what} of "${id}" has the digest "${found}", not "${filed}"`;
  throw new RunsealError("store.corrupt", message, { what, id, seq: null });
}

/** Digits of an id that a UUID keeps: 128 bits. */
const SHORT_ID_DIGITS = 32;

/** The part of an id that a UUID column can hold: `rb_` and its first 128 bits. */
export function shortIdOf(id: RunbookId): string {
  return id.slice(0, "rb_".length + SHORT_ID_DIGITS);
}

/**
 * Refuses a runbook whose first 128 bits another one of the scope has (decision 1.4).
 *
 * @throws {@link RunsealError} `store.corrupt`
 */
export function assertShortIdFree(id: RunbookId, other: RunbookId): void {
  if (other === id || shortIdOf(other) !== shortIdOf(id)) return;
  const message = `"${id}" and "${other}" have the same first 128 bits; one of the two was made to collide`;
  throw new RunsealError("store.corrupt", message, { what: "runbook", id, seq: null });
}

/** The error of a call that names a runbook which the scope does not have. */
export function runbookNotFound(scope: Scope, runbookId: RunbookId): RunsealError<"runbook.not_found"> {
  const message = `scope "${scope}" has no runbook "${runbookId}"; compile it there first`;
  return new RunsealError("runbook.not_found", message, { scope, runbookId });
}
