import type { MemoryStores } from "../../src/stores/memory/memory-stores.js";
import type { Scope, StreamName } from "../../src/model/ids.js";
import type { StoredEvent } from "../../src/model/event.js";
import type { Stores } from "../../src/stores/stores.js";
import { EVENT_COLUMNS, eventOfRow, eventValues } from "../../src/sql/event-row.js";
import { Handle } from "../../src/stores/handle.js";
import { LockQueue } from "../../src/stores/lock-queue.js";
import { MemoryArtifactStore } from "../../src/stores/memory/memory-artifact-store.js";
import { MemoryBacking, keyOf } from "../../src/stores/memory/backing.js";
import { MemoryEventReader } from "../../src/stores/memory/memory-event-reader.js";
import { MemoryEventStore } from "../../src/stores/memory/memory-event-store.js";
import { MemoryInbox } from "../../src/stores/memory/memory-inbox.js";
import { MemoryLeaseStore } from "../../src/stores/memory/memory-lease-store.js";
import { MemoryLockTable } from "../../src/stores/memory/memory-lock-table.js";
import { MemoryProjections } from "../../src/stores/memory/memory-projections.js";
import { MemoryRunIndex } from "../../src/stores/memory/memory-run-index.js";
import { MemoryRunbookStore } from "../../src/stores/memory/memory-runbook-store.js";
import { MemoryTransactions } from "../../src/stores/memory/memory-transactions.js";
import { MemoryWorkerRegistry } from "../../src/stores/memory/memory-worker-registry.js";
import { bareConnection } from "../sqlite/bare-connection.js";
import { openForTest } from "../sqlite/filled-stores.js";
import { systemClock } from "../../src/time/clock.js";
import { tempFile } from "../sqlite/temp-file.js";

const SCOPE: Scope = "default";

/** Stores in the hands of somebody who can write what is behind them. */
export interface TamperedStores {
  readonly stores: Stores;
  /** Replaces the events of a stream. */
  readonly rewrite: (stream: StreamName, change: (events: readonly StoredEvent[]) => readonly StoredEvent[]) => Promise<void>;
  /** Makes the head beside the log agree with its last event: what a careful forger does too. */
  readonly moveHead: (stream: StreamName, last: Pick<StoredEvent, "seq" | "hash">) => Promise<void>;
  /** Replaces the bytes of an artifact; `undefined` removes it. */
  readonly replaceArtifact: (id: string, bytes: Uint8Array | undefined) => Promise<void>;
}

/** The kinds of stores that damage is done to. */
export const tamperable: readonly (readonly [string, () => Promise<TamperedStores>])[] = [
  ["memory", openMemory],
  ["SQLite", openFile],
];

async function openMemory(): Promise<TamperedStores> {
  const backing = new MemoryBacking(systemClock, () => true);
  const recordOf = (stream: StreamName) => {
    const record = backing.stream(SCOPE, stream);
    if (record === undefined) throw new TypeError(`no stream "${stream}"`);
    return record;
  };
  return {
    stores: storesOver(backing),
    rewrite: async (stream, change) => {
      const { events } = recordOf(stream);
      events.splice(0, events.length, ...change([...events]));
    },
    moveHead: async (stream, { seq, hash }) => {
      const record = recordOf(stream);
      record.head = { ...record.head, seq, hash };
    },
    replaceArtifact: async (id, bytes) => {
      const key = keyOf(SCOPE, id);
      const kind = backing.artifacts.get(key)?.kind ?? "";
      if (bytes === undefined) backing.artifacts.delete(key);
      else backing.artifacts.set(key, { kind, bytes });
    },
  };
}

function storesOver(backing: MemoryBacking): MemoryStores {
  const handle = new Handle();
  const owner = backing.nextOwner();
  return {
    runbooks: new MemoryRunbookStore(backing, handle),
    events: new MemoryEventStore(backing, handle),
    reader: new MemoryEventReader(backing, handle),
    runs: new MemoryRunIndex(backing, handle),
    artifacts: new MemoryArtifactStore(backing, handle),
    inbox: new MemoryInbox(backing, handle),
    leases: new MemoryLeaseStore(backing, handle),
    locks: new LockQueue({ table: new MemoryLockTable(backing, handle, owner), clock: backing.clock }),
    projections: new MemoryProjections(backing, handle),
    transactions: new MemoryTransactions(backing, handle),
    workers: new MemoryWorkerRegistry(backing, handle),
    watch: (listener) => backing.changed.add(listener),
    owner,
    close: async () => handle.close(),
  };
}

/** A file whose triggers a bare second connection has dropped. */
async function openFile(): Promise<TamperedStores> {
  const path = tempFile();
  const stores = openForTest(path);
  await stores.runbooks.list(SCOPE);
  const bare = await bareConnection(path);
  for (const table of ["events", "artifacts"]) {
    for (const trigger of ["no_replace", "no_update", "no_delete"]) bare.exec(`DROP TRIGGER runseal_${table}_${trigger}`);
  }
  bare.exec("PRAGMA ignore_check_constraints = ON");
  return {
    stores,
    rewrite: async (stream, change) => {
      const rows = bare.prepare("SELECT * FROM runseal_events WHERE stream = ? ORDER BY seq").all([stream]);
      const changed = change(rows.map((row) => eventOfRow(SCOPE, stream, row)));
      bare.prepare("DELETE FROM runseal_events WHERE stream = ?").run([stream]);
      const insert = bare.prepare(`INSERT INTO runseal_events (${EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
      for (const event of changed) insert.run(eventValues(SCOPE, event, event.at));
    },
    moveHead: async (stream, { seq, hash }) => {
      bare.prepare("UPDATE runseal_heads SET seq = ?, hash = ? WHERE stream = ?").run([seq, hash, stream]);
    },
    replaceArtifact: async (id, bytes) => {
      if (bytes === undefined) bare.prepare("DELETE FROM runseal_artifacts WHERE id = ?").run([id]);
      else bare.prepare("UPDATE runseal_artifacts SET bytes = ? WHERE id = ?").run([bytes, id]);
    },
  };
}
