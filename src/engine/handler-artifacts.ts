import type { RunRecord } from "./run-record.js";
import type { StepId } from "../model/ids.js";
import { RunsealError } from "../errors/error.js";
import { artifactWritten } from "./step-outcome.js";
import { isDigest, sha256Hex } from "../json/digest.js";

/** Largest artifact: 64 MiB. */
const ARTIFACT_BYTES_MAX = 67_108_864;

const KIND = /^[a-z][a-z0-9_]{0,62}$/;

/** Kinds that the engine writes itself. */
const OWN_KINDS: ReadonlySet<string> = new Set([
  "manifest",
  "result",
  "raw_result",
  "fact_payload",
  "context_delta",
  "context_snapshot",
  "failure_snapshot",
]);

/**
 * Keeps bytes under their SHA-256 and names them in the log.
 *
 * @throws {@link RunsealError} `artifact.invalid` for a kind that is none or the engine's own, or what are no bytes; `value.too_large` beyond 64 MiB
 */
export async function putArtifact(
  record: RunRecord,
  stepId: StepId,
  kind: string,
  content: Uint8Array | string,
): Promise<string> {
  if (typeof kind !== "string" || !KIND.test(kind) || OWN_KINDS.has(kind)) {
    throw invalid("kind", "the kind of an artifact is a lower-case word that the engine does not use itself, such as report");
  }
  const bytes = bytesOf(content);
  if (bytes.byteLength > ARTIFACT_BYTES_MAX) {
    const details = { what: "artifact", bytes: bytes.byteLength, bytesMax: ARTIFACT_BYTES_MAX };
    throw new RunsealError("value.too_large", `an artifact has at most ${ARTIFACT_BYTES_MAX} bytes; split it`, details);
  }
  const artifact = { id: sha256Hex(bytes), kind, bytes };
  const written = artifactWritten(artifact);
  const meta = { stepId };
  record.append([{ kind: "artifact.written", payload: { ...written.payload, meta } }], [artifact]);
  await record.ease();
  return artifact.id;
}

/**
 * Bytes that were kept.
 *
 * @throws {@link RunsealError} `artifact.invalid` when the id is none, `artifact.not_found`; `store.corrupt` when they no longer match their name
 */
export async function getArtifact(record: RunRecord, id: string): Promise<Uint8Array> {
  if (!isDigest(id)) throw invalid("id", "the id of an artifact is 64 lower-case hexadecimal digits");
  const bytes = await record.artifact(id);
  if (bytes === undefined) throw new RunsealError("artifact.not_found", `there is no artifact "${id}"`, { artifactId: id });
  return bytes;
}

/** A copy: what the handler does to its bytes afterwards changes nothing. */
function bytesOf(content: unknown): Uint8Array {
  if (typeof content === "string") return new TextEncoder().encode(content);
  if (content instanceof Uint8Array) return new Uint8Array(content);
  throw invalid("bytes", "an artifact is a Uint8Array or a text");
}

function invalid(field: string, message: string): RunsealError<"artifact.invalid"> {
  return new RunsealError("artifact.invalid", message, { field });
}
