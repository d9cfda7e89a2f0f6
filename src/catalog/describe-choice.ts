import type { z } from "zod";
import type { JsonValue } from "../json/value.js";
import type { SchemaDescription } from "../model/schema-description.js";
import { canonicalize } from "../json/canonical.js";
import { copyCanonical } from "../json/copy.js";
import { notDescribable } from "./not-describable.js";
import { definitionOf, isSchema, lazySchema, listIn, member, objectIn } from "./schema-definition.js";
import type { DescribePart, SchemaVisit } from "./schema-visit.js";

/** Describes the values that are allowed one by one, in the order of their canonical text. */
export function describeLiteral(definition: object, path: readonly string[]): SchemaDescription {
  return { type: "literal", values: sortedValues(listIn(definition, "values").map((value) => canonicalLiteral(value, path))) };
}

/** Describes an enumeration of strings; one that holds numbers (a TypeScript enum) is a literal. */
export function describeEnum(definition: object, path: readonly string[]): SchemaDescription {
  const values = enumValues(objectIn(definition, "entries"));
  const labels = values.filter((value) => typeof value === "string");
  if (labels.length === values.length) return { type: "enum", values: [...new Set(labels)].sort() };
  return { type: "literal", values: sortedValues(values.map((value) => canonicalLiteral(value, path))) };
}

/** Describes a choice between schemas, tried in order; a discriminator is part of the meaning. */
export function describeUnion(definition: object, visit: SchemaVisit, part: DescribePart): SchemaDescription {
  const discriminator = member(definition, "discriminator");
  if (member(definition, "inclusive") === false && typeof discriminator !== "string") {
    throw notDescribable(visit.path, "a union of which exactly one may fit", "use z.union() or z.discriminatedUnion()");
  }
  const of = listIn(definition, "options").map((option) => part(option, visit, undefined, definition));
  return typeof discriminator === "string" ? { type: "union", of, discriminator } : { type: "union", of };
}

/** Describes a default: a value that is there whenever the contract is read, and that its own schema leaves as it is. */
export function describeDefault(definition: object, visit: SchemaVisit, part: DescribePart): SchemaDescription {
  const inner = member(definition, "innerType");
  const of = part(inner, visit, undefined, definition);
  const value = canonicalDefault(definition, visit.path);
  // a function that makes a new value each time would put another value into every plan
  if (canonicalize(canonicalDefault(definition, visit.path)) !== canonicalize(value)) {
    throw notDescribable(visit.path, "a default that changes", "use a constant, or make the value an argument");
  }
  if (!isSchema(inner) || !leavesAsItIs(inner, value)) {
    throw notDescribable(visit.path, "a default that its own schema refuses or completes", "write the default in full");
  }
  return { type: "default", of, value };
}

/** Tells `z.json()` from other lazy schemas: a choice of the six kinds of JSON that contains itself. */
export function isJsonSchema(schema: z.ZodType): boolean {
  const union = lazySchema(definitionOf(schema));
  if (!isSchema(union)) return false;
  const options = listIn(definitionOf(union), "options").filter(isSchema).map(definitionOf);
  if (options.map((option) => String(member(option, "type"))).join(" ") !== "string number boolean null array record")
    return false;
  return (
    options.some((option) => member(option, "element") === schema) &&
    options.some((option) => member(option, "valueType") === schema)
  );
}

/** zod's own rule: of a TypeScript enum, the names that numbers map back to are not values. */
function enumValues(entries: object): readonly unknown[] {
  const pairs: readonly (readonly [string, unknown])[] = Object.entries(entries);
  const numbers = new Set(pairs.map(([, value]) => value).filter((value) => typeof value === "number"));
  return pairs.filter(([name]) => !numbers.has(Number(name))).map(([, value]) => value);
}

function canonicalLiteral(value: unknown, path: readonly string[]): JsonValue {
  const isScalar = value === null || typeof value === "string" || typeof value === "boolean" || Number.isSafeInteger(value);
  if (!isScalar) throw notDescribable(path, `the literal ${typeof value}`, "use strings, integers, true, false and null");
  return copyCanonical(value);
}

function canonicalDefault(definition: object, path: readonly string[]): JsonValue {
  try {
    return copyCanonical(member(definition, "defaultValue"));
  } catch (cause) {
    throw notDescribable(path, "a default that isn't plain JSON", "use strings, integers, lists and plain objects", { cause });
  }
}

function leavesAsItIs(schema: z.ZodType, value: JsonValue): boolean {
  const parsed = schema.safeParse(value);
  return parsed.success && canonicalize(parsed.data) === canonicalize(value);
}

function sortedValues(values: readonly JsonValue[]): readonly JsonValue[] {
  const byText = new Map(values.map((value) => [canonicalize(value), value]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}
