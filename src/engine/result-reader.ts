import type { ArtifactWrite } from "../stores/event-store.js";
import type { Digest } from "../model/ids.js";
import type { EngineParts } from "./parts.js";
import type { JsonValue } from "../json/value.js";
import type { Reference } from "../expression/references.js";
import type { Resolution } from "../expression/reduce.js";
import type { RunState } from "../history/run-state.js";
import type { Soon } from "./soon.js";
import type { Tree } from "../model/expression.js";
import { jsonOfArtifact, namedBytes } from "./json-artifact.js";
import { recordOf } from "../history/run-state.js";
import { reduce } from "../expression/reduce.js";
import { treeOfJson } from "../expression/literal.js";

/** Large results that are kept in memory at a time. */
const LOADED_MAX = 16;

const NOTHING_LOADED: ReadonlyMap<Digest, JsonValue> = new Map();

/** Puts the results of a run's steps into expressions; large ones are read from the artifact store when they are named. */
export class ResultReader {
  readonly #parts: EngineParts;
  readonly #state: RunState;
  readonly #unwritten: (id: Digest) => ArtifactWrite | undefined;
  readonly #loaded = new Map<Digest, JsonValue>();

  /** @param unwritten - an artifact of this run that waits for its commit */
  constructor(parts: EngineParts, state: RunState, unwritten: (id: Digest) => ArtifactWrite | undefined) {
    this.#parts = parts;
    this.#state = state;
    this.#unwritten = unwritten;
  }

  /**
   * A tree with the results of earlier steps in place of their names; the result of a step that did not complete is `null`.
   *
   * Waits only where a result is an artifact.
   *
   * @throws {@link RunsealError} `store.corrupt` when an artifact is not there
   */
  reduced(tree: Tree): Soon<Tree | undefined> {
    const missing = new Set<Digest>();
    const reduced = reduce(tree, (reference) => this.#resolve(reference, NOTHING_LOADED, missing));
    return missing.size === 0 ? reduced : this.#reducedWith(tree, missing);
  }

  async #reducedWith(tree: Tree, named: ReadonlySet<Digest>): Promise<Tree | undefined> {
    // what this tree names stays at hand until it is done, however much that is
    const held = new Map<Digest, JsonValue>();
    for (let missing = named; ;) {
      for (const id of missing) held.set(id, await this.load(id));
      const still = new Set<Digest>();
      const reduced = reduce(tree, (reference) => this.#resolve(reference, held, still));
      if (still.size === 0) return reduced;
      missing = still;
    }
  }

  /**
   * A JSON artifact that the log names.
   *
   * @throws {@link RunsealError} `store.corrupt` when it is not there
   */
  async load(id: Digest): Promise<JsonValue> {
    const loaded = this.#loaded.get(id);
    if (loaded !== undefined) return loaded;
    const waiting = this.#unwritten(id);
    const bytes = waiting?.bytes ?? (await namedBytes(this.#parts.stores.artifacts, this.#state.scope, id));
    const value = jsonOfArtifact(id, bytes);
    this.#keep(id, value);
    return value;
  }

  #keep(id: Digest, value: JsonValue): void {
    const oldest = this.#loaded.size < LOADED_MAX ? undefined : this.#loaded.keys().next();
    if (oldest?.done === false) this.#loaded.delete(oldest.value);
    this.#loaded.set(id, value);
  }

  #resolve(reference: Reference, held: ReadonlyMap<Digest, JsonValue>, missing: Set<Digest>): Resolution {
    if (reference.$ !== "result") return { known: false };
    const record = recordOf(this.#state, reference.step);
    if (record === undefined) return { known: false };
    if (record.status !== "completed") return { known: true, tree: null };
    if (record.resultRef === undefined) return { known: true, tree: treeOfJson(record.result ?? null) };
    const loaded = held.get(record.resultRef);
    if (loaded !== undefined) return { known: true, tree: treeOfJson(loaded) };
    missing.add(record.resultRef);
    return { known: false };
  }
}
