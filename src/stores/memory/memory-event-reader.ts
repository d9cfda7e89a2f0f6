import type { StoredEvent } from "../../model/event.js";
import type { Scope, StreamName } from "../../model/ids.js";
import type { StreamHead } from "../../model/run.js";
import type { EventReader } from "../event-store.js";
import type { Handle } from "../handle.js";
import type { MemoryBacking } from "./backing.js";
import { LinkedEvents } from "../linked-events.js";
import { shownHead } from "./backing.js";

/** Reads the log in memory. */
export class MemoryEventReader implements EventReader {
  readonly #backing: MemoryBacking;
  readonly #handle: Handle;

  constructor(backing: MemoryBacking, handle: Handle) {
    this.#backing = backing;
    this.#handle = handle;
  }

  async *read(
    scope: Scope,
    stream: StreamName,
    range?: { readonly fromSeq?: number; readonly toSeq?: number },
  ): AsyncGenerator<StoredEvent, void, undefined> {
    const linked = new LinkedEvents(scope, stream, range?.fromSeq ?? 1);
    for (let seq = linked.seq; seq <= (range?.toSeq ?? Number.MAX_SAFE_INTEGER); seq += 1) {
      this.#handle.use("reader.read");
      while (this.#backing.gate.isInWay(this.#handle, "reader.read", "read"))
        await this.#backing.ended(this.#handle, "reader.read");
      const event = this.#backing.stream(scope, stream)?.events[seq - 1];
      if (event === undefined) return;
      yield linked.next(event);
    }
  }

  async head(scope: Scope, stream: StreamName): Promise<StreamHead | undefined> {
    this.#handle.use("reader.head");
    while (this.#backing.gate.isInWay(this.#handle, "reader.head", "read"))
      await this.#backing.ended(this.#handle, "reader.head");
    const record = this.#backing.stream(scope, stream);
    return record === undefined ? undefined : shownHead(record);
  }

  async *heads(scope: Scope): AsyncGenerator<StreamHead, void, undefined> {
    this.#handle.use("reader.heads");
    while (this.#backing.gate.isInWay(this.#handle, "reader.heads", "read"))
      await this.#backing.ended(this.#handle, "reader.heads");
    const records = [...this.#backing.streams.values()].filter((record) => record.scope === scope);
    for (const record of records.sort((a, b) => (a.stream < b.stream ? -1 : 1))) {
      this.#handle.use("reader.heads");
      while (this.#backing.gate.isInWay(this.#handle, "reader.heads", "read"))
        await this.#backing.ended(this.#handle, "reader.heads");
      yield shownHead(record);
    }
  }
}
