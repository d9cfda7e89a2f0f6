import type { JsonValue } from "../json/value.js";
import type { Tree } from "../model/expression.js";
import { define, isLiteral, literalOf } from "../expression/literal.js";
import {
  checkPlain,
  checkPlainElements,
  describeNumber,
  describeType,
  elementValue,
  memberNames,
  memberValue,
} from "../json/plain.js";
import { isWellFormed } from "../json/quote.js";
import { BYTES_MAX_DEFAULT, enter, refuse, refuseSize, walkSafely, type Walk } from "../json/walk.js";
import { copyCanonical } from "../json/copy.js";
import { nodeOf, type SymbolicNode } from "./symbolic.js";

/** A value as it was written in a body: the tree it stands for, and every symbolic value in it. */
export interface Captured {
  /** Deeply frozen copy; members that were `undefined` are left out. */
  readonly tree: Tree;
  readonly nodes: readonly SymbolicNode[];
}

const references = new WeakSet();

/** Marks a step or an invocation, so that it is told from a plain object when it is written where its result was meant. */
export function markReference(ref: object): void {
  references.add(ref);
}

/**
 * Takes a value of a body over: literals are copied and checked against the restricted model, symbolic values become expressions.
 *
 * @throws {@link RunsealError} `value.not_canonical` (with a pointer) for a Date, a fraction, a function, a class instance and
 * everything else that has no canonical text; `value.too_deep`; `value.too_large`
 * @remarks Time O(size of the value).
 */
export function capture(value: unknown): Captured {
  const nodes: SymbolicNode[] = [];
  const tree = walkSafely(BYTES_MAX_DEFAULT, (walk) => treeOf(walk, value, nodes));
  return { tree, nodes };
}

/**
 * Copies plain JSON, leaving out members that are `undefined`.
 *
 * @throws {@link RunsealError} as {@link capture}, for symbolic values too
 */
export function captureJson(value: unknown): JsonValue {
  // without a list to note symbolic values in, nothing becomes an expression: the tree is the value
  return walkSafely<Tree>(BYTES_MAX_DEFAULT, (walk) => treeOf(walk, value, undefined));
}

function treeOf(walk: Walk, value: unknown, nodes: SymbolicNode[] | undefined): Tree {
  const node = nodeOf(value);
  if (node !== undefined) {
    if (nodes === undefined) refuse(walk, "a symbolic value of a macro body");
    nodes.push(node);
    return node.tree;
  }
  if (typeof value !== "object" || value === null) return scalar(walk, value);
  if (references.has(value)) refuse(walk, "a step or an invocation; its value is .result");
  enter(walk, value);
  return checkPlain(walk, value) ? listOf(walk, value, nodes) : recordOf(walk, value, nodes);
}

function scalar(walk: Walk, value: unknown): Tree {
  if (typeof value === "string" && isWellFormed(value)) {
    walk.units += value.length;
    return walk.units > walk.bytesMax ? refuseSize(walk, walk.units) : value;
  }
  if (typeof value === "boolean" || value === null) return value;
  if (Number.isSafeInteger(value)) return Number(value) + 0;
  return refuse(walk, describe(value));
}

function listOf(walk: Walk, list: readonly unknown[], nodes: SymbolicNode[] | undefined): Tree {
  checkPlainElements(walk, list);
  const level = walk.depth;
  const items: Tree[] = [];
  walk.depth = level + 1;
  for (let index = 0; index < list.length; index += 1) {
    walk.path[level] = index;
    items.push(treeOf(walk, elementValue(walk, list, index), nodes));
  }
  walk.depth = level;
  return Object.freeze(items);
}

function recordOf(walk: Walk, record: object, nodes: SymbolicNode[] | undefined): Tree {
  const level = walk.depth;
  const members: Record<string, Tree> = {};
  const names = memberNames(walk, record);
  walk.depth = level + 1;
  for (const name of names) {
    walk.path[level] = name;
    if (!isWellFormed(name)) refuse(walk, "a lone surrogate in a name");
    const value = memberValue(walk, record, name);
    if (value !== undefined) define(members, name, treeOf(walk, value, nodes));
  }
  walk.depth = level;
  return nodes !== undefined && Object.hasOwn(members, "$") ? wrapped(walk, members) : Object.freeze(members);
}

/** An object that owns a member `$` would read as an expression, so that it stands as a literal. */
function wrapped(walk: Walk, members: { readonly [name: string]: Tree }): Tree {
  if (!Object.values(members).every(isLiteral)) refuse(walk, 'a symbolic value beside a member named "$"');
  const value: Record<string, JsonValue> = {};
  for (const [name, member] of Object.entries(members)) define(value, name, literalOf(member));
  return Object.freeze({ $: "literal" as const, value: copyCanonical(value) });
}

function describe(value: unknown): string {
  if (typeof value === "string") return "a lone surrogate";
  return typeof value === "number" ? describeNumber(value) : describeType(value);
}
