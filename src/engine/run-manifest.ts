import type { ArtifactWrite } from "../stores/event-store.js";
import type { EngineParts } from "./parts.js";
import type { JsonObject } from "../json/value.js";
import type { ManifestProblem, Submission } from "../history/manifest.js";
import type { RunState } from "../history/run-state.js";
import type { Runbook } from "../model/runbook.js";
import { canonicalText } from "../json/canonical.js";
import { isRunsealError, RunsealError } from "../errors/error.js";
import { manifestArtifact, manifestOf, manifestProblem } from "../history/manifest.js";

/** The newest manifest of a runbook, and what else it was made of. */
interface Made {
  readonly build: JsonObject;
  readonly submitted: string;
  readonly manifest: ArtifactWrite;
}

const newest = new WeakMap<Runbook, Made>();

/**
 * The manifest of a run that is started now, to be stored in the commit that starts it.
 *
 * Where a runbook runs often, its runs are mostly submitted alike: the newest manifest is kept.
 */
export function startManifest(runbook: Runbook, submission: Submission, build: JsonObject): ArtifactWrite {
  const { uses, dedupKey, queue, priority, labels, concurrency } = submission;
  const submitted = canonicalText([uses, dedupKey, queue, priority, labels, concurrency]);
  const known = newest.get(runbook);
  if (known?.build === build && known.submitted === submitted) return known.manifest;
  const manifest = manifestArtifact(manifestOf(runbook, submission, build));
  newest.set(runbook, { build, submitted, manifest });
  return manifest;
}

/**
 * Refuses to take a run up again without the manifest it was started with: there, intact, and of this runbook and configuration.
 *
 * @throws {@link RunsealError} `manifest.not_found`, `manifest.corrupt`, `manifest.not_canonical`, `manifest.runbook_mismatch`,
 * `manifest.config_mismatch`
 */
export async function assertManifest(
  parts: EngineParts,
  state: RunState,
  runbook: Runbook,
  submission: Submission,
): Promise<void> {
  const bytes = await manifestBytes(parts, state);
  const problem = manifestProblem(bytes, runbook, submission);
  if (problem !== undefined) throw refusal(state, problem);
}

async function manifestBytes(parts: EngineParts, state: RunState): Promise<Uint8Array> {
  const { scope, runId, manifestId } = state;
  try {
    const artifact = manifestId === null ? undefined : await parts.stores.artifacts.get(scope, manifestId);
    if (artifact !== undefined) return artifact.bytes;
  } catch (error) {
    if (!isRunsealError(error, "store.corrupt")) throw error;
    throw refusal(state, { code: "manifest.corrupt", why: "does not have its digest" }, { cause: error });
  }
  const message = `the manifest "${String(manifestId)}" of run "${runId}" is not there`;
  throw new RunsealError("manifest.not_found", message, { runId, manifestId });
}

function refusal({ runId, manifestId }: RunState, { code, why }: ManifestProblem, options?: ErrorOptions): RunsealError {
  const message = `the manifest "${String(manifestId)}" of run "${runId}" ${why}`;
  return new RunsealError(code, message, { runId, manifestId }, options);
}
