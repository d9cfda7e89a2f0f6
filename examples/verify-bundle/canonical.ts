/** A value that JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };

/** Deepest nesting that a bundle may have. */
const DEPTH_MAX = 256;

/**
 * The one text of a value: RFC 8785, over integers only.
 *
 * `JSON.stringify` writes strings as the RFC does, and `sort` compares by UTF-16 code units, as it must.
 */
function textOf(value: Json, depth = 0): string {
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new TypeError("a number that is no integer");
  if (typeof value === "string" && /\p{Surrogate}/u.test(value)) throw new TypeError("half a character");
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (depth === DEPTH_MAX) throw new TypeError("nested too deep");
  if (isList(value)) return `[${value.map((item) => textOf(item, depth + 1)).join(",")}]`;
  const members = Object.keys(value)
    .sort()
    .map((name) => `${textOf(name)}:${textOf(value[name] ?? null, depth + 1)}`);
  return `{${members.join(",")}}`;
}

/** Reads a text; `undefined` when it is not exactly what {@link textOf} would write. */
export function readCanonical(text: string): Json | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return textOf(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
