const LENGTH_MAX = 63;
const LEGAL = /^[a-z][a-z0-9_]{0,62}$/;

/**
 * Gives every name a label of its own: `createStack` -> `create_stack`, `B 1` -> `b_1`.
 *
 * A name that is a label already keeps itself. Others that would fall together get `_2`, `_3` ... in the order of the names, so
 * that equal lists have equal labels and no two names share one.
 *
 * @param names - each once
 * @remarks Time O(names), because the next free number of each stem is remembered.
 */
export function legalLabels(names: readonly string[]): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  const pool = new LabelPool();
  for (const name of names) if (LEGAL.test(name)) labels.set(name, pool.take(name));
  for (const name of names) if (!labels.has(name)) labels.set(name, pool.take(labelStem(name)));
  return labels;
}

/** Hands out labels, each once: the stem that was asked for, or the stem with the next free number. */
export class LabelPool {
  readonly #taken: Set<string>;
  readonly #nextOf = new Map<string, number>();

  /** @param taken - labels that are given already */
  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  take(stem: string): string {
    const label = this.#free(stem);
    this.#taken.add(label);
    return label;
  }

  #free(stem: string): string {
    if (!this.#taken.has(stem)) return stem;
    for (let number = this.#nextOf.get(stem) ?? 2; ; number += 1) {
      const suffix = `_${number}`;
      const label = stem.slice(0, LENGTH_MAX - suffix.length) + suffix;
      if (this.#taken.has(label)) continue;
      this.#nextOf.set(stem, number + 1);
      return label;
    }
  }
}

/** The label that a name suggests: lower case, words joined by `_`, a letter first. Different names may share a stem. */
export function labelStem(name: string): string {
  const words = name
    .slice(0, 200)
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .toLowerCase();
  const lettered = /^[a-z]/.test(words) ? words : `s_${words}`;
  return lettered.slice(0, LENGTH_MAX).replace(/_+$/, "");
}
