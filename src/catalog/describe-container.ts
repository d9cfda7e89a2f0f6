import type { SchemaDescription, SchemaShape } from "../model/schema-description.js";
import { define } from "../expression/literal.js";
import { lengthBounds } from "./describe-string.js";
import { notDescribable } from "./not-describable.js";
import { definitionOf, isSchema, listIn, member, objectIn } from "./schema-definition.js";
import type { DescribePart, SchemaVisit } from "./schema-visit.js";

type ObjectShape = Extract<SchemaShape, { readonly type: "object" }>;

/** Describes an object: its members, which of them must be there, and what happens to others. */
export function describeObject(definition: object, visit: SchemaVisit, part: DescribePart): ObjectShape {
  const shape = objectIn(definition, "shape");
  const fields: Record<string, SchemaDescription> = {};
  for (const name of Object.keys(shape)) define(fields, name, part(member(shape, name), visit, name, definition));
  return { type: "object", fields, required: requiredOf(fields), unknown: unknownMembers(definition, visit.path) };
}

/** Describes a record; one whose keys are an exhaustive list of names is the object with these members. */
export function describeRecord(definition: object, visit: SchemaVisit, part: DescribePart): SchemaDescription {
  const [keyType, valueType] = [member(definition, "keyType"), member(definition, "valueType")];
  if (member(definition, "mode") === "loose") {
    throw notDescribable(visit.path, "a loose record", "use z.record() or z.partialRecord()");
  }
  const key = part(keyType, visit, "*", definition);
  const names = keyNames(key);
  if (names !== undefined && isExhaustive(definition, keyType)) {
    const fields: Record<string, SchemaDescription> = {};
    for (const name of names) define(fields, name, part(valueType, visit, name, definition));
    return { type: "object", fields, required: requiredOf(fields), unknown: "refuse" };
  }
  if (names === undefined && key.type !== "string") {
    throw notDescribable(visit.path, `a record with keys of type ${key.type}`, "use strings or an enum as keys");
  }
  return { type: "record", key, value: part(valueType, visit, "*", definition) };
}

/** Describes a list of any length. */
export function describeArray(
  definition: object,
  checks: readonly object[],
  visit: SchemaVisit,
  part: DescribePart,
): SchemaDescription {
  return { type: "array", item: part(member(definition, "element"), visit, "*", definition), ...lengthBounds(checks) };
}

/** Describes a list with a schema for each place. */
export function describeTuple(definition: object, visit: SchemaVisit, part: DescribePart): SchemaDescription {
  const described = listIn(definition, "items").map((item, index) => part(item, visit, `${index}`, definition));
  const rest = member(definition, "rest");
  if (!isSchema(rest)) return { type: "tuple", items: described };
  return { type: "tuple", items: described, rest: part(rest, visit, "*", definition) };
}

/** Tells whether a member of this description may be left out. */
function mayBeAbsent(description: SchemaDescription): boolean {
  return description.type === "optional" || description.type === "default";
}

function requiredOf(fields: { readonly [name: string]: SchemaDescription }): readonly string[] {
  return Object.entries(fields)
    .filter(([, field]) => !mayBeAbsent(field))
    .map(([name]) => name)
    .sort();
}

function unknownMembers(definition: object, path: readonly string[]): ObjectShape["unknown"] {
  const catchall = member(definition, "catchall");
  if (!isSchema(catchall)) return "strip";
  const type = member(definitionOf(catchall), "type");
  if (type === "never") return "refuse";
  if (type === "unknown" || type === "any") return "keep";
  throw notDescribable(path, "an object whose other members have a schema", "put them into a z.record() of their own");
}

/** zod 4.5 and later say `partial`; before, `z.partialRecord` takes the list of values off the key schema. */
function isExhaustive(definition: object, keyType: unknown): boolean {
  if (member(definition, "partial") === true || !isSchema(keyType)) return false;
  return keyType._zod.values !== undefined;
}

function keyNames(key: SchemaDescription): readonly string[] | undefined {
  if (key.opaque !== undefined) return undefined;
  if (key.type === "enum") return key.values;
  if (key.type !== "literal") return undefined;
  const names = key.values.filter((value) => typeof value === "string");
  return names.length === key.values.length ? names : undefined;
}
