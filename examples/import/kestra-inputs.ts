import { instant } from "runseal";
import { z } from "zod";
import type { Findings } from "./findings.js";
import type { SourceNode } from "./source-node.js";

const RESERVED = new Set(["__proto__", "length", "map", "then", "toJSON", "toString", "constructor", "valueOf", "prototype"]);
const FIELDS = new Set([
  "id",
  "name",
  "type",
  "description",
  "displayName",
  "defaults",
  "required",
  "values",
  "options",
  "itemType",
  "min",
  "max",
  "validator",
]);

/** Reads the inputs of a flow as parameters, by name. */
export function readKestraInputs(list: SourceNode, findings: Findings): { readonly [name: string]: z.ZodType } {
  const fields: (readonly [name: string, schema: z.ZodType])[] = [];
  for (const node of list.items()) {
    const name = node.at("id").text() ?? node.at("name").requiredText();
    if (name === undefined) continue;
    if (!/^[A-Za-z][\w-]{0,127}$/.test(name) || RESERVED.has(name) || fields.some(([other]) => other === name)) {
      findings.refuse("import.not_expressible", node.pointer, `"${name.slice(0, 40)}" can't be the name of an input`);
      continue;
    }
    node.refuseOthers(FIELDS, "an input");
    const schema = inputSchema(node, findings);
    if (schema !== undefined) fields.push([name, schema]);
  }
  return Object.fromEntries(fields);
}

function inputSchema(node: SourceNode, findings: Findings): z.ZodType | undefined {
  const base = typeSchema(node, findings);
  const defaults = node.at("defaults");
  if (base === undefined) return undefined;
  if (defaults.value === undefined) return node.at("required").flag() === false ? base.optional() : base;
  if (JSON.stringify(defaults.value).includes("{{")) {
    return findings.refuse("import.expression", defaults.pointer, "the default is computed");
  }
  const value = base instanceof z.ZodString ? (defaults.text() ?? null) : defaults.value;
  return base.safeParse(value).success
    ? base.default(value)
    : findings.refuse("import.wrong_type", defaults.pointer, "the default is not a value that the input accepts");
}

function typeSchema(node: SourceNode, findings: Findings): z.ZodType | undefined {
  const type = node.at("type").requiredText();
  if (type === undefined) return undefined;
  switch (type) {
    case "STRING":
      return textSchema(node, findings);
    case "DATE":
    case "TIME":
    case "DURATION":
    case "EMAIL":
    case "URI":
    case "FILE":
    case "FLOAT":
      return z.string();
    case "DATETIME":
      return instant();
    case "INT":
      return z.int();
    case "BOOLEAN":
    case "BOOL":
      return z.boolean();
    case "JSON":
    case "YAML":
      return z.json();
    case "ARRAY":
      return z.array(z.json());
    case "ENUM":
    case "SELECT":
      return z.enum(
        node
          .at(node.at("values").isPresent ? "values" : "options")
          .items()
          .map((value) => value.text() ?? ""),
      );
    case "MULTISELECT":
      return z.array(
        z.enum(
          node
            .at(node.at("values").isPresent ? "values" : "options")
            .items()
            .map((value) => value.text() ?? ""),
        ),
      );
    case "SECRET":
      return findings.refuse(
        "import.not_expressible",
        node.at("type").pointer,
        "a secret; a plan holds references to secrets only",
      );
    default:
      return findings.refuse("import.unknown_construct", node.at("type").pointer, `"${type}" is no type of an input`);
  }
}

function textSchema(node: SourceNode, findings: Findings): z.ZodType {
  const validator = node.at("validator");
  const source = validator.text();
  if (source === undefined) return z.string();
  try {
    return z.string().regex(new RegExp(source));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    findings.note(validator.pointer, "the pattern is not one of JavaScript's and is not checked");
    return z.string();
  }
}
