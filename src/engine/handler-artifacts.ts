import type { AttemptOf } from "./attempt-of.js";
import type { EngineParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import type { KnownSecrets } from "../secrets/known-secrets.js";
import type { SecretBroker } from "../io/secret-broker.js";
import { RunsealError } from "../errors/error.js";
import { artifactWritten } from "./step-outcome.js";
import { boxHeaderOf } from "../io/secret-box.js";
import { findSecret } from "../secrets/detect.js";
import { isDigest, sha256Hex } from "../json/digest.js";

/** Largest artifact: 64 MiB. */
const ARTIFACT_BYTES_MAX = 67_108_864;

/** The kind of artifacts that are stored as ciphertext only (D-092). */
const SECRET_KIND = "secret_payload";
const NONCE_BYTES = 12;
/** `{`, `[`, `"`: how a JSON document begins that can hold a secret. */
const JSON_STARTS: ReadonlySet<number> = new Set([0x7b, 0x5b, 0x22]);
/** Largest artifact that is looked into as JSON: 4 MiB. */
const JSON_BYTES_MAX = 4_194_304;

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
 * @throws {@link RunsealError} `artifact.invalid` for a kind that is none or the engine's own, or what are no bytes; `value.too_large` beyond 64 MiB;
 *   `secret.detected` when the bytes hold a secret and the kind is not `secret_payload`; `secret.key_missing` when it is and there is no key
 */
export async function putArtifact(
  parts: EngineParts,
  { scope, runId, step, record }: AttemptOf,
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
  const place = { scope, runId };
  const box = kind === SECRET_KIND ? await brokerOf(parts).seal(bytes, parts.env.entropy(NONCE_BYTES), place) : undefined;
  if (box === undefined) refuseSecretBytes(bytes, record.known);
  const kept = box?.bytes ?? bytes;
  const artifact = { id: sha256Hex(kept), kind, bytes: kept };
  const written = artifactWritten(artifact);
  const meta = { stepId: step.id, ...(box && { keyId: box.keyId, keyedDigest: box.keyedDigest }) };
  record.append([{ kind: "artifact.written", payload: { ...written.payload, meta } }], [artifact]);
  await record.ease();
  return artifact.id;
}

/**
 * Bytes that were kept.
 *
 * @throws {@link RunsealError} `artifact.invalid` when the id is none, `artifact.not_found`; `store.corrupt` when they no longer match their name;
 *   `secret.key_missing`, `secret.key_wrong` when they are encrypted
 */
export async function getArtifact(parts: EngineParts, { scope, runId, record }: AttemptOf, id: string): Promise<Uint8Array> {
  if (!isDigest(id)) throw invalid("id", "the id of an artifact is 64 lower-case hexadecimal digits");
  const bytes = await record.artifact(id);
  if (bytes === undefined) throw new RunsealError("artifact.not_found", `there is no artifact "${id}"`, { artifactId: id });
  return boxHeaderOf(bytes) === undefined ? bytes : brokerOf(parts).open(bytes, { scope, runId });
}

function brokerOf({ secrets }: EngineParts): SecretBroker {
  if (secrets !== undefined) return secrets;
  const message = 'encrypted artifacts need a key: give the instance "secrets" with a "key"';
  throw new RunsealError("secret.key_missing", message, { keyId: null });
}

/** Bytes can't be redacted without breaking them, so a secret in them is refused: as it is in any form, or as JSON that says so. */
function refuseSecretBytes(bytes: Uint8Array, known: KnownSecrets | undefined): void {
  if (boxHeaderOf(bytes) !== undefined)
    throw invalid("bytes", `bytes that begin like an encrypted artifact are kept as "${SECRET_KIND}"`);
  const rule = known?.isInBytes(bytes) === true ? "known_secret" : findSecret(jsonOf(bytes))?.rule;
  if (rule === undefined) return;
  const message = `an artifact holds a secret; keep it encrypted as "${SECRET_KIND}", or leave it out`;
  throw new RunsealError("secret.detected", message, { pointer: "", rule });
}

/** The value of bytes that are a JSON document; `null` for all other bytes. */
function jsonOf(bytes: Uint8Array): JsonValue {
  const [first = 0] = bytes;
  if (!JSON_STARTS.has(first) || bytes.byteLength > JSON_BYTES_MAX) return null;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as JsonValue;
  } catch {
    // not JSON after all, or none of ours: nothing to look into
    return null;
  }
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
