import type { Digest } from "../model/ids.js";
import type { JsonValue } from "../json/value.js";

/** What the context holds under a key, and which step put it there. */
export interface ContextEntry {
  /** Position of the writing step. */
  readonly writer: number;
  readonly value?: JsonValue;
  /** The artifact of kind `context_delta` that holds the value. */
  readonly ref?: Digest;
  readonly isDeleted: boolean;
}

/** What one step wrote. */
export type ContextLayer = ReadonlyMap<string, ContextEntry>;

/**
 * The context at one place of a plan: immutable, sharing most of itself with the places before it.
 *
 * Layers grow geometrically, so that a lookup looks at O(log keys) of them and adding one costs O(log keys) amortized.
 */
export class ContextView {
  readonly #layers: readonly ContextLayer[];

  constructor(layers: readonly ContextLayer[]) {
    this.#layers = layers;
  }

  /** The entry under a key; a deleted key has none. */
  get(key: string): ContextEntry | undefined {
    const entry = this.find(key);
    return entry === undefined || entry.isDeleted ? undefined : entry;
  }

  /** Every entry with its key, deletions included, each key once, in no order that means anything. */
  *entries(): IterableIterator<readonly [string, ContextEntry]> {
    const seen = new Set<string>();
    for (let index = this.#layers.length - 1; index >= 0; index -= 1) {
      for (const [key, entry] of this.#layers[index] ?? []) {
        if (seen.has(key)) continue;
        seen.add(key);
        yield [key, entry];
      }
    }
  }

  /** This view with a layer on top. */
  with(layer: ContextLayer): ContextView {
    const layers = [...this.#layers];
    let top = layer;
    for (let below = layers.at(-1); below !== undefined && below.size <= top.size; below = layers.at(-1)) {
      top = new Map([...below, ...top]);
      layers.pop();
    }
    layers.push(top);
    return new ContextView(layers);
  }

  /** The entry under a key, be it that of a deletion. */
  find(key: string): ContextEntry | undefined {
    for (let index = this.#layers.length - 1; index >= 0; index -= 1) {
      const entry = this.#layers[index]?.get(key);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }
}
