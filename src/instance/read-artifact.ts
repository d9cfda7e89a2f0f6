import type { Digest } from "../model/ids.js";
import type { InstanceParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import { RunsealError } from "../errors/error.js";

/**
 * Reads a JSON value that was kept as an artifact; the store checks its bytes against its name.
 *
 * @throws {@link RunsealError} `store.corrupt` when it is not there or damaged
 */
export async function readJsonArtifact(parts: InstanceParts, id: Digest): Promise<JsonValue> {
  const artifact = await parts.stores.artifacts.get(parts.scope, id);
  if (artifact === undefined)
    throw new RunsealError("store.corrupt", `artifact "${id}" is named by the log and not there`, {
      what: "artifact",
      id,
      seq: null,
    });
  return JSON.parse(new TextDecoder().decode(artifact.bytes)) as JsonValue;
}
