import type { Expression, Tree } from "../model/expression.js";
import { isExpression } from "../model/expression.js";

/** An expression that names something else: everything but literals and operators. */
export type Reference = Extract<
  Expression,
  { readonly $: "param" | "item" | "index" | "allocate" | "bind" | "lookup" | "result" | "collect" }
>;

/** Tells a reference from a literal or an operator. */
export function isReference(expression: Expression): expression is Reference {
  return expression.$ !== "literal" && !("of" in expression);
}

/**
 * Every reference in a tree, in order of appearance, equal ones once each time they are written.
 *
 * @remarks Time O(nodes).
 */
export function referencesOf(tree: Tree): readonly Reference[] {
  const found: Reference[] = [];
  collect(tree, found);
  return found;
}

function collect(tree: Tree, found: Reference[]): void {
  if (tree === null || typeof tree !== "object") return;
  if (isList(tree)) {
    for (const item of tree) collect(item, found);
  } else if (isExpression(tree)) {
    if (isReference(tree)) found.push(tree);
    else if ("of" in tree) for (const operand of tree.of) collect(operand, found);
  } else {
    for (const member of Object.values(tree)) collect(member, found);
  }
}

/** Tells a list node from an object node; `Array.isArray` loses readonly lists. */
export function isList(tree: Tree): tree is readonly Tree[] {
  return Array.isArray(tree);
}
