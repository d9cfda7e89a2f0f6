import type { Digest } from "../model/ids.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import type { Outcome } from "./step-outcome.js";
import type { RunState } from "../history/run-state.js";
import type { WriteConflict } from "../history/context-board.js";
import type { ContextView } from "../history/context-view.js";
import { ContextBoard } from "../history/context-board.js";
import { StagedContext } from "./staged-context.js";
import { artifactOf, artifactWritten } from "./step-outcome.js";
import { type Soon, soon } from "./soon.js";

const NOTHING_LOADED: ReadonlyMap<string, JsonValue> = new Map();

/** The context of one run while it is driven: what each step begins with, and its snapshots (decision 3.16). */
export class RunContext {
  readonly #state: RunState;
  readonly #board: ContextBoard;
  readonly #load: (id: Digest) => Promise<JsonValue>;

  constructor(state: RunState, load: (id: Digest) => Promise<JsonValue>) {
    this.#state = state;
    this.#board = new ContextBoard(state);
    this.#load = load;
  }

  /** The context that a step begins with, to be changed by its attempt; or why there is none. */
  stage(position: number): Soon<StagedContext | { readonly conflict: WriteConflict }> {
    const at = this.#board.before(position);
    if (at.kind === "conflict") return { conflict: at.conflict };
    const loaded = this.#state.hasContextRefs ? this.#loaded(at.view) : NOTHING_LOADED;
    return soon(loaded, (values) => new StagedContext(at.view, values));
  }

  /**
   * A full snapshot, when what was written since the last one exceeds it: reading the context takes at most twice its size, and all snapshots
   * together at most twice what was written.
   */
  snapshotDue(): Outcome | undefined {
    const { sinceSnapshot, snapshot } = this.#state.contextSize;
    return sinceSnapshot > snapshot ? this.#snapshot({ isFinal: false }) : undefined;
  }

  /** The snapshot at the end of the run, where anything was written; or why there can't be one. */
  finalSnapshot(): Outcome | { readonly conflict: WriteConflict } | undefined {
    if (this.#state.contextWrites === 0) return undefined;
    const end = this.#board.atEnd();
    return end.kind === "conflict" ? { conflict: end.conflict } : this.#snapshot({ isFinal: true });
  }

  /** Values in their place, large ones by the artifact that holds them; where steps are unordered the later in plan order counts. */
  #snapshot(meta: JsonObject): Outcome {
    const values: [string, JsonValue][] = [];
    const refs: [string, JsonValue][] = [];
    for (const [key, { value, ref, isDeleted }] of this.#state.context) {
      if (isDeleted) continue;
      if (ref !== undefined) refs.push([key, ref]);
      else if (value !== undefined) values.push([key, value]);
    }
    const artifact = artifactOf("context_snapshot", { refs: Object.fromEntries(refs), values: Object.fromEntries(values) });
    const written = artifactWritten(artifact);
    return { events: [{ kind: "artifact.written", payload: { ...written.payload, meta } }], artifacts: [artifact] };
  }

  async #loaded(view: ContextView): Promise<ReadonlyMap<string, JsonValue>> {
    const loaded = new Map<string, JsonValue>();
    for (const [key, { ref }] of view.entries()) {
      if (ref === undefined) continue;
      const values = (await this.#load(ref)) as JsonObject;
      loaded.set(key, values[key] ?? null);
    }
    return loaded;
  }
}
