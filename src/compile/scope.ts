import type { JsonValue } from "../json/value.js";
import type { MacroDefinition } from "../model/macro.js";
import type { StepId } from "../model/ids.js";
import type { Tree } from "../model/expression.js";

/** Stands for a value that this round can't know, because a lookup is not answered or an input is missing. */
export const UNKNOWN: unique symbol = Symbol("unknown");

/** A value while expanding: a tree, absent, or not knowable in this round. */
export type Value = Tree | undefined | typeof UNKNOWN;

/** What a label stands for. The steps of a group are those emitted from `start` up to `end`. */
export type Named =
  | { readonly kind: "step"; readonly id: StepId }
  | { readonly kind: "group"; readonly start: number; readonly end: number; readonly value: Value }
  | { readonly kind: "lookup"; readonly value: Value };

/** A name in `after` that stands for nothing yet: it may be declared later. */
export interface Deferred {
  readonly block: Block;
  readonly path: string;
}

/** What comes first, as far as it has a name yet. */
export interface After {
  readonly ids: readonly StepId[];
  readonly deferred: readonly Deferred[];
}

interface NameNode {
  readonly label: string;
  readonly named: Named;
  readonly next: NameNode | undefined;
}

const LINKED_MAX = 16;

/** What the labels of one block stand for. Most blocks hold a few, and a loop makes thousands of blocks: a map comes with size. */
export class Names {
  #first: NameNode | undefined;
  #count = 0;
  #map: Map<string, Named> | undefined;

  get(label: string): Named | undefined {
    if (this.#map !== undefined) return this.#map.get(label);
    for (let node = this.#first; node !== undefined; node = node.next) if (node.label === label) return node.named;
    return undefined;
  }

  /** The latest meaning of a label counts. */
  set(label: string, named: Named): void {
    if (this.#map !== undefined) {
      this.#map.set(label, named);
      return;
    }
    this.#first = { label, named, next: this.#first };
    this.#count += 1;
    if (this.#count > LINKED_MAX) this.#map = this.#asMap();
  }

  #asMap(): Map<string, Named> {
    const map = new Map<string, Named>();
    for (let node = this.#first; node !== undefined; node = node.next) if (!map.has(node.label)) map.set(node.label, node.named);
    return map;
  }
}

/** One macro while it is expanded. */
export interface Instance {
  readonly macro: MacroDefinition;
  /** The root is level 0. */
  readonly depth: number;
  /** Its path of labels and keys; empty for the root. */
  readonly path: string;
  readonly params: Tree;
  /** Canonical text of `params`. */
  readonly paramsText: string;
  /** What every step below comes after. */
  readonly after: After;
  /** Canonical texts of what its body emitted: steps, and digests of nested expansions. */
  readonly parts: string[];
  readonly bindings: Record<string, JsonValue>;
  /** Position of its audit. */
  readonly position: number;
}

/** One block of a body while it is expanded: the body itself, or one iteration of a loop. */
export interface Block {
  readonly instance: Instance;
  readonly parent: Block | null;
  /** Path of labels inside the macro, as references write it: empty, or ending in `/`. */
  readonly labels: string;
  /** The same with the instance's path and loop keys, as ids write it: empty, or ending in `/`. */
  readonly ids: string;
  /** Segments in `ids`. */
  readonly segments: number;
  /** What its labels stand for, by label. */
  readonly names: Names;
  readonly loop: { readonly path: string; readonly item: Tree; readonly index: number } | null;
}

/** Finds what a path of labels stands for, from the innermost block outwards. */
export function findNamed(block: Block, path: string): Named | undefined {
  for (let at: Block | null = block; at !== null; at = at.parent) {
    const { labels, names } = at;
    const named = path.startsWith(labels) ? names.get(path.slice(labels.length)) : undefined;
    if (named !== undefined) return named;
  }
  return undefined;
}

/** The current iteration of an enclosing loop; `null` when no loop around `block` has this path of labels. */
export function findLoop(block: Block, path: string): Block["loop"] {
  for (let at: Block | null = block; at !== null; at = at.parent) if (at.loop?.path === path) return at.loop;
  return null;
}

/** The path of a block in ids, without the slash at its end; empty for the root's. */
export function pathOf(block: Block): string {
  return block.ids.slice(0, -1);
}

/** The id that a step at this path of labels has or would have, seen from `block`. */
export function idAt(block: Block, path: string): StepId {
  const slash = path.lastIndexOf("/") + 1;
  let outermost = block;
  for (let at: Block | null = block; at !== null; at = at.parent) {
    if (at.labels === path.slice(0, slash)) return at.ids + path.slice(slash);
    outermost = at;
  }
  return outermost.ids + path;
}

/** The ids part under which an allocation of this block is made: the block of the loop that it was written in. */
export function allocationPath(block: Block, loop: string | undefined): string {
  let at = block;
  while (loop !== undefined && at.parent !== null && at.loop?.path !== loop) at = at.parent;
  return pathOf(at);
}
