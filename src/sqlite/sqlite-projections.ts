import type { StoredEvent } from "../model/event.js";
import type { Scope, StreamName } from "../model/ids.js";
import type { StreamHead } from "../model/run.js";
import type { ProjectionAdmin } from "../stores/event-store.js";
import type { Database } from "./database.js";
import type { Transaction } from "./transaction.js";
import { nextStreamHead } from "../history/run-head.js";
import { EVENT_COLUMNS, eventOfRow } from "../sql/event-row.js";
import { HEAD_COLUMNS, headValues } from "../sql/head-row.js";
import { integerIn, textIn } from "../sql/row.js";
import { LinkedEvents } from "../stores/linked-events.js";

const PAGE_ROWS = 500;

const SELECT_STREAMS = "SELECT DISTINCT stream FROM runseal_events WHERE scope = ? ORDER BY stream";
const SELECT_EVENTS = `SELECT ${EVENT_COLUMNS} FROM runseal_events
  WHERE scope = ? AND stream = ? AND seq > ? ORDER BY seq LIMIT ${PAGE_ROWS}`;
const COUNT_PENDING = `SELECT count(*) AS pending FROM runseal_inbox i WHERE scope = ? AND run_id = ?
  AND NOT EXISTS (SELECT 1 FROM runseal_inbox_consumed c WHERE c.scope = i.scope AND c.run_id = i.run_id AND c.ord = i.ord)`;
const INSERT_HEAD = `INSERT INTO runseal_heads (${HEAD_COLUMNS}, pending) VALUES (${`${HEAD_COLUMNS}, pending`.replaceAll(/\w+/g, "?")})`;

/** Computes heads anew from the log in SQLite, in one transaction: others wait until it is done. */
export class SqliteProjections implements ProjectionAdmin {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async rebuild(scope: Scope): Promise<{ readonly streams: number }> {
    return this.#database.write("projections.rebuild", (transaction) => {
      const streams = transaction.all(SELECT_STREAMS, scope).map((row) => textIn(row, "stream") as StreamName);
      transaction.run("DELETE FROM runseal_heads WHERE scope = ?", scope);
      for (const stream of streams) rebuildHead(transaction, scope, stream);
      return { streams: streams.length };
    });
  }
}

function rebuildHead(transaction: Transaction, scope: Scope, stream: StreamName): void {
  let head: StreamHead | null = null;
  for (const event of eventsOf(transaction, scope, stream)) head = nextStreamHead(head, event);
  if (head === null) return;
  const runId = stream.startsWith("run/") ? stream.slice("run/".length) : "";
  const counted = transaction.get(COUNT_PENDING, scope, runId);
  const pending = counted === undefined ? 0 : integerIn(counted, "pending");
  transaction.run(INSERT_HEAD, ...headValues(head), pending);
}

function* eventsOf(transaction: Transaction, scope: Scope, stream: StreamName): Generator<StoredEvent> {
  const linked = new LinkedEvents(scope, stream, 1);
  for (;;) {
    const rows = transaction.all(SELECT_EVENTS, scope, stream, linked.seq - 1);
    for (const row of rows) yield linked.next(eventOfRow(scope, stream, row));
    if (rows.length < PAGE_ROWS) return;
  }
}
