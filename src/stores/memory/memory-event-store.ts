import type { StoredEvent } from "../../model/event.js";
import type { RunHead, StreamHead } from "../../model/run.js";
import type { CommitAnswer, EventStore, StreamWrite } from "../event-store.js";
import type { MemoryBacking, StreamRecord } from "./backing.js";
import type { Handle } from "../handle.js";
import { invariant } from "../../errors/invariant.js";
import { copyCanonical } from "../../json/copy.js";
import { assertArtifact, assertChained, assertCommit, leaseRefusal } from "../commit-checks.js";
import { changeOf } from "../store-change.js";
import { headAfter } from "../run-projection.js";
import { keyOf } from "./backing.js";
import { memoryLimitRefusal } from "./memory-limits.js";
import { UndoLog } from "./undo-log.js";

/** The log in memory: one synchronous transaction per commit, taken back as a whole when anything refuses. */
export class MemoryEventStore implements EventStore {
  readonly #backing: MemoryBacking;
  readonly #handle: Handle;

  constructor(backing: MemoryBacking, handle: Handle) {
    this.#backing = backing;
    this.#handle = handle;
  }

  async commit(writes: readonly StreamWrite[], options?: { readonly tx?: unknown }): Promise<CommitAnswer> {
    this.#handle.use("events.commit");
    if (options?.tx !== undefined) return this.#join(writes, options.tx);
    while (this.#backing.gate.isInWay(this.#handle, "events.commit", "write"))
      await this.#backing.ended(this.#handle, "events.commit");
    const answer = this.#transact(writes, new UndoLog());
    if (answer.kind === "committed") this.#tell(writes);
    return answer;
  }

  /** A commit as part of a transaction: refused alone, taken back with it. */
  #join(writes: readonly StreamWrite[], tx: unknown): CommitAnswer {
    const transaction = this.#backing.gate.joined(this.#handle, tx, "events.commit");
    const undo = new UndoLog();
    const answer = this.#transact(writes, undo);
    if (answer.kind !== "committed") return answer;
    transaction.undo.absorb(undo);
    transaction.changes.push(...writes.map(changeOf));
    return answer;
  }

  async commitMany(commits: readonly (readonly StreamWrite[])[]): Promise<readonly CommitAnswer[]> {
    this.#handle.use("events.commitMany");
    while (this.#backing.gate.isInWay(this.#handle, "events.commitMany", "write"))
      await this.#backing.ended(this.#handle, "events.commitMany");
    const undo: UndoLog[] = [];
    try {
      const answers = commits.map((writes) => {
        const log = new UndoLog();
        undo.push(log);
        return this.#transact(writes, log);
      });
      for (const [index, answer] of answers.entries()) if (answer.kind === "committed") this.#tell(commits[index] ?? []);
      return answers;
    } catch (error) {
      for (const log of undo.reverse()) log.rollBack();
      throw error;
    }
  }

  #tell(writes: readonly StreamWrite[]): void {
    for (const write of writes) this.#backing.changed.notify(changeOf(write));
  }

