import type { Ref } from "./expr.js";
import { markReference } from "./capture.js";
import type { Shape } from "./shape.js";
import { symbolic, type SymbolicOwner } from "./symbolic.js";

/** What stands behind a {@link Ref}. */
export interface ReferenceTarget {
  readonly owner: SymbolicOwner;
  readonly block: object;
  /** Path of labels. */
  readonly path: string;
}

const targets = new WeakMap<object, ReferenceTarget>();

/** Makes the handle of a step or an invocation. */
export function makeReference<R>(target: ReferenceTarget, shape: Shape): Ref<R> {
  const { owner, block, path } = target;
  const result = symbolic<R, "late">({ tree: { $: "result", step: path, path: [] }, phase: "late", shape, owner, block });
  const reference = Object.freeze({ id: path, result });
  targets.set(reference, target);
  markReference(reference);
  return reference;
}

/** What a handle names; `undefined` for everything that {@link makeReference} did not make. */
export function targetOf(reference: unknown): ReferenceTarget | undefined {
  return typeof reference === "object" && reference !== null ? targets.get(reference) : undefined;
}
