import type { ArtifactWrite } from "../stores/event-store.js";
import type { Digest } from "../model/ids.js";
import type { EngineParts } from "./parts.js";
import type { EventDraft } from "../model/event.js";
import type { FactLog, RecordedFact } from "../io/fact-book.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import type { KnownSecrets } from "../secrets/known-secrets.js";
import type { ResultReader } from "./result-reader.js";
import type { RunState } from "../history/run-state.js";
import type { RunWriter } from "./run-writer.js";
import { FactBook } from "../io/fact-book.js";
import { cleanOutcome, cleanValue, knownIn } from "./keep-secret.js";
import { artifactOf, artifactWritten, isSmall } from "./step-outcome.js";

/** How the record reaches the loop that drives the run. */
export interface RecordHooks {
  readonly flush: () => Promise<unknown>;
  /** Something waits for a commit. */
  readonly wake: () => void;
  /** A commit failed: the drive is over. */
  readonly broken: (error: unknown) => void;
}

/** What handlers add to their run's history while they run: facts, artifacts, progress, events of their own. */
export class RunRecord {
  readonly #parts: EngineParts;
  readonly #state: RunState;
  readonly #writer: RunWriter;
  readonly #results: ResultReader;
  readonly #hooks: RecordHooks;
  #facts: FactBook | undefined;

  constructor(parts: EngineParts, state: RunState, writer: RunWriter, results: ResultReader, hooks: RecordHooks) {
    this.#parts = parts;
    this.#state = state;
    this.#writer = writer;
    this.#results = results;
    this.#hooks = hooks;
  }

  /** The facts of the run, shared by all of its attempts. */
  get facts(): FactBook {
    return (this.#facts ??= new FactBook(this.#factLog(), (payload) => cleanValue(payload, this.known)));
  }

  /** The secrets that were handed out in the scope of the run; `undefined` when there are none to look for. */
  get known(): KnownSecrets | undefined {
    return knownIn(this.#parts, this.#state.scope);
  }

  /** Adds events; they are committed with whatever is committed next. */
  append(events: readonly EventDraft[], artifacts: readonly ArtifactWrite[] = []): void {
    const clean = cleanOutcome({ events, artifacts }, this.known);
    for (const artifact of clean.artifacts) this.#writer.attach(artifact);
    if (this.#parts.overhear !== undefined) {
      this.#parts.overhear(clean.events);
      return;
    }
    for (const event of clean.events) this.#writer.append(event);
    this.#hooks.wake();
  }

  /** Resolves when everything appended so far is durable, as far as anything depends on it. */
  async settle(): Promise<void> {
    if (this.#writer.isUrgent) await this.#flush();
  }

  /** Commits what waits if that is a lot: what a handler says in a loop must not pile up. */
  async ease(): Promise<void> {
    if (this.#writer.isFull(this.#parts.env.now())) await this.#flush();
  }

  /** Records a fact; resolves when nothing that depends on it can outlive it. */
  async recordFact(key: string, payload: JsonValue, meta: JsonObject): Promise<void> {
    if (isSmall(payload)) {
      this.append([{ kind: "fact.recorded", payload: { key, payload, meta } }]);
    } else {
      const artifact = artifactOf("fact_payload", payload);
      this.append(
        [artifactWritten(artifact), { kind: "fact.recorded", payload: { key, payloadRef: artifact.id, meta } }],
        [artifact],
      );
    }
    await this.settle();
  }

  /** The bytes of an artifact of this scope; `undefined` when there are none. */
  async artifact(id: Digest): Promise<Uint8Array | undefined> {
    const found = this.#writer.unwritten(id) ?? (await this.#parts.stores.artifacts.get(this.#state.scope, id));
    return found === undefined ? undefined : new Uint8Array(found.bytes);
  }

  /** A JSON artifact that the log names. */
  load(id: Digest): Promise<JsonValue> {
    return this.#results.load(id);
  }

  #factLog(): FactLog {
    return {
      known: (key) => this.#state.facts.get(key),
      load: async (fact: RecordedFact) => (fact.payloadRef === undefined ? (fact.payload ?? null) : this.load(fact.payloadRef)),
      record: (key, payload, meta) => this.recordFact(key, payload, meta),
    };
  }

  async #flush(): Promise<void> {
    try {
      await this.#hooks.flush();
    } catch (error) {
      // a handler may swallow it; the run must not go on as if nothing had happened
      this.#hooks.broken(error);
      throw error;
    }
  }
}
