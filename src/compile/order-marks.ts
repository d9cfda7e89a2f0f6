import type { After, Block, Deferred } from "./scope.js";
import type { StepDraft } from "./step-draft.js";
import type { StepId } from "../model/ids.js";
import { findNamed, idAt } from "./scope.js";
import { referencesOf } from "../expression/references.js";

const NOTHING: After = { ids: [], deferred: [] };

/** Turns `after` and `optional` from paths of labels into step ids. */
export class OrderMarks {
  readonly #steps: readonly StepDraft[];
  readonly #deferred: { readonly step: StepDraft; readonly names: readonly Deferred[] }[] = [];

  /** @param steps - the steps emitted so far; grows while expanding */
  constructor(steps: readonly StepDraft[]) {
    this.#steps = steps;
  }

  /** What the names of an `after` stand for, together with what the block around comes after. */
  after(paths: readonly string[], block: Block): After {
    const around = block.instance.after;
    if (paths.length === 0) return around;
    const own = this.#resolve(paths, block);
    return { ids: merged(around.ids, own.ids), deferred: [...around.deferred, ...own.deferred] };
  }

  /** Puts a step behind what it comes after; names that stand for nothing yet are looked up again at the end. */
  place(step: StepDraft, after: After): void {
    step.after = after.ids;
    if (after.deferred.length > 0) this.#deferred.push({ step, names: after.deferred });
  }

  /** Looks up what was named before it was declared; what was never declared stays as the id that it would have. */
  finish(): void {
    for (const { step, names } of this.#deferred) {
      const late = names.flatMap(({ path, block }) => this.#below(path, block) ?? [idAt(block, path)]);
      step.after = merged(step.after, late);
    }
  }

  /** The step ids whose skipped results a step accepts, sorted. */
  optional(optional: readonly string[] | "all", step: StepDraft, block: Block): readonly StepId[] {
    const wanted = optional === "all" ? [...readBy(step), ...step.after] : this.#ids(optional, block);
    return [...new Set(wanted)].sort();
  }

  #ids(paths: readonly string[], block: Block): readonly StepId[] {
    return paths.flatMap((path) => this.#below(path, block) ?? [idAt(block, path)]);
  }

  #resolve(paths: readonly string[], block: Block): After {
    const ids: StepId[] = [];
    const deferred: Deferred[] = [];
    for (const path of paths) {
      const below = this.#below(path, block);
      if (below === undefined) deferred.push({ path, block });
      else for (const id of below) ids.push(id);
    }
    return deferred.length === 0 && ids.length === 0 ? NOTHING : { ids, deferred };
  }

  /** The steps that a path of labels stands for; `undefined` when nothing has that name yet. */
  #below(path: string, block: Block): readonly StepId[] | undefined {
    const named = findNamed(block, path);
    if (named === undefined) return undefined;
    if (named.kind === "step") return [named.id];
    return named.kind === "group" ? this.#steps.slice(named.start, named.end).map((step) => step.id) : [];
  }
}

/** The steps whose results a step reads, in its arguments and in its condition. */
export function readBy(step: { readonly args: StepDraft["args"]; readonly when?: StepDraft["args"] }): readonly StepId[] {
  const references = step.when === undefined ? referencesOf(step.args) : [...referencesOf(step.args), ...referencesOf(step.when)];
  return references.flatMap((reference) => (reference.$ === "result" ? [reference.step] : []));
}

function merged(first: readonly StepId[], second: readonly StepId[]): readonly StepId[] {
  if (second.length === 0) return first;
  return first.length === 0 && second.length === 1 ? second : [...new Set([...first, ...second])];
}
