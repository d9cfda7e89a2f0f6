import type { BodyItem } from "../model/macro.js";
import type { SchemaDescription } from "../model/schema-description.js";
import type { Tree } from "../model/expression.js";
import { RunsealError } from "../errors/error.js";
import { printTree } from "../expression/print.js";
import { findSecret } from "../secrets/detect.js";
import { capture, type Captured } from "./capture.js";
import { isLabel } from "./name.js";
import { targetOf } from "./reference.js";
import type { SymbolicNode, SymbolicOwner } from "./symbolic.js";

const SEGMENTS_MAX = 16;

/** A run of statements that happen together: the body, the callback of a loop, one side of a `when`. */
export interface Block {
  readonly parent: Block | undefined;
  /** Labels from the root of the body. */
  readonly path: readonly string[];
  readonly items: BodyItem[];
  /** Labels taken; shared by both sides of a `when`, which add nothing to a path. */
  readonly labels: Set<string>;
}

/** One macro body while it is recorded: which block is open, which labels are taken, and whether it went wrong. */
export class Recording implements SymbolicOwner {
  readonly name: string;
  readonly root: Block = { parent: undefined, path: [], items: [], labels: new Set() };
  /** Schemas of the values that the caller of compile binds. */
  readonly bindings = new Map<string, SchemaDescription>();
  #block = this.root;
  #isOpen = true;
  #failure: { readonly error: unknown } | undefined;
  #allocations = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** The block that statements go into. */
  get block(): Block {
    return this.#block;
  }

  /** Makes a word of the body: it works while the body runs, and what it throws is not forgotten. */
  word<A extends readonly unknown[], R>(speak: (...args: A) => R): (...args: A) => R {
    return (...args) => {
      if (!this.#isOpen) {
        const message = `the body of "${this.name}" has returned; call every word of it before it returns`;
        throw new RunsealError("macro.builder_closed", message, { macro: this.name });
      }
      try {
        return speak(...args);
      } catch (error) {
        this.#failure ??= { error };
        throw error;
      }
    };
  }

  refuse(error: RunsealError): never {
    this.#failure ??= { error };
    throw error;
  }

  /** Refuses the definition for its `field`. */
  invalid(field: string, problem: string): never {
    const message = `macro "${this.name}": ${field} ${problem}`;
    return this.refuse(new RunsealError("macro.invalid", message, { macro: this.name, field }));
  }

