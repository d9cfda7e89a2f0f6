import type { ArtifactStore } from "../stores/artifact-store.js";
import type { Digest, Scope } from "../model/ids.js";
import type { JsonValue } from "../json/value.js";
import { RunsealError } from "../errors/error.js";
import { readCanonical } from "../history/read-canonical.js";

/**
 * The bytes of an artifact that the log names; the store checks them against their name.
 *
 * @throws {@link RunsealError} `store.corrupt` when it is not there or damaged
 */
export async function namedBytes(artifacts: Pick<ArtifactStore, "get">, scope: Scope, id: Digest): Promise<Uint8Array> {
  const artifact = await artifacts.get(scope, id);
  if (artifact === undefined) throw corrupt(id, "is named by the log and not there");
  return artifact.bytes;
}

/**
 * The JSON value that an artifact holds: its bytes must be the one text of the value (D-012).
 *
 * @throws {@link RunsealError} `store.corrupt` when they are not
 */
export function jsonOfArtifact(id: Digest, bytes: Uint8Array): JsonValue {
  const read = readCanonical(bytes);
  if (read.kind === "read") return read.value;
  throw corrupt(id, read.why);
}

/**
 * The JSON value of an artifact that the log names.
 *
 * @throws {@link RunsealError} `store.corrupt` when it is not there, damaged, or not canonical
 */
export async function readJsonArtifact(artifacts: Pick<ArtifactStore, "get">, scope: Scope, id: Digest): Promise<JsonValue> {
  return jsonOfArtifact(id, await namedBytes(artifacts, scope, id));
}

function corrupt(id: Digest, why: string): RunsealError {
  return new RunsealError("store.corrupt", `artifact "${id}" ${why}`, { what: "artifact", id, seq: null });
}
