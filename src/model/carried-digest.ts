import type { Digest } from "./ids.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import { digestOf } from "../json/digest.js";

/** Domain tag of the digest over what a completed step hands on to another run. */
const CARRIED_TAG = "runseal/carried/1";

/**
 * The digest over what a completed step left: its result, and its change of the context where there was one.
 *
 * @throws {@link RunsealError} `value.not_canonical` when they are outside the value model
 */
export function carriedDigestOf(result: JsonValue, delta: JsonObject | undefined): Digest {
  return digestOf(CARRIED_TAG, delta === undefined ? { result } : { delta, result });
}
