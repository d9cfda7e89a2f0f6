import type { JsonValue } from "../json/value.js";
import { SECRET_SHAPES } from "./shapes.js";
import { isSecretName } from "./names.js";

/** Where a secret stands and by which rule it was known. */
export interface SecretFinding {
  /** JSON Pointer. */
  readonly pointer: string;
  readonly rule: string;
}

/**
 * The first secret in a value, `undefined` when there is none.
 *
 * Two signs count: a string that has the shape of a credential, and a string of eight characters or more under a name that
 * says so (`password`, `apiKey` …). References such as `secret:name` are not secrets.
 *
 * @remarks Time O(size); patterns are linear.
 */
export function findSecret(value: JsonValue): SecretFinding | undefined {
  return search(value, "", undefined);
}

function search(value: JsonValue, pointer: string, name: string | undefined): SecretFinding | undefined {
  if (typeof value === "string") {
    const rule = secretRuleOf(value, name);
    return rule === undefined ? undefined : { pointer, rule };
  }
  if (value === null || typeof value !== "object") return undefined;
  for (const [key, member] of Object.entries<JsonValue>(value)) {
    const below = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const inKey = shapeRuleOf(key);
    if (inKey !== undefined) return { pointer, rule: inKey };
    const found = search(member, below, Array.isArray(value) ? name : key);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The rule by which a string under a name is a secret; `undefined` when it is none. */
export function secretRuleOf(text: string, name: string | undefined): string | undefined {
  const shape = shapeRuleOf(text);
  if (shape !== undefined) return shape;
  if (name === undefined || text.length < 8 || text.startsWith("secret:") || text === "[REDACTED]") return undefined;
  return isSecretName(name) ? "name" : undefined;
}

function shapeRuleOf(text: string): string | undefined {
  if (text.length < 12) return undefined;
  return SECRET_SHAPES.find(({ hint, pattern }) => text.includes(hint) && pattern.test(text))?.rule;
}
