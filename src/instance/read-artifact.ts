import type { Digest } from "../model/ids.js";
import type { InstanceParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import { RunsealError } from "../errors/error.js";
import { readCanonical } from "../history/read-canonical.js";

/**
 * Reads a JSON value that was kept as an artifact: the store checks its bytes against its name, and here they must be the one text
 * of the value (D-012).
 *
 * @throws {@link RunsealError} `store.corrupt` when it is not there, damaged, or not canonical
 */
export async function readJsonArtifact(parts: Pick<InstanceParts, "stores" | "scope">, id: Digest): Promise<JsonValue> {
  const artifact = await parts.stores.artifacts.get(parts.scope, id);
  if (artifact === undefined) throw corrupt(id, "is named by the log and not there");
  const read = readCanonical(artifact.bytes);
  if (read.kind === "read") return read.value;
  throw corrupt(id, read.why);
}

function corrupt(id: Digest, why: string): RunsealError {
  return new RunsealError("store.corrupt", `artifact "${id}" ${why}`, { what: "artifact", id, seq: null });
}
