import type { Digest } from "../model/ids.js";
import type { EventPayload } from "../model/event.js";
import type { JsonObject } from "../json/value.js";
import type { RunConfig, RunManifest } from "../model/run-manifest.js";
import type { Runbook } from "../model/runbook.js";
import { MANIFEST_FORMAT, MANIFEST_KIND } from "../model/run-manifest.js";
import { canonicalText } from "../json/canonical.js";
import { isObject } from "./member-types.js";
import { readCanonical } from "./read-canonical.js";
import { redact } from "../secrets/redact.js";
import { sha256Hex } from "../json/digest.js";

/** What a run was submitted with, as far as its manifest repeats it. */
export type Submission = Pick<
  EventPayload<"run.submitted">,
  "uses" | "dedupKey" | "queue" | "priority" | "labels" | "concurrency"
>;

/** The sealed side of a manifest. */
export type ManifestRunbook = Pick<Runbook, "id" | "documentDigest" | "content" | "document">;

/** Puts together what a run is started with. */
export function manifestOf(runbook: ManifestRunbook, submission: Submission, build: JsonObject): RunManifest {
  const { id, documentDigest, content, document } = runbook;
  return {
    format: MANIFEST_FORMAT,
    runbookId: id,
    documentDigest,
    config: configOf(runbook, submission),
    // code-unit order, each once
    requires: [...new Set(content.steps.map((step) => step.contract))].sort(),
    requestedBy: document.requestedBy ?? null,
    build,
  };
}

/**
 * A manifest as an artifact: the UTF-8 bytes of its canonical text, after redaction.
 *
 * @throws {@link RunsealError} `value.not_canonical` when the build says something outside the value model
 */
export function manifestArtifact(manifest: RunManifest): {
  readonly id: Digest;
  readonly kind: typeof MANIFEST_KIND;
  readonly bytes: Uint8Array;
} {
  const bytes = new TextEncoder().encode(textOf({ ...manifest, config: { ...manifest.config } }));
  return { id: sha256Hex(bytes), kind: MANIFEST_KIND, bytes };
}

/** Why a manifest can't be the one of a run; the last words are those of D-041. */
export interface ManifestProblem {
  readonly code: "manifest.corrupt" | "manifest.not_canonical" | "manifest.runbook_mismatch" | "manifest.config_mismatch";
  readonly why: string;
}

/**
 * Holds the bytes of a manifest against the run that names it; `undefined` = they agree.
 *
 * The document is not compared: a runbook may have been shown anew since.
 *
 * @param bytes - as stored, already held against their digest
 */
export function manifestProblem(
  bytes: Uint8Array,
  runbook: ManifestRunbook,
  submission: Submission,
): ManifestProblem | undefined {
  const read = readCanonical(bytes);
  if (read.kind === "unreadable") return { code: "manifest.corrupt", why: read.why };
  if (read.kind === "not_canonical") return { code: "manifest.not_canonical", why: "is not written canonically" };
  const { value } = read;
  if (!isObject(value) || value["format"] !== MANIFEST_FORMAT) {
    return { code: "manifest.corrupt", why: `is no manifest of format ${MANIFEST_FORMAT}` };
  }
  const { runbookId, config } = value;
  if (runbookId !== runbook.id) {
    return { code: "manifest.runbook_mismatch", why: `is of runbook ${canonicalText(runbookId ?? null)}, not "${runbook.id}"` };
  }
  const expected = textOf({ ...configOf(runbook, submission) });
  if (config !== undefined && canonicalText(config) === expected) return undefined;
  return { code: "manifest.config_mismatch", why: "tells another configuration than the run was submitted with" };
}

function configOf({ content }: ManifestRunbook, submission: Submission): RunConfig {
  const { uses, concurrency, queue, priority, labels, dedupKey } = submission;
  return { execution: { ...content.execution }, uses, concurrency, queue, priority, labels, dedupKey };
}

function textOf(value: JsonObject): string {
  return canonicalText(redact(value));
}
