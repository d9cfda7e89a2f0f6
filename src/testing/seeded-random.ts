import { present } from "../errors/invariant.js";

/**
 * Chance that a seed repeats: xoshiro128** by Blackman and Vigna, filled by splitmix32.
 *
 * For tests only; nothing secret may come from it.
 */
export class SeededRandom {
  readonly #state: [number, number, number, number];

  /** @param seed - an integer; its low 32 bits and the rest both count */
  constructor(seed: number) {
    let word = (seed ^ Math.imul(Math.floor(seed / 2 ** 32), 0x9e3779b1)) >>> 0;
    const fill = (): number => {
      word = (word + 0x9e3779b9) >>> 0;
      let mixed = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    };
    this.#state = [fill(), fill(), fill(), fill()];
  }

  /** In [0, 1), of 32 bits. */
  next(): number {
    return this.#word() / 2 ** 32;
  }

  /** An integer in [0, end). */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** True with a probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of `items`, which has some. */
  pick<T>(items: readonly T[]): T {
    return present(items[this.below(items.length)], "there is something to pick from");
  }

  #word(): number {
    const [a, b, c, d] = this.#state;
    const times5 = Math.imul(b, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9) >>> 0;
    const c2 = c ^ a;
    const d2 = d ^ b;
    this.#state[1] = b ^ c2;
    this.#state[0] = a ^ d2;
    this.#state[2] = c2 ^ (b << 9);
    this.#state[3] = (d2 << 11) | (d2 >>> 21);
    return result;
  }
}
