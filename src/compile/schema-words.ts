import type { SchemaDescription } from "../model/schema-description.js";

/** A description in words, for messages: `a string`, `one of "a", "b"`, `a list of integers`. */
export function describeSchema(description: SchemaDescription): string {
  switch (description.type) {
    case "string":
      return stringWords(description);
    case "integer":
      return "an integer";
    case "boolean":
      return "true or false";
    case "null":
      return "null";
    case "json":
      return "any JSON value";
    case "literal":
      return description.values.map((value) => JSON.stringify(value)).join(" or ");
    case "enum":
      return `one of ${description.values.map((value) => `"${value}"`).join(", ")}`;
    case "object":
    case "recursive":
      return "an object";
    case "record":
      return "an object of entries";
    case "tuple":
      return `a list of exactly ${description.items.length}${description.rest === undefined ? "" : " or more"}`;
    case "array":
      return "a list";
    case "union":
      return description.of.map(describeSchema).join(" or ");
    case "optional":
    case "default":
      return describeSchema(description.of);
  }
}

function stringWords(description: Extract<SchemaDescription, { type: "string" }>): string {
  if (description.subject !== undefined) return `the id of a ${description.subject.kind}`;
  return description.format === undefined ? "a string" : `a string in the format ${description.format}`;
}

const patterns = new WeakMap<SchemaDescription, RegExp>();

/** The pattern of a string description as a regular expression without memory; `undefined` without one. */
export function patternOf(description: Extract<SchemaDescription, { type: "string" }>): RegExp | undefined {
  if (description.pattern === undefined) return undefined;
  const known = patterns.get(description);
  if (known !== undefined) return known;
  const pattern = new RegExp(description.pattern, (description.flags ?? "").replaceAll(/[gy]/g, ""));
  patterns.set(description, pattern);
  return pattern;
}

const codes = new WeakMap<SchemaDescription, boolean>();

/** Tells whether a description names a check that only a schema's code can make: a format, an opaque check, exhaustive keys. */
export function needsCode(description: SchemaDescription): boolean {
  const known = codes.get(description);
  if (known !== undefined) return known;
  const needs =
    description.opaque !== undefined ||
    (description.type === "string" && description.format !== undefined) ||
    (description.type === "record" && description.key.type !== "string") ||
    partsOf(description).some(needsCode);
  codes.set(description, needs);
  return needs;
}

/** A description that stands around others: what the depth of a recursive one counts. */
export type WithParts = Extract<
  SchemaDescription,
  { readonly type: "object" | "record" | "tuple" | "array" | "union" | "optional" | "default" }
>;

/** Tells a description that stands around others from one that ends. */
export function hasParts(description: SchemaDescription): description is WithParts {
  switch (description.type) {
    case "object":
    case "record":
    case "tuple":
    case "array":
    case "union":
    case "optional":
    case "default":
      return true;
    default:
      return false;
  }
}

/** The descriptions directly inside a description. */
export function partsOf(description: SchemaDescription): readonly SchemaDescription[] {
  switch (description.type) {
    case "object":
      return Object.values(description.fields);
    case "record":
      return [description.key, description.value];
    case "tuple":
      return description.rest === undefined ? description.items : [...description.items, description.rest];
    case "array":
      return [description.item];
    case "union":
      return description.of;
    case "optional":
    case "default":
      return [description.of];
    default:
      return [];
  }
}
