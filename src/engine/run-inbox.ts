import type { Demands } from "./decide.js";
import type { EngineParts } from "./parts.js";
import type { RunMessage } from "./inbox-message.js";
import type { RunState } from "../history/run-state.js";
import type { RunWriter } from "./run-writer.js";
import { readMessage } from "./inbox-message.js";
import { recordOf } from "../history/run-state.js";

/** Turns the messages of a run into its history: the holder's side of the inbox (decision 3.10). */
export class RunInbox {
  readonly #parts: EngineParts;
  readonly #state: RunState;
  readonly #writer: RunWriter;
  readonly #owner: string;
  /** Keys that were read; a message stays pending until the commit that consumes it. */
  readonly #seen = new Set<string>();
  #cancel: Demands["cancel"] = null;
  #cancelKey: string | undefined;
  #pause: Demands["pause"] = null;
  #pauseKeys: string[] = [];

  constructor(parts: EngineParts, state: RunState, writer: RunWriter, owner: string) {
    this.#parts = parts;
    this.#state = state;
    this.#writer = writer;
    this.#owner = owner;
  }

  /** That the run is to be canceled; no event says it yet. */
  get cancel(): Demands["cancel"] {
    return this.#cancel;
  }

  /** That the run is to rest; no event says it yet. */
  get pause(): Demands["pause"] {
    return this.#pause;
  }

  /** Reads what has arrived since the last time; returns whether there was anything. */
  async look(): Promise<boolean> {
    const { scope, runId } = this.#state;
    const entries = await this.#parts.stores.inbox.pending(scope, runId);
    const fresh = entries.filter((entry) => !this.#seen.has(entry.key));
    for (const entry of fresh) {
      this.#seen.add(entry.key);
      this.#take(entry.key, readMessage(entry));
    }
    return fresh.length > 0;
  }

  /** The run is canceled by the event that comes next: its message is history. */
  consumeCancel(): void {
    if (this.#cancelKey !== undefined) this.#writer.consume(this.#cancelKey);
    this.#cancelKey = undefined;
  }

  /** The run is paused by the event that comes next. */
  consumePause(): void {
    for (const key of this.#pauseKeys) this.#writer.consume(key);
    this.#pauseKeys = [];
    this.#pause = null;
  }

  #take(key: string, message: RunMessage | undefined): void {
    switch (message?.kind) {
      case "cancel":
        this.#cancel = { reason: message.reason, by: message.by };
        this.#cancelKey = key;
        return;
      case "pause":
        this.#pause = { by: message.by };
        this.#pauseKeys.push(key);
        return;
      case "resume": {
        this.#resume(key);
        return;
      }
      case "signal": {
        const { payload } = message;
        this.#writer.append({ kind: "signal.received", payload: { key: message.key, payload, from: null } });
        break;
      }
      case "decision":
        this.#decide(message);
        break;
      // a message that nothing of this version wrote: it asks for nothing
      case undefined:
    }
    this.#writer.consume(key);
  }

  #decide({ stepId, decision }: Extract<RunMessage, { kind: "decision" }>): void {
    if (recordOf(this.#state, stepId) === undefined) return;
    this.#writer.append({ kind: "decision.made", payload: { stepId, ...decision } });
  }

  #resume(key: string): void {
    this.consumePause();
    this.#writer.consume(key);
    if (!this.#state.isPaused) return;
    const payload = { owner: this.#owner, epoch: this.#state.epoch, reason: "requested" };
    this.#writer.append({ kind: "run.resumed", payload });
  }
}
