import { RunsealError } from "../errors/error.js";

/** Keys of one statement. */
const KEYS_MAX = 500;

interface Asking<K, V> {
  readonly key: K;
  readonly resolve: (value: V) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Asks for many what several want at once: what is asked for while a statement is under way goes into the next one. Alone it is asked for
 * at once. Every answer is of a statement that began after the asking.
 */
export class Gathered<K, V> {
  readonly #ask: (keys: readonly K[]) => Promise<readonly V[]>;
  #waiting: Asking<K, V>[] = [];
  #isUnderWay = false;

  /** @param ask - gives a value for each key, in order */
  constructor(ask: (keys: readonly K[]) => Promise<readonly V[]>) {
    this.#ask = ask;
  }

  get(key: K): Promise<V> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, resolve, reject });
      if (this.#isUnderWay) return;
      this.#isUnderWay = true;
      queueMicrotask(() => void this.#askAll());
    });
  }

  async #askAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const asking = this.#waiting.splice(0, KEYS_MAX);
      try {
        const values = await this.#ask(asking.map(({ key }) => key));
        for (const [place, { resolve, reject }] of asking.entries()) {
          if (place < values.length) resolve(values[place] as V);
          else reject(new RunsealError("internal.invariant", "every key is answered", { rule: "gathered" }));
        }
      } catch (error) {
        for (const { reject } of asking) reject(error);
      }
    }
    this.#isUnderWay = false;
  }
}
