import type { JsonValue } from "../json/value.js";
import { canonicalize } from "../json/canonical.js";

/** What bytes, or a text, say when they should be the canonical text of a value. */
export type CanonicalReading =
  | { readonly kind: "read"; readonly value: JsonValue }
  | { readonly kind: "not_canonical"; readonly why: string }
  | { readonly kind: "unreadable"; readonly why: string };

/** Largest text that is read: an artifact of 64 MiB in base64 with what stands around it. */
const BYTES_MAX = 134_217_728;

/**
 * Reads a value back and holds its text against the one text that stands for it (D-012): parses, writes it again, compares.
 *
 * Never throws, whatever the bytes are. Text that differs only in spaces, order or escapes, has a member twice, or holds a value
 * outside the model, is `not_canonical`.
 *
 * Cost: linear in the text, `n log n` in the names of one object.
 */
export function readCanonical(source: Uint8Array | string): CanonicalReading {
  try {
    const text = typeof source === "string" ? source : utf8.decode(source);
    const value = JSON.parse(text) as JsonValue;
    return writtenAgain(value, text);
  } catch {
    return { kind: "unreadable", why: "is not JSON" };
  }
}

// a mark at the beginning is a byte like any other: it must not vanish
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function writtenAgain(value: JsonValue, text: string): CanonicalReading {
  try {
    if (canonicalize(value, { bytesMax: BYTES_MAX }) === text) return { kind: "read", value };
    return { kind: "not_canonical", why: "is not written canonically" };
  } catch {
    return { kind: "not_canonical", why: "holds what the value model does not have" };
  }
}
