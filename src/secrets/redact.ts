import type { JsonValue } from "../json/value.js";
import { SECRET_SHAPES } from "./shapes.js";
import { secretRuleOf } from "./detect.js";

/** What stands where a secret stood. */
export const REDACTED = "[REDACTED]";

/**
 * A copy of a value with every secret replaced; the value itself when there is none.
 *
 * @remarks Time O(size). Runs on every event and artifact before it is hashed, so the common case allocates nothing.
 */
export function redact(value: JsonValue): JsonValue {
  return redactUnder(value, undefined);
}

function redactUnder(value: JsonValue, name: string | undefined): JsonValue {
  if (typeof value === "string") return redactString(value, name);
  if (value === null || typeof value !== "object") return value;
  return isList(value) ? redactItems(value, name) : redactMembers(value);
}

function redactItems(list: readonly JsonValue[], name: string | undefined): JsonValue {
  let copy: JsonValue[] | undefined;
  for (let index = 0; index < list.length; index += 1) {
    const item = list[index] ?? null;
    const cleanItem = redactUnder(item, name);
    if (cleanItem === item) continue;
    copy ??= [...list];
    copy[index] = cleanItem;
  }
  return copy ?? list;
}

function redactMembers(object: { readonly [key: string]: JsonValue }): JsonValue {
  let copy: Record<string, JsonValue> | undefined;
  for (const name of Object.keys(object)) {
    const member = object[name] ?? null;
    const cleanName = redactString(name, undefined);
    const cleanMember = redactUnder(member, name);
    if (cleanName === name && cleanMember === member) continue;
    copy ??= Object.fromEntries(Object.entries(object));
    if (cleanName !== name) Reflect.deleteProperty(copy, name);
    Object.defineProperty(copy, cleanName, { value: cleanMember, enumerable: true, configurable: true, writable: true });
  }
  return copy ?? object;
}

function redactString(text: string, name: string | undefined): string {
  const rule = secretRuleOf(text, name);
  if (rule === undefined) return text;
  return rule === "name" ? REDACTED : redactText(text);
}

/** Replaces every credential shape inside a text, e.g. an error message. */
export function redactText(text: string): string {
  let clean = text;
  for (const { hint, pattern } of SECRET_SHAPES) {
    if (clean.includes(hint)) clean = clean.replaceAll(new RegExp(pattern.source, "g"), REDACTED);
  }
  return clean;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