  /** Ends the recording; a body that caught a refusal and went on is refused with it all the same. */
  close(): void {
    this.#isOpen = false;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Takes a label in the open block and gives its path. */
  take(label: string): readonly string[] {
    const path = [...this.#block.path, label];
    if (!isLabel(label)) {
      const message = `the label ${JSON.stringify(String(label))} in "${this.name}" is not [a-z][a-z0-9_]{0,62}`;
      this.refuse(new RunsealError("macro.invalid_label", message, { macro: this.name, label: String(label) }));
    }
    if (this.#block.labels.has(label)) {
      const message = `"${path.join("/")}" is there twice in "${this.name}"; labels are unique in their loop or body`;
      this.refuse(new RunsealError("macro.duplicate_label", message, { macro: this.name, path: path.join("/") }));
    }
    if (path.length > SEGMENTS_MAX) this.invalid("body", `nests more than ${SEGMENTS_MAX} labels`);
    this.#block.labels.add(label);
    return path;
  }

  /** Records a statement in the open block. */
  add(item: BodyItem): void {
    this.#block.items.push(item);
  }

  /** Records what `run` does in a block of its own; without a path, one side of a `when`. */
  within<R>(run: (block: Block) => R, path?: readonly string[]): { readonly result: R; readonly items: readonly BodyItem[] } {
    const parent = this.#block;
    const labels = path === undefined ? parent.labels : new Set<string>();
    const block: Block = { parent, path: path ?? parent.path, items: [], labels };
    this.#block = block;
    try {
      const result = run(block);
      this.refusePromise(result);
      return { result, items: block.items };
    } finally {
      this.#block = parent;
    }
  }

  /** The number of the next allocation. */
  nextOrdinal(): number {
    this.#allocations += 1;
    return this.#allocations - 1;
  }

  /** Takes over a value that may hold anything this body made and can see from here. */
  value(value: unknown): Captured {
    const captured = this.#captured(value);
    for (const node of captured.nodes) this.#checkScope(node.owner, node.block, printTree(node.tree));
    const secret = findSecret(captured.tree);
    if (secret !== undefined) {
      const message = `a literal in "${this.name}" at "${secret.pointer}" looks like a secret (${secret.rule}); read it in the handler instead`;
      this.refuse(new RunsealError("secret.detected", message, { pointer: secret.pointer, rule: secret.rule }));
    }
    return captured;
  }

  /** Takes over a value that must be known when the plan is sealed. */
  sealed(value: unknown, path: string, place: string): Tree {
    const { tree, nodes } = this.value(value);
    const late = nodes.find((node) => node.phase === "late");
    if (late === undefined) return tree;
    const expression = printTree(late.tree);
    const message = `"${expression}" is known only while running, and ${place} of "${path}" in "${this.name}" is decided before; use step(..., { when }) or a lookup`;
    return this.refuse(new RunsealError("macro.late_value", message, { macro: this.name, path, expression }));
  }

  /** Takes over what a body or a loop gives; `undefined` gives `null`. */
  output(value: unknown, place: string): Tree {
    if (targetOf(value) !== undefined) this.invalid("body", `gives a step out of ${place}; give its .result`);
    return value === undefined ? null : this.value(value).tree;
  }

  /** Refuses what was made by another body, or in a block that is not open any more. */
  #checkScope(owner: SymbolicOwner, block: object, reference: string): void {
    if (owner === this) {
      for (let open: Block | undefined = this.#block; open !== undefined; open = open.parent) if (open === block) return;
    }
    const where =
      owner === this ? "outside of the when, match or forEach it belongs to" : `in "${this.name}"; it belongs to "${owner.name}"`;
    const message = `"${reference}" is used ${where}; return values from forEach and use its list`;
    this.refuse(new RunsealError("macro.out_of_scope", message, { macro: this.name, reference }));
  }

  /** As for a value: refuses a step of another body, or of a block that is not open any more. */
  checkReference(reference: { readonly owner: SymbolicOwner; readonly block: object; readonly path: string }): void {
    this.#checkScope(reference.owner, reference.block, reference.path);
  }

  /** Refuses the promise of an async callback. */
  refusePromise(result: unknown): void {
    if (!isPromise(result)) return;
    // its rejection has no other listener: the refusal below says what is wrong
    void result.then(ignore, ignore);
    this.refuseAsync();
  }

  /** Refuses a body or callback that waits. */
  refuseAsync(): never {
    const message = `the body of "${this.name}" waits for something; ask the world with lookup() and let steps wait`;
    return this.refuse(new RunsealError("macro.async_body", message, { macro: this.name }));
  }

  #captured(value: unknown): Captured {
    try {
      return capture(value);
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }
}

/** The deepest of the blocks that values belong to: where a value computed from them may be used. */
export function innermost(root: Block, nodes: readonly SymbolicNode[]): object {
  let deepest = root;
  let depth = 0;
  for (const { block } of nodes) {
    const level = depthOf(block as Block);
    if (level > depth) [deepest, depth] = [block as Block, level];
  }
  return deepest;
}

function depthOf(block: Block): number {
  let depth = 0;
  for (let open = block.parent; open !== undefined; open = open.parent) depth += 1;
  return depth;
}

function isPromise(value: unknown): value is Promise<unknown> {
  if (typeof value !== "object" || value === null) return false;
  return "then" in value && typeof value.then === "function";
}

function ignore(): void {
  // whatever an async body would have given is refused with the body
}
