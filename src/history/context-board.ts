import type { ContextEntry } from "./context-view.js";
import type { RunState } from "./run-state.js";
import type { StepId } from "../model/ids.js";
import { ContextView } from "./context-view.js";
import { dependenciesOf, isAncestor } from "./ancestors.js";
import { present } from "../errors/invariant.js";
import { recordAt } from "./run-state.js";

const EMPTY = new ContextView([]);

/** Steps that wrote one key although the plan does not order them (decision 3.16). */
export interface WriteConflict {
  readonly key: string;
  readonly steps: readonly [StepId, StepId];
}

/** A view, or why there can't be one. */
export type ContextAt =
  { readonly kind: "view"; readonly view: ContextView } | { readonly kind: "conflict"; readonly conflict: WriteConflict };

const NOTHING: ContextAt = { kind: "view", view: EMPTY };

/**
 * Merges what completed steps wrote, along the plan: a step sees what its ancestors wrote, the later one in plan order winning, and
 * nothing of a step that the plan leaves unordered.
 *
 * Holds on to what it computed; one per run state, read after the steps asked for have ended.
 */
export class ContextBoard {
  readonly #state: RunState;
  readonly #after = new Map<number, ContextAt>();

  constructor(state: RunState) {
    this.#state = state;
  }

  /**
   * The context that the step at a position begins with. Its dependencies have ended.
   *
   * Cost: O(1) while nobody writes context; O(log keys) in a chain; O(keys) where branches that wrote join.
   */
  before(position: number): ContextAt {
    if (this.#state.contextWrites === 0) return NOTHING;
    this.#computeBelow(position);
    return this.#join(dependenciesOf(this.#state.plan, position));
  }

  /** The context when every step has ended: the join of all of them. */
  atEnd(): ContextAt {
    if (this.#state.contextWrites === 0) return NOTHING;
    const sinks = this.#state.steps.flatMap(({ position }) =>
      (this.#state.plan.dependants[position]?.length ?? 0) === 0 ? [position] : [],
    );
    for (const sink of sinks) this.#compute(sink);
    return this.#join(sinks);
  }

  #computeBelow(position: number): void {
    for (const dependency of dependenciesOf(this.#state.plan, position)) this.#compute(dependency);
  }

  /** Without recursion: a plan may be a chain of a million steps. */
  #compute(position: number): void {
    const open = [position];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const missing = this.#after.has(top)
        ? []
        : dependenciesOf(this.#state.plan, top).filter((dependency) => !this.#after.has(dependency));
      if (missing.length > 0) {
        open.push(...missing);
        continue;
      }
      if (!this.#after.has(top)) this.#after.set(top, this.#add(top, this.#join(dependenciesOf(this.#state.plan, top))));
      open.pop();
    }
  }

  #add(position: number, before: ContextAt): ContextAt {
    const { status, written } = recordAt(this.#state, position);
    if (before.kind === "conflict" || status !== "completed" || written === undefined) return before;
    return { kind: "view", view: before.view.with(written) };
  }

  #join(positions: readonly number[]): ContextAt {
    const [first = NOTHING, ...others] = this.#distinct(positions);
    let joined = first;
    for (const other of others) {
      if (joined.kind === "conflict") return joined;
      if (other.kind === "conflict") return other;
      joined = this.#merge(joined.view, other.view);
    }
    return joined;
  }

  /** What the dependencies leave, without those that another one has seen already. */
  #distinct(positions: readonly number[]): readonly ContextAt[] {
    const kept: number[] = [];
    const contexts = new Set<ContextAt>();
    for (const position of [...positions].sort((a, b) => b - a)) {
      const after = present(this.#after.get(position), "the context after a dependency is computed first");
      if (contexts.has(after) || kept.some((later) => isAncestor(this.#state.plan, position, later))) continue;
      kept.push(position);
      contexts.add(after);
    }
    return [...contexts];
  }

  #merge(view: ContextView, other: ContextView): ContextAt {
    const added = new Map<string, ContextEntry>();
    for (const [key, entry] of other.entries()) {
      const there = view.find(key);
      if (there === undefined) {
        added.set(key, entry);
        continue;
      }
      if (there.writer === entry.writer) continue;
      const [earlier, later] = there.writer < entry.writer ? [there, entry] : [entry, there];
      if (!isAncestor(this.#state.plan, earlier.writer, later.writer)) return this.#conflict(key, earlier, later);
      if (later === entry) added.set(key, entry);
    }
    return { kind: "view", view: added.size === 0 ? view : view.with(added) };
  }

  #conflict(key: string, earlier: ContextEntry, later: ContextEntry): ContextAt {
    const idOf = ({ writer }: ContextEntry): StepId => recordAt(this.#state, writer).step.id;
    return { kind: "conflict", conflict: { key, steps: [idOf(earlier), idOf(later)] } };
  }
}
