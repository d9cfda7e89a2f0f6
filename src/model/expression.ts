import type { JsonValue } from "../json/value.js";

/** Version of the closed set of expressions; part of every runbook id. */
export const EXPRESSION_SET_VERSION = 1;

/** Member names (and, for tuples and lists reached by `at`, decimal indexes) from a value to a part of it. */
export type ValuePath = readonly string[];

/**
 * A value that is computed: while sealing where its operands are sealed, while running where one is late.
 *
 * The set is closed and versioned. `literal` wraps a JSON value that would otherwise read as an expression (an object with a
 * member `$`). References are relative to the macro that holds them until expansion, then name step ids.
 */
export type Expression =
  | { readonly $: "literal"; readonly value: JsonValue }
  /** A parameter of the macro. */
  | { readonly $: "param"; readonly path: ValuePath }
  /** The current item of an enclosing loop, named by the loop's path of labels. */
  | { readonly $: "item"; readonly loop: string; readonly path: ValuePath }
  /** The 0-based position of the current item. */
  | { readonly $: "index"; readonly loop: string }
  /**
   * The id of a new entity; `ordinal` counts the allocations of the macro body, in the order they were written. `loop` is the
   * path of labels of the innermost loop that it was written in (empty = in none), so that an id allocated outside a loop and
   * used inside it stays one id; absent = the innermost loop around the place where it is used.
   */
  | { readonly $: "allocate"; readonly kind: string; readonly ordinal: number; readonly loop?: string }
  /** A value that the caller of compile binds by name. */
  | { readonly $: "bind"; readonly name: string; readonly path: ValuePath }
  /** The answer of a lookup, named by its path of labels. */
  | { readonly $: "lookup"; readonly lookup: string; readonly path: ValuePath }
  /** The result of a step, or the output of an invocation, named by its path of labels. */
  | { readonly $: "result"; readonly step: string; readonly path: ValuePath }
  /** The list of what a loop's body gave for each item. */
  | { readonly $: "collect"; readonly loop: string; readonly path: ValuePath }
  | { readonly $: Operator; readonly of: readonly Tree[]; readonly path?: ValuePath };

/** The operators, each over the list of trees in `of`: `in` and `eq` take two, `not` and `exists` one, `orElse` two. */
export type Operator = "concat" | "eq" | "ne" | "not" | "all" | "any" | "in" | "exists" | "orElse";

/** A JSON value with expressions anywhere in it: the arguments of a step. */
export type Tree = null | boolean | number | string | readonly Tree[] | Expression | { readonly [key: string]: Tree };

/** Tells whether a tree node is an expression rather than a literal object. */
export function isExpression(tree: Tree): tree is Expression {
  return (
    typeof tree === "object" && tree !== null && !Array.isArray(tree) && typeof (tree as { readonly $?: unknown }).$ === "string"
  );
}
