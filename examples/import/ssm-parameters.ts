import type { JsonValue } from "runseal";
import { subject } from "runseal";
import { z } from "zod";
import type { Findings } from "./findings.js";
import { labelStem } from "./labels.js";
import { isJsonList, type SourceNode } from "./source-node.js";

/** A parameter of an Automation document. */
export interface SsmParameter {
  readonly name: string;
  readonly isList: boolean;
  /** A map, so that a reference may name a member of it. */
  readonly isMap: boolean;
  readonly schema: z.ZodType;
  /** Present: the default is a text with references in it, and the parameter is optional. */
  readonly computedDefault?: { readonly text: string; readonly pointer: string };
}

const FIELDS = new Set([
  "type",
  "description",
  "default",
  "allowedValues",
  "allowedPattern",
  "displayType",
  "minChars",
  "maxChars",
  "minItems",
  "maxItems",
]);

/** Names that JavaScript asks of every object, so that a macro can't have them as parameters. */
const RESERVED = new Set(["__proto__", "length", "map", "then", "toJSON", "toString", "constructor", "valueOf"]);

/** Reads the parameters; what is wrong with one is refused and the others are still read. */
export function readParameters(node: SourceNode, findings: Findings): ReadonlyMap<string, SsmParameter> {
  const parameters = new Map<string, SsmParameter>();
  for (const [name, declaration] of node.members()) {
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(name) || RESERVED.has(name)) {
      findings.refuse("import.not_expressible", declaration.pointer, `"${name.slice(0, 40)}" can't be the name of a parameter`);
      continue;
    }
    if (!declaration.isObject()) continue;
    declaration.refuseOthers(FIELDS, "a parameter");
    const parameter = readParameter(name, declaration, findings);
    if (parameter !== undefined) parameters.set(name, parameter);
  }
  return parameters;
}

function readParameter(name: string, node: SourceNode, findings: Findings): SsmParameter | undefined {
  const type = node.at("type").requiredText();
  if (type === undefined) return undefined;
  const base = schemaOf(type, node, findings);
  if (base === undefined) return undefined;
  const about = { name, isList: base instanceof z.ZodArray, isMap: type === "StringMap" };
  const given = node.at("default");
  if (given.value === undefined) return { ...about, schema: base };
  if (typeof given.value === "string" && given.value.includes("{{")) {
    return { ...about, schema: base.optional(), computedDefault: { text: given.value, pointer: given.pointer } };
  }
  const value = typedDefault(base, given);
  return base.safeParse(value).success
    ? { ...about, schema: base.default(value) }
    : findings.refuse("import.wrong_type", given.pointer, "the default is not a value that the parameter accepts");
}

/** Booleans and integers are often written as texts. */
function typedDefault(schema: z.ZodType, node: SourceNode): JsonValue {
  if (schema instanceof z.ZodBoolean) return node.flag() ?? null;
  if (schema instanceof z.ZodNumber) return node.integer() ?? null;
  if (schema instanceof z.ZodArray && typeof node.value === "string") return node.value === "" ? [] : [node.value];
  return node.value ?? null;
}

function schemaOf(type: string, node: SourceNode, findings: Findings): z.ZodType | undefined {
  const awsType = /^(?:List<)?AWS::([A-Za-z0-9]+)::([A-Za-z0-9]+)(?:::[A-Za-z0-9]+)?>?$/.exec(type);
  if (awsType !== null) {
    const [, service = "", resource = ""] = awsType;
    // an empty text is how these documents say "none", so that any text is an id here
    const id = subject(`${labelStem(service)}.${labelStem(resource)}`, "read", stringOf(node, findings));
    return type.startsWith("List<") ? z.array(id) : id;
  }
  switch (type) {
    case "String":
      return choiceOf(node) ?? stringOf(node, findings);
    case "StringList":
      return listOf(choiceOf(node) ?? stringOf(node, findings), node);
    case "Boolean":
      return z.boolean();
    case "Integer":
      return integerOf(node);
    case "StringMap":
      return z.record(z.string(), z.json());
    case "MapList":
      return listOf(z.record(z.string(), z.json()), node);
    default:
      return findings.refuse("import.unknown_construct", node.at("type").pointer, `"${type}" is no type of a parameter`);
  }
}

function choiceOf(node: SourceNode): z.ZodType<string, string> | undefined {
  const allowed = node.at("allowedValues");
  if (!isJsonList(allowed.value) || allowed.value.length === 0) return undefined;
  return z.enum(allowed.items().map((item) => item.text() ?? ""));
}

function integerOf(node: SourceNode): z.ZodType {
  const values = node.at("allowedValues").items();
  return values.length === 0 ? z.int() : z.literal(values.map((value) => value.integer() ?? 0));
}

function stringOf(node: SourceNode, findings: Findings): z.ZodType<string, string> {
  let schema = z.string();
  const [min, max] = [node.at("minChars").integer(), node.at("maxChars").integer()];
  if (min !== undefined) schema = schema.min(min);
  if (max !== undefined) schema = schema.max(max);
  const pattern = patternOf(node.at("allowedPattern"), findings);
  return pattern === undefined ? schema : schema.regex(pattern);
}

/** Patterns are written for Java; one that JavaScript can't read is left to the service, and noted. */
function patternOf(node: SourceNode, findings: Findings): RegExp | undefined {
  const source = node.text();
  if (source === undefined) return undefined;
  try {
    return new RegExp(source);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    findings.note(node.pointer, "the pattern is not one of JavaScript's and is checked by the service alone");
    return undefined;
  }
}

function listOf(item: z.ZodType, node: SourceNode): z.ZodType {
  let schema = z.array(item);
  const [min, max] = [node.at("minItems").integer(), node.at("maxItems").integer()];
  if (min !== undefined) schema = schema.min(min);
  if (max !== undefined) schema = schema.max(max);
  return schema;
}
