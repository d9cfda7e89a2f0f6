import type { JsonValue } from "../json/value.js";
import type { Tree } from "../model/expression.js";
import { isExpression } from "../model/expression.js";
import { RunsealError } from "../errors/error.js";
import { isList } from "./references.js";

/** Tells whether a tree holds no expression but `literal` wrappers, so that its value is known. */
export function isLiteral(tree: Tree): boolean {
  if (tree === null || typeof tree !== "object") return true;
  if (isList(tree)) return tree.every(isLiteral);
  if (isExpression(tree)) return tree.$ === "literal";
  for (const name in tree) if (!isLiteral(tree[name] ?? null)) return false;
  return true;
}

/**
 * The JSON value of a literal tree.
 *
 * @throws {@link RunsealError} `internal.invariant` when an expression is left in it: ask {@link isLiteral} first
 */
export function literalOf(tree: Tree): JsonValue {
  if (tree === null || typeof tree !== "object") return tree;
  if (isList(tree)) return tree.map(literalOf);
  if (isExpression(tree)) {
    if (tree.$ === "literal") return tree.value;
    throw new RunsealError("internal.invariant", `broken invariant: "${tree.$}" has a value only while running`, {
      rule: "literalOf takes literal trees",
    });
  }
  const value: Record<string, JsonValue> = {};
  for (const [name, member] of Object.entries(tree)) define(value, name, literalOf(member));
  return value;
}

/** The tree that stands for a JSON value: the value itself, with objects that own a member `$` wrapped as literals. */
export function treeOfJson(value: JsonValue): Tree {
  if (!ownsDollar(value)) return value;
  if (isJsonList(value)) return value.map(treeOfJson);
  if (Object.hasOwn(value, "$")) return { $: "literal", value };
  const tree: Record<string, Tree> = {};
  for (const [name, member] of Object.entries(value)) define(tree, name, treeOfJson(member));
  return tree;
}

function ownsDollar(value: JsonValue): value is Exclude<JsonValue, null | boolean | number | string> {
  if (value === null || typeof value !== "object") return false;
  if (isJsonList(value)) return value.some(ownsDollar);
  if (Object.hasOwn(value, "$")) return true;
  const object = value;
  for (const name in object) if (ownsDollar(object[name] ?? null)) return true;
  return false;
}

function isJsonList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Sets a member as data: a plain assignment to `__proto__` would change the prototype instead. */
export function define<T>(target: Record<string, T>, name: string, value: T): void {
  if (name === "__proto__") Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  else target[name] = value;
}