  #transact(writes: readonly StreamWrite[], undo: UndoLog): CommitAnswer {
    assertCommit(writes);
    const at = this.#backing.clock.now();
    try {
      const heads: StreamHead[] = [];
      for (const write of writes) {
        const refusal = this.#refusal(write) ?? this.#apply(write, at, undo, heads);
        if (refusal === undefined) continue;
        undo.rollBack();
        return refusal;
      }
      return { kind: "committed", heads: heads.map(({ stream, seq, hash }) => ({ stream, seq, hash })), at };
    } catch (error) {
      undo.rollBack();
      throw error;
    }
  }

  #refusal(write: StreamWrite): CommitAnswer | undefined {
    const head = this.#backing.stream(write.scope, write.stream)?.head;
    const refused = leaseRefusal(write, head, head !== undefined && this.#backing.isHeld(head));
    if (refused !== undefined) return refused;
    const actualSeq = head?.seq ?? 0;
    if (actualSeq !== write.expectedSeq) return { kind: "conflict", stream: write.stream, actualSeq };
    assertChained(write, head?.hash);
    return undefined;
  }

  #apply(write: StreamWrite, at: number, undo: UndoLog, heads: StreamHead[]): CommitAnswer | undefined {
    const record = this.#backing.stream(write.scope, write.stream);
    const head = frozenHead(headAfter(write, record?.head, at));
    const limited = memoryLimitRefusal(this.#backing, write, head);
    if (limited !== undefined) return limited;
    const taken = this.#moveUse(write, record?.head.run ?? null, head.run, undo) ?? this.#spend(write, undo);
    if (taken !== undefined) return taken;
    this.#store(write, record, head, at, undo);
    this.#consumeSignals(write, undo);
    this.#putArtifacts(write, undo);
    heads.push(head);
    return undefined;
  }

  #moveUse(write: StreamWrite, before: RunHead | null, after: RunHead | null, undo: UndoLog): CommitAnswer | undefined {
    const { uses } = this.#backing;
    const { scope } = write;
    if (after === null || before?.useKey === after.useKey) return undefined;
    if (before !== null && before.useKey !== null) undo.delete(uses, keyOf(scope, before.useKey));
    if (after.useKey === null) return undefined;
    const key = keyOf(scope, after.useKey);
    const other = uses.get(key);
    if (other !== undefined) return { kind: "exists", ...other };
    undo.set(uses, key, { runId: after.runId, runbookId: after.runbookId });
    return undefined;
  }

  #spend(write: StreamWrite, undo: UndoLog): CommitAnswer | undefined {
    for (const token of write.consume?.approvals ?? []) {
      const key = keyOf(write.scope, token);
      if (this.#backing.tokens.has(key)) return { kind: "spent", token };
      undo.add(this.#backing.tokens, key);
    }
    return undefined;
  }

  #store(write: StreamWrite, record: StreamRecord | undefined, head: StreamHead, at: number, undo: UndoLog): void {
    const { scope, stream } = write;
    const stored = write.events.map((event): StoredEvent => Object.freeze({ ...event, scope, at }));
    if (record === undefined) {
      undo.set(this.#backing.streams, keyOf(scope, stream), { scope, stream, events: stored, head, pending: 0 });
      return;
    }
    const before = record.head;
    undo.do(
      () => {
        record.events.push(...stored);
        record.head = head;
      },
      () => {
        record.events.length -= stored.length;
        record.head = before;
      },
    );
  }

  #consumeSignals(write: StreamWrite, undo: UndoLog): void {
    const signals = write.consume?.signals ?? [];
    const record = this.#backing.stream(write.scope, write.stream);
    if (signals.length === 0 || record === undefined) return;
    const inbox = this.#backing.inbox.get(keyOf(write.scope, write.stream)) ?? [];
    for (const key of signals) {
      const message = inbox.find((item) => item.entry.key === key);
      invariant(message?.isConsumed === false, `message "${key}" is in the inbox and not consumed`);
      undo.do(
        () => {
          message.isConsumed = true;
          record.pending -= 1;
        },
        () => {
          message.isConsumed = false;
          record.pending += 1;
        },
      );
    }
  }

  #putArtifacts(write: StreamWrite, undo: UndoLog): void {
    for (const artifact of write.artifacts) {
      assertArtifact(artifact);
      const key = keyOf(write.scope, artifact.id);
      if (this.#backing.artifacts.has(key)) continue;
      undo.set(this.#backing.artifacts, key, { kind: artifact.kind, bytes: Uint8Array.from(artifact.bytes) });
    }
  }
}

function frozenHead(head: StreamHead): StreamHead {
  if (head.run === null) return Object.freeze(head);
  const labels = copyCanonical(head.run.labels) as RunHead["labels"];
  const requires = Object.freeze([...head.run.requires]);
  return Object.freeze({ ...head, run: Object.freeze({ ...head.run, labels, requires }) });
}
