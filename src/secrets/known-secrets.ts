import type { JsonValue } from "../json/value.js";
import { REDACTED } from "./redact.js";

/** Shorter values are not searched for: they would be found in half of all words and digests. */
const LENGTH_MIN = 8;
/** Values remembered; beyond that the oldest is forgotten. */
const VALUES_MAX = 1_000;

/**
 * The values of secrets that were handed out in this process, to be found wherever something is recorded or logged.
 *
 * A value is found as it is, and as base64 and base64url (at any offset of a longer text), hexadecimal, URL-encoded and JSON-escaped. What
 * is cut into pieces, encoded twice, compressed or shorter than eight characters is not found.
 */
export class KnownSecrets {
  /** Every form of every value, by value; the oldest first. */
  readonly #forms = new Map<string, readonly string[]>();
  /** Every form of all values; made anew at the first search after one was added. */
  #sorted: readonly string[] | undefined;

  /** Whether nothing is known: then nothing needs to be searched. */
  get isEmpty(): boolean {
    return this.#forms.size === 0;
  }

  /** Remembers a value, with and without white space around it. O(length). */
  add(value: string): void {
    if (this.#forms.has(value)) return;
    const forms = [...new Set([value, value.trim()])].filter((text) => text.length >= LENGTH_MIN).flatMap(formsOf);
    if (forms.length === 0) return;
    this.#forms.set(value, forms);
    const [oldest] = this.#forms.keys();
    if (this.#forms.size > VALUES_MAX && oldest !== undefined) this.#forms.delete(oldest);
    this.#sorted = undefined;
  }

  /** Longer forms first, so that none leaves the rest of a longer one behind. */
  get #needles(): readonly string[] {
    return (this.#sorted ??= [...new Set([...this.#forms.values()].flat())].sort((a, b) => b.length - a.length));
  }

  /** Tells whether a text holds a known value in any form. */
  isIn(text: string): boolean {
    return this.#needles.some((needle) => text.includes(needle));
  }

  /** Tells whether a value holds one anywhere, in member names too. */
  holds(value: JsonValue): boolean {
    return this.redact(value) !== value;
  }

  /** Tells whether bytes hold a known value, as UTF-8, in any form. O(bytes · forms). */
  isInBytes(bytes: Uint8Array): boolean {
    const encoder = new TextEncoder();
    return this.#needles.some((needle) => holds(bytes, encoder.encode(needle)));
  }

  /** A text with every known value replaced. */
  redactText(text: string): string {
    let clean = text;
    for (const needle of this.#needles) if (clean.includes(needle)) clean = clean.replaceAll(needle, REDACTED);
    return clean;
  }

  /** A value with every known value replaced, in member names too; the value itself when there is none. */
  redact(value: JsonValue): JsonValue {
    if (this.isEmpty) return value;
    if (typeof value === "string") return this.redactText(value);
    if (value === null || typeof value !== "object") return value;
    if (isList(value)) {
      const items = value.map((item) => this.redact(item));
      return items.some((item, index) => item !== value[index]) ? items : value;
    }
    const members = Object.entries(value).map(([name, member]) => [this.redactText(name), this.redact(member)] as const);
    const isSame = members.every(([name, member]) => Object.hasOwn(value, name) && value[name] === member);
    return isSame ? value : Object.fromEntries(members);
  }
}

function formsOf(value: string): readonly string[] {
  const bytes = new TextEncoder().encode(value);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const json = JSON.stringify(value).slice(1, -1);
  const url = encodeURIComponent(value);
  const base64 = [0, 1, 2].map((offset) => base64At(bytes, offset));
  return [
    value,
    json,
    json.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
    url,
    url.replaceAll("%20", "+"),
    url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    hex,
    hex.toUpperCase(),
    ...base64,
    ...base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
  ];
}

/** The characters that depend on these bytes alone when `offset` bytes (modulo 3) stand before them in what is encoded. */
function base64At(bytes: Uint8Array, offset: number): string {
  const text = btoa("\0".repeat(offset) + [...bytes].map((byte) => String.fromCharCode(byte)).join(""));
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
}

function holds(bytes: Uint8Array, needle: Uint8Array): boolean {
  const [first = 0] = needle;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (needle.every((byte, index) => bytes[at + index] === byte)) return true;
  }
  return false;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
