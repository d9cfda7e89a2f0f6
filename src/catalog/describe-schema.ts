import type { z } from "zod";
import type { OpaqueCheck, SchemaDescription, SchemaShape } from "../model/schema-description.js";
import { describeArray, describeObject, describeRecord, describeTuple } from "./describe-container.js";
import { describeInteger, isIntegerCheck } from "./describe-integer.js";
import { describeString, isStringCheck } from "./describe-string.js";
import { describeDefault, describeEnum, describeLiteral, describeUnion, isJsonSchema } from "./describe-choice.js";
import { markOf } from "./mark.js";
import { notDescribable } from "./not-describable.js";
import type { SchemaVisit } from "./schema-visit.js";
import { checkName, checksOf, definitionOf, isSchema, lazySchema, member } from "./schema-definition.js";

const DEPTH_MAX = 100;
const NODES_MAX = 20_000;

/**
 * What a zod schema means, in the closed words of contracts (`runseal/schema/1`).
 *
 * Read from the schema's definition, so that equal schemas have equal descriptions under every zod 4 minor. Titles,
 * descriptions, examples and error texts are left out; enum values and required names are sorted.
 *
 * @throws {@link RunsealError} `schema.not_describable` when the schema says something that these words can't: a fraction, a
 * date, a transform, a refinement without a name, more than 100 levels or 20,000 parts; the error names the place
 * @remarks Time O(parts of the schema).
 */
export function describeSchema(schema: z.ZodType): SchemaDescription {
  return describePart(schema, { path: [], open: [], depth: 0, count: { nodes: 0 } });
}

function describePart(schema: unknown, visit: SchemaVisit, name?: string, enclosing?: object): SchemaDescription {
  const path = name === undefined ? visit.path : [...visit.path, name];
  if (!isSchema(schema)) throw notDescribable(path, "something that is no zod 4 schema", "import { z } from zod 4");
  const open = enclosing === undefined ? visit.open : [...visit.open, enclosing];
  const definition = definitionOf(schema);
  const depth = open.indexOf(definition);
  if (depth >= 0) {
    if (!open.slice(depth).some(holdsParts))
      throw notDescribable(path, "a schema that is itself", "put it into a list or a member");
    return { type: "recursive", depth };
  }
  visit.count.nodes += 1;
  if (visit.depth > DEPTH_MAX || visit.count.nodes > NODES_MAX) {
    throw notDescribable(path.slice(0, 8), "a schema this large", "make it smaller, or take z.json() for the inner part");
  }
  return describe(schema, definition, { path, open, depth: visit.depth + 1, count: visit.count });
}

function describe(schema: z.ZodType, definition: object, visit: SchemaVisit): SchemaDescription {
  const checks = checksOf(definition);
  const shape = shapeOf(schema, definition, checks, visit);
  refuseOtherChecks(shape, checks, visit.path);
  const opaque = checks.flatMap((check): readonly OpaqueCheck[] => {
    const mark = markOf(check);
    return mark?.check === "runseal_opaque" ? [{ name: mark.name, version: mark.version }] : [];
  });
  return opaque.length === 0 ? shape : { ...shape, opaque: [...(shape.opaque ?? []), ...opaque] };
}

function shapeOf(schema: z.ZodType, definition: object, checks: readonly object[], visit: SchemaVisit): SchemaDescription {
  if (member(definition, "coerce") === true) {
    throw notDescribable(visit.path, "a coercion", "convert the value before it is given, and drop z.coerce");
  }
  const type = String(member(definition, "type"));
  switch (type) {
    case "string":
      return describeString(checks, visit.path);
    case "number":
      return describeInteger(checks, visit.path);
    case "boolean":
      return { type: "boolean" };
    case "null":
      return { type: "null" };
    case "any":
    case "unknown":
      return { type: "json" };
    case "literal":
      return describeLiteral(definition, visit.path);
    case "enum":
      return describeEnum(definition, visit.path);
    case "object":
      return describeObject(definition, visit, describePart);
    case "record":
      return describeRecord(definition, visit, describePart);
    case "tuple":
      return describeTuple(definition, visit, describePart);
    case "array":
      return describeArray(definition, checks, visit, describePart);
    default:
      return wrapperShape(schema, type, definition, visit);
  }
}

