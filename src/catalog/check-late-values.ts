import type { BodyItem } from "../model/macro.js";
import type { Expression, Tree, ValuePath } from "../model/expression.js";
import { isExpression } from "../model/expression.js";
import { RunsealError } from "../errors/error.js";
import { present } from "../errors/invariant.js";
import { printTree } from "../expression/print.js";
import { isList, isReference, referencesOf, type Reference } from "../expression/references.js";
import type { Macro } from "./macro.js";
import { itemsOf } from "./macro-items.js";

/** Parts of a macro's parameters that shape its plan, so that a caller must know them when sealing. */
type Shaping = ReadonlyMap<string, ValuePath>;

/**
 * Refuses values that are known only while running where they would shape a plan, followed through `invoke`.
 *
 * @param order - every macro after those it invokes
 * @throws {@link RunsealError} `catalog.late_value`
 */
export function checkLateValues(order: readonly Macro[]): void {
  const shaping = new Map<string, Shaping>();
  for (const macro of order) shaping.set(macro.name, shapingOf(macro, shaping));
}

function shapingOf(macro: Macro, known: ReadonlyMap<string, Shaping>): Shaping {
  const paths = new Map<string, ValuePath>();
  for (const { item, path } of itemsOf(macro.definition.body)) {
    for (const reference of decisive(item, known)) {
      if (reference.$ === "param") paths.set(JSON.stringify(reference.path), reference.path);
      if (reference.$ === "result" || reference.$ === "collect") throw lateValue(macro.name, path, reference);
    }
  }
  return paths;
}

/** What a statement decides by while it is expanded. */
function decisive(item: BodyItem, known: ReadonlyMap<string, Shaping>): readonly Reference[] {
  switch (item.kind) {
    case "step":
      return [];
    case "when":
      return referencesOf(item.condition);
    case "for_each":
      return [...referencesOf(item.list), ...(item.key.by === "expression" ? referencesOf(item.key.tree) : [])];
    case "lookup":
      return referencesOf(item.args);
    case "require":
      return [...referencesOf(item.args), ...referencesOf(item.expected)];
    case "invoke":
      return [...shapingOfTarget(item.macro, known).values()].flatMap((path) => referencesAt(item.args, path));
  }
}

function shapingOfTarget(macro: string, known: ReadonlyMap<string, Shaping>): Shaping {
  return present(known.get(macro), "macros come after those they invoke");
}

/** The references that the part of a tree at `path` depends on. */
function referencesAt(tree: Tree, path: ValuePath): readonly Reference[] {
  const [name, ...rest] = path;
  if (name === undefined || tree === null || typeof tree !== "object") return referencesOf(tree);
  if (isExpression(tree)) return ofExpression(tree, path);
  const member: Tree | undefined = isList(tree) ? tree[Number(name)] : Object.hasOwn(tree, name) ? tree[name] : undefined;
  return member === undefined ? [] : referencesAt(member, rest);
}

function ofExpression(expression: Expression, path: ValuePath): readonly Reference[] {
  if (expression.$ !== "param") return isReference(expression) ? [expression] : referencesOf(expression);
  return [{ ...expression, path: [...expression.path, ...path] }];
}

function lateValue(macro: string, path: string, reference: Reference): RunsealError<"catalog.late_value"> {
  const expression = printTree(reference);
  const message = `"${expression}" is known only while running, and at "${path}" in "${macro}" it would shape the plan; use a lookup, or a step that decides`;
  return new RunsealError("catalog.late_value", message, { macro, path, expression });
}
