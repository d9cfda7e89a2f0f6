import type { Digest, Scope } from "../model/ids.js";
import type { EngineParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import type { Left } from "../history/handed-on.js";
import { RunsealError } from "../errors/error.js";

/** A result with the size of its artifact, where it is one. */
export interface ReadResult {
  readonly value: JsonValue;
  readonly artifact: { readonly id: Digest; readonly bytes: number } | null;
}

/**
 * The result that a completed step left, from its event or its artifact.
 *
 * @throws {@link RunsealError} `store.corrupt` when the artifact is not there or damaged
 */
export async function readResult(
  parts: Pick<EngineParts, "stores">,
  scope: Scope,
  { result, resultRef }: Left,
): Promise<ReadResult> {
  if (resultRef === undefined) return { value: result ?? null, artifact: null };
  const bytes = await readBytes(parts, scope, resultRef);
  const value = JSON.parse(new TextDecoder().decode(bytes)) as JsonValue;
  return { value, artifact: { id: resultRef, bytes: bytes.byteLength } };
}

/**
 * The bytes of an artifact that the log names.
 *
 * @throws {@link RunsealError} `store.corrupt` when it is not there or damaged
 */
export async function readBytes(parts: Pick<EngineParts, "stores">, scope: Scope, id: Digest): Promise<Uint8Array> {
  const artifact = await parts.stores.artifacts.get(scope, id);
  if (artifact !== undefined) return artifact.bytes;
  const message = `artifact "${id}" is named by the log and not there`;
  throw new RunsealError("store.corrupt", message, { what: "artifact", id, seq: null });
}