function wrapperShape(schema: z.ZodType, type: string, definition: object, visit: SchemaVisit): SchemaDescription {
  const inner = member(definition, "innerType");
  switch (type) {
    case "union":
      return describeUnion(definition, visit, describePart);
    case "nullable":
      return { type: "union", of: [describePart(inner, visit, undefined, definition), { type: "null" }] };
    case "optional":
      return { type: "optional", of: describePart(inner, visit, undefined, definition) };
    case "default":
    case "prefault":
      return describeDefault(definition, visit, describePart);
    case "readonly":
      return describePart(inner, visit);
    case "nonoptional":
      return describePart(withoutOptional(inner), visit);
    case "lazy":
      return isJsonSchema(schema) ? { type: "json" } : describePart(lazySchema(definition), visit);
    default:
      throw refusalOf(type, visit.path);
  }
}

/** What `optional` wraps, where nothing but `optional` was said. */
function withoutOptional(schema: unknown): unknown {
  if (!isSchema(schema)) return schema;
  const definition = definitionOf(schema);
  const isBare = member(definition, "type") === "optional" && checksOf(definition).length === 0;
  return isBare ? member(definition, "innerType") : schema;
}

/** Tells whether a schema's values have parts of their own, so that what refers to it from inside ends with the value. */
function holdsParts(definition: object): boolean {
  return ["object", "record", "array", "tuple"].includes(String(member(definition, "type")));
}

const INSTEAD = new Map<string, readonly [found: string, instead: string]>([
  ["date", ["a Date", "use instant()"]],
  ["bigint", ["a bigint", "use z.int() or decimal()"]],
  ["nan", ["NaN", "use z.int() or decimal()"]],
  ["map", ["a Map", "use z.record()"]],
  ["set", ["a Set", "use z.array()"]],
  ["undefined", ["undefined", "use .optional() or z.null()"]],
  ["void", ["undefined", "use z.object({}) or z.null()"]],
  ["never", ["a value that can't be", "leave it out"]],
  ["symbol", ["a symbol", "use z.string()"]],
  ["function", ["a function", "pass data"]],
  ["promise", ["a promise", "describe the value itself"]],
  ["file", ["a file", "pass the id of an artifact"]],
  ["custom", ["a custom type", "describe its data, and name the check with opaque(name, version, check)"]],
  ["transform", ["a transform", "transform in the handler"]],
  ["pipe", ["a transform, codec or pipe", "describe the value itself and transform in the handler"]],
  ["catch", ["a value that is replaced when it is wrong", "use .default() and correct values"]],
  ["success", ["a schema that turns into true or false", "describe the value itself"]],
  ["intersection", ["an intersection", "join the members in one z.object()"]],
  ["template_literal", ["a template literal", "use z.string().regex()"]],
]);

function refusalOf(type: string, path: readonly string[]): Error {
  const [found, instead] = INSTEAD.get(type) ?? [`the schema type "${type}"`, "use a simpler schema"];
  return notDescribable(path, found, instead);
}

function refuseOtherChecks(shape: SchemaShape, checks: readonly object[], path: readonly string[]): void {
  for (const check of checks) {
    const name = checkName(check);
    if (name === "runseal_opaque" || isKnownCheck(shape, check)) continue;
    if (name.startsWith("runseal_"))
      throw notDescribable(path, `a mark on ${shape.type}`, "put subject() and plain() on strings");
    if (name === "overwrite") throw notDescribable(path, "a value that is rewritten", "rewrite it before it is given");
    const found = name === "custom" ? "a refinement without a name" : `the check "${name}"`;
    throw notDescribable(path, found, "name it: .check(opaque(name, version, check))");
  }
}

function isKnownCheck(shape: SchemaShape, check: object): boolean {
  if (shape.type === "string") return isStringCheck(check);
  if (shape.type === "integer") return isIntegerCheck(check);
  return shape.type === "array" && (checkName(check).endsWith("_length") || checkName(check) === "length_equals");
}
