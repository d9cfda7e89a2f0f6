import { labelStem, LabelPool } from "./labels.js";

/**
 * Names verbs so that equal meanings share a name and different ones never do.
 *
 * A timeout and a number of tries belong to a verb's contract, not to a step, so that a step which asks for its own gets a verb
 * of its own, and the name says why.
 */
export class VerbNames {
  readonly #names = new Map<string, string>();
  readonly #pool = new LabelPool();

  /** The last segment of a verb's name: the stem of `wish`, numbered where another `key` took it. */
  segment(key: string, wish: string): string {
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const segment = this.#pool.take(labelStem(wish));
    this.#names.set(key, segment);
    return segment;
  }
}

/** What a step asks for beyond its verb's own defaults, as words for the verb's name. */
export function variantWords(tries: number | undefined, timeoutSeconds: number | undefined): string {
  const words = [
    ...(tries === undefined ? [] : [`${tries}_tries`]),
    ...(timeoutSeconds === undefined ? [] : [`${timeoutSeconds}_s`]),
  ];
  return words.map((word) => `_${word}`).join("");
}
