import type { Scope } from "../../model/ids.js";
import type { ProjectionAdmin } from "../event-store.js";
import type { Handle } from "../handle.js";
import type { MemoryBacking } from "./backing.js";
import { present } from "../../errors/invariant.js";
import { runHeadOf } from "../../history/run-head.js";
import { keyOf } from "./backing.js";

/** Computes heads anew from the log in memory. */
export class MemoryProjections implements ProjectionAdmin {
  readonly #backing: MemoryBacking;
  readonly #handle: Handle;

  constructor(backing: MemoryBacking, handle: Handle) {
    this.#backing = backing;
    this.#handle = handle;
  }

  async rebuild(scope: Scope): Promise<{ readonly streams: number }> {
    this.#handle.use("projections.rebuild");
    while (this.#backing.gate.isInWay(this.#handle, "projections.rebuild", "write"))
      await this.#backing.ended(this.#handle, "projections.rebuild");
    const { streams, uses, inbox } = this.#backing;
    const records = [...streams.values()].filter((record) => record.scope === scope);
    const rebuilt = records.map((record) => present(runHeadOf(record.events, false), "a stream has events"));
    for (const [index, record] of records.entries()) {
      const head = present(rebuilt[index], "a head for each stream");
      const useKey = record.head.run?.useKey ?? null;
      if (useKey !== null) uses.delete(keyOf(scope, useKey));
      record.head = Object.freeze(head);
      record.pending = (inbox.get(keyOf(scope, record.stream)) ?? []).filter((message) => !message.isConsumed).length;
    }
    for (const { head } of records) {
      if (head.run === null) continue;
      const { runId, runbookId, useKey } = head.run;
      if (useKey !== null) uses.set(keyOf(scope, useKey), { runId, runbookId });
    }
    return { streams: records.length };
  }
}
