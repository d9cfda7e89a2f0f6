import type { ManifestRunbook, Submission } from "./manifest.js";
import type { NamedArtifact } from "./named-artifacts.js";
import type { RunProblem } from "./run-problem.js";
import { manifestProblem } from "./manifest.js";
import { readCanonical } from "./read-canonical.js";
import { sha256Hex } from "../json/digest.js";

/** What a run's manifest is held against. */
export interface ManifestOf {
  readonly runbook: ManifestRunbook;
  readonly submission: Submission;
}

/**
 * Holds the bytes of an artifact against what the log says of it (D-012): digest, size, canonical text where it is a value of ours,
 * and, for the manifest, the run itself.
 *
 * Cost: linear in the bytes.
 *
 * @param bytes - `undefined` = they are gone; `"damaged"` = the store has some under this name that don't have its digest
 * @param manifestOf - absent where run or runbook can't be read
 * @returns `undefined` when everything agrees
 */
export function artifactProblem(
  named: NamedArtifact,
  bytes: Uint8Array | "damaged" | undefined,
  manifestOf?: ManifestOf,
): RunProblem | undefined {
  const { id, seq, isManifest } = named;
  const what = `${isManifest ? "manifest" : "artifact"} "${id}"`;
  if (bytes === undefined) {
    return { seq, rule: isManifest ? "manifest_missing" : "artifact_missing", message: `${what} is not there` };
  }
  const why = bytes === "damaged" ? WRONG_DIGEST : bytesProblem(named, bytes);
  if (why !== undefined) return { seq, rule: "artifact_damaged", message: `${what} ${why}` };
  if (!isManifest || bytes === "damaged" || manifestOf === undefined) return undefined;
  const mismatch = manifestProblem(bytes, manifestOf.runbook, manifestOf.submission);
  return mismatch === undefined ? undefined : { seq, rule: "manifest_mismatch", message: `${what} ${mismatch.why}` };
}

const WRONG_DIGEST = "has bytes that do not have its digest";

function bytesProblem({ id, isValue, bytes: size }: NamedArtifact, bytes: Uint8Array): string | undefined {
  if (sha256Hex(bytes) !== id) return WRONG_DIGEST;
  if (size !== null && size !== bytes.byteLength) return `has ${bytes.byteLength} bytes where the log says ${size}`;
  if (!isValue) return undefined;
  const read = readCanonical(bytes);
  return read.kind === "read" ? undefined : read.why;
}
