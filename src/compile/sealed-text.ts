import type { JsonValue } from "../json/value.js";
import { canonicalText } from "../json/canonical.js";

/** Canonical text of a noun that the compiler built itself: plain data, though its interface has no index signature. */
export function sealedText(value: object): string {
  return canonicalText(value as JsonValue);
}
