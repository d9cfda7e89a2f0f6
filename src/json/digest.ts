import { RunsealError } from "../errors/error.js";
import { canonicalize } from "./canonical.js";
import { hashHex } from "./hash.js";
import type { CanonicalOptions } from "./walk.js";

/** A SHA-256 digest as 64 lower-case hexadecimal digits. */
export type Digest = string;

const TAG = /^[a-z][a-z0-9./_-]*$/;
const DIGEST = /^[0-9a-f]{64}$/;

/** Tells whether `value` has the form of a {@link Digest}. */
export function isDigest(value: unknown): value is Digest {
  return typeof value === "string" && DIGEST.test(value);
}

/** SHA-256 of bytes, or of text as UTF-8, without a domain tag; prefer {@link digestOf} for anything that becomes an identity. */
export function sha256Hex(input: string | Uint8Array): Digest {
  return hashHex("sha256", input);
}

/**
 * The identity of a value in one domain: SHA-256 over the tag, a newline and the canonical text.
 *
 * The tag (`runseal/runbook/1`) keeps equal texts of two domains or two format versions apart, and no canonical text holds a
 * newline, so that no two pairs share a preimage.
 *
 * @throws {@link RunsealError} what {@link canonicalize} throws; `run.invalid_option` when the tag is not lower-case letters,
 * digits and `. / _ -` starting with a letter
 */
export function digestOf(tag: string, value: unknown, options?: CanonicalOptions): Digest {
  return digestOfText(tag, canonicalize(value, options));
}

/**
 * Like {@link digestOf}, for text that {@link canonicalize} wrote already.
 *
 * @throws {@link RunsealError} `run.invalid_option` when the tag is malformed
 */
export function digestOfText(tag: string, canonicalText: string): Digest {
  return hashHex("sha256", tagged(tag, canonicalText));
}

/**
 * {@link digestOfText}, with the text in one piece: as it was written it is a tree of its parts, which would live as long as the text does.
 *
 * @throws {@link RunsealError} `run.invalid_option` when the tag is malformed
 */
export function flatDigestOf(tag: string, canonicalText: string): { readonly text: string; readonly digest: Digest } {
  const whole = tagged(tag, canonicalText);
  // hashing puts the whole into one piece, of which the text is a part from then on
  const digest = hashHex("sha256", whole);
  return { text: whole.slice(tag.length + 1), digest };
}

function tagged(tag: string, canonicalText: string): string {
  if (!TAG.test(tag)) {
    const message = `digest tag "${tag}" is malformed; use lower-case letters, digits and . / _ - starting with a letter`;
    throw new RunsealError("run.invalid_option", message, { option: "tag" });
  }
  return `${tag}\n${canonicalText}`;
}
