import type { Digest, Scope } from "../model/ids.js";
import type { EngineParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import type { Left } from "../history/handed-on.js";
import { jsonOfArtifact, namedBytes } from "./json-artifact.js";

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
  const bytes = await namedBytes(parts.stores.artifacts, scope, resultRef);
  return { value: jsonOfArtifact(resultRef, bytes), artifact: { id: resultRef, bytes: bytes.byteLength } };
}
