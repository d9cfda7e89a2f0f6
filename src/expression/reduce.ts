import type { Expression, Operator, Tree, ValuePath } from "../model/expression.js";
import type { JsonValue } from "../json/value.js";
import type { Reference } from "./references.js";
import { isExpression } from "../model/expression.js";
import { define, isLiteral, literalOf, treeOfJson } from "./literal.js";
import { isList, isReference } from "./references.js";
import { operate } from "./operate.js";

/** What a reference stands for: a tree (`undefined` = absent), or not known yet. */
export type Resolution = { readonly known: true; readonly tree: Tree | undefined } | { readonly known: false };

/** Looks up a reference, without its `path`: {@link reduce} reads the path. */
export type Resolve = (reference: Reference) => Resolution;

/**
 * Puts values in place of references as far as they are known, and computes the operators whose operands are all known.
 *
 * Absent object members are left out and absent list items become `null`; an absent root is `undefined`. What is not known
 * stays, so that the answer may be reduced again later with more known. Short cuts: `all` and `any` are decided by the first
 * known operand that settles them, `orElse` by a known first operand that is there.
 *
 * @remarks Time O(nodes). Does not mutate `tree`; shares the parts that did not change.
 */
export function reduce(tree: Tree, resolve: Resolve): Tree | undefined {
  if (tree === null || typeof tree !== "object") return tree;
  if (isList(tree)) return reduceList(tree, resolve);
  if (isExpression(tree)) return reduceExpression(tree, resolve);
  return reduceObject(tree, resolve);
}

function reduceList(list: readonly Tree[], resolve: Resolve): Tree {
  const items = list.map((item) => reduce(item, resolve) ?? null);
  return items.some((item, index) => item !== list[index]) ? items : list;
}

function reduceObject(object: { readonly [key: string]: Tree }, resolve: Resolve): Tree {
  let changed = false;
  const members: Record<string, Tree> = {};
  for (const name of Object.keys(object)) {
    const member = object[name];
    const reduced = member === undefined ? undefined : reduce(member, resolve);
    if (reduced !== member) changed = true;
    if (reduced !== undefined) define(members, name, reduced);
  }
  return changed ? members : object;
}

function reduceExpression(expression: Expression, resolve: Resolve): Tree | undefined {
  if (expression.$ === "literal") return expression;
  if (isReference(expression)) {
    const resolution = resolve(expression);
    if (!resolution.known) return expression;
    return resolution.tree === undefined ? undefined : readPath(resolution.tree, "path" in expression ? expression.path : []);
  }
  return reduceOperator(expression, resolve);
}

function reduceOperator(expression: Extract<Expression, { readonly of: readonly Tree[] }>, resolve: Resolve): Tree | undefined {
  const operands = expression.of.map((operand) => reduce(operand, resolve));
  const path = expression.path ?? [];
  const settled = settle(expression.$, operands);
  if (settled !== undefined) return readPath(settled.tree, path);
  if (operands.every((operand) => operand === undefined || isLiteral(operand))) {
    const value = operate(
      expression.$,
      operands.map((operand) => (operand === undefined ? undefined : literalOf(operand))),
    );
    return value === undefined ? undefined : readPath(treeOfJson(value), path);
  }
  return { ...expression, of: operands.map((operand) => operand ?? null) };
}

/** Decides an operator before all its operands are known; `undefined` when it can't be. */
function settle(operator: Operator, operands: readonly (Tree | undefined)[]): { readonly tree: Tree } | undefined {
  if (operator === "all" && operands.includes(false)) return { tree: false };
  if (operator === "any" && operands.includes(true)) return { tree: true };
  if (operator !== "orElse") return undefined;
  const [first, second] = operands;
  if (first === undefined || first === null) return second === undefined ? undefined : { tree: second };
  return isExpression(first) && first.$ !== "literal" ? undefined : { tree: first };
}

/**
 * Reads a path through a tree: through literal parts it walks, into a late expression it is appended.
 *
 * @returns `undefined` where a member is absent or the value has no members
 */
export function readPath(tree: Tree, path: ValuePath): Tree | undefined {
  let current: Tree = tree;
  for (const [position, name] of path.entries()) {
    if (current === null || typeof current !== "object") return undefined;
    if (!isList(current) && isExpression(current)) {
      if (current.$ !== "literal") return appendPath(current, path.slice(position));
      current = treeOfJsonMembers(current.value);
      if (current === null || typeof current !== "object") return undefined;
    }
    const next: Tree | undefined = isList(current) ? current[indexOf(name)] : memberOf(current, name);
    if (next === undefined) return undefined;
    current = next;
  }
  return current;
}

function appendPath(expression: Expression, rest: ValuePath): Tree {
  if (expression.$ === "literal" || expression.$ === "index" || expression.$ === "allocate") return expression;
  return { ...expression, path: [...(expression.path ?? []), ...rest] };
}

/** One level of a wrapped literal, its members as trees. */
function treeOfJsonMembers(value: JsonValue): Tree {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((item: JsonValue) => treeOfJson(item));
  const members: Record<string, Tree> = {};
  for (const [name, member] of Object.entries(value)) define(members, name, treeOfJson(member));
  return members;
}

function memberOf(object: object, name: string): Tree | undefined {
  const descriptor = Object.getOwnPropertyDescriptor(object, name);
  return descriptor === undefined ? undefined : (descriptor.value as Tree);
}

function indexOf(name: string): number {
  return /^(0|[1-9][0-9]{0,8})$/.test(name) ? Number(name) : -1;
}
