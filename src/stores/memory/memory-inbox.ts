import type { RunId, Scope } from "../../model/ids.js";
import type { Inbox, InboxEntry, PutAnswer } from "../inbox.js";
import type { Handle } from "../handle.js";
import type { InboxRecord, MemoryBacking } from "./backing.js";
import { isTerminal } from "../../history/run-head.js";
import { canonicalize } from "../../json/canonical.js";
import { copyCanonical } from "../../json/copy.js";
import { runStream } from "../../model/ids.js";
import { INBOX_UNDELIVERED_MAX, isBounded } from "../inbox.js";
import { assertStorable } from "../storable-name.js";
import { keyOf } from "./backing.js";

/** The inbox in memory. */
export class MemoryInbox implements Inbox {
  readonly #backing: MemoryBacking;
  readonly #handle: Handle;

  constructor(backing: MemoryBacking, handle: Handle) {
    this.#backing = backing;
    this.#handle = handle;
  }

  async put(entry: InboxEntry): Promise<PutAnswer> {
    this.#handle.use("inbox.put");
    while (this.#backing.gate.isInWay(this.#handle, "inbox.put", "write")) await this.#backing.ended(this.#handle, "inbox.put");
    for (const name of [entry.scope, entry.runId, entry.key]) assertStorable(name);
    const record = this.#backing.stream(entry.scope, runStream(entry.runId));
    if (record?.head.run === undefined || record.head.run === null) return { kind: "not_found" };
    const payloadText = canonicalize(entry.payload);
    const messages = this.#messages(entry.scope, entry.runId);
    const known = messages.find((message) => message.entry.key === entry.key);
    if (known !== undefined) {
      return { kind: known.payloadText === payloadText && known.entry.kind === entry.kind ? "same" : "conflict" };
    }
    const { status } = record.head.run;
    if (isTerminal(status)) return { kind: "terminal", status };
    if (isBounded(entry.kind) && record.pending >= INBOX_UNDELIVERED_MAX) {
      return { kind: "full", undeliveredMax: INBOX_UNDELIVERED_MAX };
    }
    messages.push({ entry: frozenEntry(entry, messages.length + 1), payloadText, isConsumed: false });
    record.pending += 1;
    this.#backing.changed.notify({ scope: entry.scope, stream: runStream(entry.runId), what: "message" });
    return { kind: "stored" };
  }

  async pending(scope: Scope, runId: RunId): Promise<readonly (InboxEntry & { readonly order: number })[]> {
    this.#handle.use("inbox.pending");
    while (this.#backing.gate.isInWay(this.#handle, "inbox.pending", "read"))
      await this.#backing.ended(this.#handle, "inbox.pending");
    return this.#messages(scope, runId)
      .filter((message) => !message.isConsumed)
      .map((message) => message.entry);
  }

  async all(
    scope: Scope,
    runId: RunId,
  ): Promise<readonly (InboxEntry & { readonly order: number; readonly consumed: boolean })[]> {
    this.#handle.use("inbox.all");
    while (this.#backing.gate.isInWay(this.#handle, "inbox.all", "read")) await this.#backing.ended(this.#handle, "inbox.all");
    return this.#messages(scope, runId).map(({ entry, isConsumed }) => ({ ...entry, consumed: isConsumed }));
  }

  #messages(scope: Scope, runId: RunId): InboxRecord[] {
    const key = keyOf(scope, runStream(runId));
    const known = this.#backing.inbox.get(key);
    if (known !== undefined) return known;
    const messages: InboxRecord[] = [];
    if (this.#backing.streams.has(key)) this.#backing.inbox.set(key, messages);
    return messages;
  }
}

function frozenEntry({ scope, runId, key, kind, payload }: InboxEntry, order: number): InboxEntry & { readonly order: number } {
  return Object.freeze({ scope, runId, key, kind, payload: copyCanonical(payload), order });
}
