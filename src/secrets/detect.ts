import type { JsonObject, JsonValue } from "../json/value.js";
import { jsonPointer } from "../json/walk.js";
import { SECRET_SHAPES, hasSecretHint } from "./shapes.js";
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
  const found = search(value, undefined);
  return found === undefined ? undefined : { pointer: jsonPointer(found.path.reverse()), rule: found.rule };
}

/** What was found and the names that lead to it, innermost first: written only when there is something. */
interface Found {
  readonly path: string[];
  readonly rule: string;
}

function search(value: JsonValue, name: string | undefined): Found | undefined {
  if (typeof value === "string") {
    const rule = secretRuleOf(value, name);
    return rule === undefined ? undefined : { path: [], rule };
  }
  if (value === null || typeof value !== "object") return undefined;
  return isList(value) ? searchList(value, name) : searchMembers(value);
}

function searchList(list: readonly JsonValue[], name: string | undefined): Found | undefined {
  for (let index = 0; index < list.length; index += 1) {
    const found = search(list[index] ?? null, name);
    if (found === undefined) continue;
    found.path.push(String(index));
    return found;
  }
  return undefined;
}

function searchMembers(object: JsonObject): Found | undefined {
  for (const key of Object.keys(object)) {
    const inKey = shapeRuleOf(key);
    if (inKey !== undefined) return { path: [], rule: inKey };
    const found = search(object[key] ?? null, key);
    if (found === undefined) continue;
    found.path.push(key);
    return found;
  }
  return undefined;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The rule by which a string under a name is a secret; `undefined` when it is none. */
export function secretRuleOf(text: string, name: string | undefined): string | undefined {
  const shape = shapeRuleOf(text);
  if (shape !== undefined) return shape;
  if (name === undefined || text.length < 8 || text.startsWith("secret:") || text === "[REDACTED]") return undefined;
  return isSecretName(name) ? "name" : undefined;
}

function shapeRuleOf(text: string): string | undefined {
  if (text.length < 12 || !hasSecretHint(text)) return undefined;
  for (const { hint, pattern, rule } of SECRET_SHAPES) if (text.includes(hint) && pattern.test(text)) return rule;
  return undefined;
}
