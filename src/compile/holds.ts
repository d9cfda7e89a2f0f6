import type { JsonValue } from "../json/value.js";
import { isEqual } from "../expression/operate.js";

/**
 * Tells whether an answer holds what a `require` expects: objects are compared member by member as far as named, everything
 * else exactly.
 */
export function holds(answer: JsonValue | undefined, expected: JsonValue): boolean {
  if (!isObject(expected)) return isEqual(answer, expected);
  if (answer === undefined || !isObject(answer)) return false;
  return Object.entries(expected).every(([name, wanted]) =>
    holds(Object.hasOwn(answer, name) ? answer[name] : undefined, wanted),
  );
}

function isObject(value: JsonValue): value is { readonly [name: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
