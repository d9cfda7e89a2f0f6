import type { Tree } from "../model/expression.js";
import { canonicalText } from "../json/canonical.js";
import { DEPTH_MAX } from "../json/walk.js";
import { isList } from "../expression/references.js";
import { sortNames } from "../json/sort-names.js";

/** A tree and its canonical text. Where it could be, it is a frozen copy with its members in canonical order. */
export interface CanonicalTree {
  readonly tree: Tree;
  readonly text: string;
}

/**
 * Copies a tree into canonical order, frozen, and writes its canonical text.
 *
 * With members in order, `JSON.stringify` writes exactly the canonical text, at native speed. What it would write otherwise (names
 * that read as numbers come first, lone surrogates are escaped, fractions stay) goes the long way, which writes it or refuses it.
 *
 * @throws {@link RunsealError} `value.not_canonical`, `value.too_deep`, `value.too_large` as {@link canonicalText} does
 */
export function canonicalTree(tree: Tree, bytesMax?: number): CanonicalTree {
  const options = bytesMax === undefined ? undefined : { bytesMax };
  const copy = ordered(tree, 0);
  if (copy === undefined) return { tree, text: canonicalText(tree, options) };
  const text = JSON.stringify(copy);
  // a UTF-16 unit is at most three bytes, so that the size is only counted where it can matter
  const isSurelySmall = text.length * 3 <= (bytesMax ?? Infinity) && text.length * 3 <= BYTES_SURE;
  return { tree: copy, text: isSurelySmall ? text : canonicalText(copy, options) };
}

const BYTES_SURE = 16_777_216;
const LONE_SURROGATE = /\p{Surrogate}/u;
const NUMBER_LIKE = /^[0-9]/;

/** The copy; `undefined` where the native writer would not write the canonical text. */
function ordered(tree: Tree, depth: number): Tree | undefined {
  switch (typeof tree) {
    case "string":
      return LONE_SURROGATE.test(tree) ? undefined : tree;
    case "number":
      return Number.isSafeInteger(tree) ? tree + 0 : undefined;
    case "boolean":
      return tree;
    default:
      if (tree === null) return null;
      if (typeof tree !== "object" || depth >= DEPTH_MAX) return undefined;
      return isList(tree) ? orderedList(tree, depth + 1) : orderedMembers(tree, depth + 1);
  }
}

function orderedList(list: readonly Tree[], depth: number): Tree | undefined {
  const copy: Tree[] = [];
  for (const item of list) {
    const member = ordered(item, depth);
    if (member === undefined) return undefined;
    copy.push(member);
  }
  return Object.freeze(copy);
}

function orderedMembers(object: { readonly [name: string]: Tree }, depth: number): Tree | undefined {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  const copy: Record<string, Tree> = {};
  for (const name of sortNames(Object.keys(object))) {
    const value = object[name];
    if (value === undefined || name === "__proto__" || NUMBER_LIKE.test(name) || LONE_SURROGATE.test(name)) return undefined;
    const member = ordered(value, depth);
    if (member === undefined) return undefined;
    copy[name] = member;
  }
  return Object.freeze(copy);
}
