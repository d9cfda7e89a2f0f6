import type { StoredEvent } from "../model/event.js";
import type { Scope, StreamName } from "../model/ids.js";
import type { StreamHead } from "../model/run.js";
import type { EventReader } from "../stores/event-store.js";
import type { Database } from "./database.js";
import { EVENT_COLUMNS, eventOfRow } from "../sql/event-row.js";
import { LinkedEvents } from "../stores/linked-events.js";
import { SELECT_HEADS, shownHead } from "./heads.js";

/** Rows asked for at a time, so that no statement is open while the reader of them does something else. */
const PAGE_ROWS = 500;

const SELECT_EVENTS = `SELECT ${EVENT_COLUMNS} FROM runseal_events
  WHERE scope = ? AND stream = ? AND seq >= ? AND seq <= ? ORDER BY seq LIMIT ${PAGE_ROWS}`;
const SELECT_HEADS_AFTER = `${SELECT_HEADS} WHERE scope = ? AND stream > ? ORDER BY stream LIMIT ${PAGE_ROWS}`;
const SELECT_HEAD = `${SELECT_HEADS} WHERE scope = ? AND stream = ?`;

/** Reads the log in SQLite, page by page. */
export class SqliteEventReader implements EventReader {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async *read(
    scope: Scope,
    stream: StreamName,
    range?: { readonly fromSeq?: number; readonly toSeq?: number },
  ): AsyncGenerator<StoredEvent, void, undefined> {
    const linked = new LinkedEvents(scope, stream, range?.fromSeq ?? 1);
    const toSeq = range?.toSeq ?? Number.MAX_SAFE_INTEGER;
    for (;;) {
      const rows = await this.#database.read("reader.read", (transaction) =>
        transaction.all(SELECT_EVENTS, scope, stream, linked.seq, toSeq),
      );
      for (const row of rows) yield linked.next(eventOfRow(scope, stream, row));
      if (rows.length < PAGE_ROWS) return;
    }
  }

  async head(scope: Scope, stream: StreamName): Promise<StreamHead | undefined> {
    const row = await this.#database.read("reader.head", (transaction) => transaction.get(SELECT_HEAD, scope, stream));
    return row === undefined ? undefined : shownHead(row);
  }

  async *heads(scope: Scope): AsyncGenerator<StreamHead, void, undefined> {
    for (let after = ""; ;) {
      const from = after;
      const rows = await this.#database.read("reader.heads", (transaction) => transaction.all(SELECT_HEADS_AFTER, scope, from));
      const heads = rows.map(shownHead);
      yield* heads;
      const last = heads.at(-1);
      if (last === undefined || rows.length < PAGE_ROWS) return;
      after = last.stream;
    }
  }
}
