import type { StoredEvent } from "../../model/event.js";
import type { RunbookId, RunId, Scope, StreamName } from "../../model/ids.js";
import type { StreamHead } from "../../model/run.js";
import type { InboxEntry } from "../inbox.js";
import type { LockOwner, LockRequest } from "../lock-manager.js";
import type { RunbookRecord } from "../runbook-record.js";
import type { RegisteredWorker } from "../worker-registry.js";
import type { Clock } from "../../time/clock.js";
import type { Handle } from "../handle.js";
import type { OpenMemoryTransaction } from "./memory-transaction.js";
import { Listeners } from "../listeners.js";
import { TransactionGate } from "../transaction-gate.js";
import { withPendingInbox } from "../../history/run-head.js";

/** One stream: its log and the head beside it. */
export interface StreamRecord {
  readonly scope: Scope;
  readonly stream: StreamName;
  readonly events: StoredEvent[];
  /** As the events tell it; messages that wait are counted in `pending`. */
  head: StreamHead;
  /** Messages that no commit has consumed. */
  pending: number;
}

/** A message with its place in the order of arrival. */
export interface InboxRecord {
  readonly entry: InboxEntry & { readonly order: number };
  readonly payloadText: string;
  isConsumed: boolean;
}

/** A lock that is held. */
export interface LockRow {
  readonly grant: string;
  readonly request: LockRequest;
  readonly owner: LockOwner;
}

/** A runbook and every document stored for it, oldest first. */
export interface RunbookShelf {
  readonly record: RunbookRecord;
  readonly documents: RunbookRecord["document"][];
}

/**
 * What several memory stores can share, as several processes share a database file.
 *
 * Keys are made by {@link keyOf}.
 */
export class MemoryBacking {
  readonly clock: Clock;
  readonly isOwnerAlive: (owner: string) => boolean;
  readonly streams = new Map<string, StreamRecord>();
  /** `useKey` -> the run that has it. */
  readonly uses = new Map<string, { readonly runId: RunId; readonly runbookId: RunbookId }>();
  readonly tokens = new Set<string>();
  readonly runbooks = new Map<string, RunbookShelf>();
  readonly versions = new Map<string, RunbookId[]>();
  readonly artifacts = new Map<string, { readonly kind: string; readonly bytes: Uint8Array }>();
  readonly inbox = new Map<string, InboxRecord[]>();
  readonly locks = new Map<string, LockRow[]>();
  /** Closed to everybody else while a transaction is open. */
  readonly gate: TransactionGate<OpenMemoryTransaction>;
  readonly workers = new Map<string, RegisteredWorker>();
  /** Told after every write. */
  readonly changed = new Listeners();
  /** Told after locks were given back. */
  readonly unlocked = new Listeners();
  #owners = 0;

  constructor(clock: Clock, isOwnerAlive: (owner: string) => boolean) {
    this.clock = clock;
    this.isOwnerAlive = isOwnerAlive;
    this.gate = new TransactionGate(clock);
  }

  /** Waits for the end of the transaction that is in the way of a call. */
  async ended(handle: Handle, call: string): Promise<void> {
    await this.gate.ended();
    handle.use(call);
  }

  /** What the next store over this backing is called. */
  nextOwner(): string {
    this.#owners += 1;
    return `memory/${this.#owners}`;
  }

  stream(scope: Scope, stream: StreamName): StreamRecord | undefined {
    return this.streams.get(keyOf(scope, stream));
  }

  /** Whether somebody living holds the lease of `head`. */
  isHeld(head: StreamHead): boolean {
    return head.owner !== null && (head.leaseUntil ?? 0) > this.clock.now() && this.isOwnerAlive(head.owner);
  }
}

/** One key of a scope and a name in it, whatever characters they hold. */
export function keyOf(scope: Scope, name: string): string {
  return JSON.stringify([scope, name]);
}

/** A head as callers see it: due at once while messages wait. */
export function shownHead(record: StreamRecord): StreamHead {
  return withPendingInbox(record.head, record.pending > 0);
}
