import type { FieldType } from "../model/event.js";
import type { JsonObject, JsonValue } from "../json/value.js";

/**
 * The first member of an object that does not have its type: `"at" is not integer`; `undefined` = all do.
 *
 * Members that `types` does not name are let pass. Cost: linear in the members and their lists.
 */
export function wrongMember(object: JsonObject, types: { readonly [member: string]: FieldType }): string | undefined {
  const wrong = Object.entries(types).find(([member, type]) => !fits(ownMember(object, member), type));
  return wrong === undefined ? undefined : `"${wrong[0]}" is not ${wrong[1]}`;
}

/** Tells an object from every other value. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function ownMember(object: JsonObject, member: string): JsonValue | undefined {
  return Object.hasOwn(object, member) ? object[member] : undefined;
}

function fits(value: JsonValue | undefined, type: FieldType): boolean {
  if (value === undefined) return type.endsWith("?");
  if (value === null) return type.endsWith("|null") || type.startsWith("json");
  switch (type) {
    case "string":
    case "string?":
    case "string|null":
      return typeof value === "string";
    case "integer":
    case "integer?":
    case "integer|null":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string");
    case "object":
    case "object?":
      return isObject(value);
    case "json":
    case "json?":
      return true;
  }
}
