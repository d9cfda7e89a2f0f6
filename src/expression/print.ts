import type { Expression, Tree } from "../model/expression.js";
import type { JsonValue } from "../json/value.js";
import { isExpression } from "../model/expression.js";
import { isList, isReference } from "./references.js";

/**
 * A tree as a person reads it: JSON, with late values as `<step>.result.path` and operators as calls.
 *
 * Control characters and bidirectional overrides in strings come out escaped, so that a value can't disguise itself.
 */
export function printTree(tree: Tree): string {
  if (tree === null || typeof tree !== "object") return typeof tree === "string" ? printText(tree) : String(tree);
  if (isList(tree)) return `[${tree.map(printTree).join(", ")}]`;
  if (isExpression(tree)) return printExpression(tree);
  return printMembers(tree, printTree);
}

/** A JSON value as a person reads it, by the rules of {@link printTree}. */
export function printJson(value: JsonValue): string {
  if (value === null || typeof value !== "object") return typeof value === "string" ? printText(value) : String(value);
  if (Array.isArray(value)) return `[${value.map((item: JsonValue) => printJson(item)).join(", ")}]`;
  return printMembers(value as { readonly [name: string]: JsonValue }, printJson);
}

function printMembers<T>(object: { readonly [name: string]: T }, print: (member: T) => string): string {
  const members = Object.entries(object)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${printName(name)}: ${print(member)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

function printExpression(expression: Expression): string {
  if (expression.$ === "literal") return printJson(expression.value);
  const path = "path" in expression ? expression.path.map((name) => `.${name}`).join("") : "";
  if (!isReference(expression)) return `${expression.$}(${expression.of.map(printTree).join(", ")})${path}`;
  switch (expression.$) {
    case "param":
      return `params${path}`;
    case "item":
      return `item(${expression.loop})${path}`;
    case "index":
      return `index(${expression.loop})`;
    case "allocate":
      return `new(${expression.kind})`;
    case "bind":
      return `bind(${expression.name})${path}`;
    case "lookup":
      return `lookup(${expression.lookup})${path}`;
    case "result":
      return `${expression.step}.result${path}`;
    case "collect":
      return `${expression.loop}.results${path}`;
  }
}

function printName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : printText(name);
}

// C0 and C1 controls, line and paragraph separators, zero-width and bidirectional formatting characters, and the byte order mark
const DISGUISES = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** A string as a JSON literal with every invisible or direction-changing character escaped. */
export function printText(text: string): string {
  return JSON.stringify(text).replace(DISGUISES, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
