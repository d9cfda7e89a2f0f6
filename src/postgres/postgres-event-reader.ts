import type { EventReader } from "../stores/event-store.js";
import type { Row } from "../sql/row.js";
import type { Scope, StreamName } from "../model/ids.js";
import type { StoredEvent } from "../model/event.js";
import type { StreamHead } from "../model/run.js";
import type { Database } from "./database.js";
import { Gathered } from "./gathered.js";
import { HEADS, HEAD_FIELDS, shownHead } from "./heads.js";
import { LinkedEvents } from "../stores/linked-events.js";
import { Statement } from "./statement.js";
import { eventOfRow } from "../sql/event-row.js";
import { isStorable } from "../stores/storable-name.js";
import { genesisHash } from "../history/chain.js";
import { integerIn, textIn } from "../sql/row.js";

/** Rows asked for at a time, so that no statement is open while the reader of them does something else. */
const PAGE_ROWS = 1_000;
const SEQ_MAX = 2_147_483_647;

const SELECT_HEAD = `SELECT k.o, f.* FROM json_to_recordset($1::json) AS k(o integer, s text, t text)
  CROSS JOIN LATERAL (SELECT ${HEAD_FIELDS} FROM ${HEADS} WHERE h.scope = k.s AND h.stream = k.t OFFSET 0) f`;

/** Whose head is asked for. */
interface StreamKey {
  readonly scope: Scope;
  readonly stream: StreamName;
}

/** Reads the log in PostgreSQL, page by page. */
export class PostgresEventReader implements EventReader {
  readonly #database: Database;
  readonly #events: Statement;
  readonly #head: Gathered<StreamKey, StreamHead | undefined>;
  readonly #heads: Statement;

  constructor(database: Database) {
    const { schema } = database;
    this.#database = database;
    this.#events = new Statement(
      schema,
      `SELECT e.seq, e.kind, e.v, e.epoch, coalesce(e.payload, '') AS payload, encode(e.payload_digest, 'hex') AS payload_digest,
          encode(e.hash, 'hex') AS hash, e.at
        FROM {{schema}}.event_rows e WHERE e.stream_id = (SELECT s.id FROM {{schema}}.streams s WHERE s.scope = $1 AND s.stream = $2)
          AND e.seq >= $3 AND e.seq <= $4 ORDER BY e.seq LIMIT ${PAGE_ROWS + 1}`,
    );
    const head = new Statement(schema, SELECT_HEAD);
    this.#head = new Gathered((names) => this.#headsOf(head, names));
    this.#heads = new Statement(
      schema,
      `SELECT ${HEAD_FIELDS} FROM ${HEADS} WHERE h.scope = $1 AND h.stream > $2 ORDER BY h.stream LIMIT ${PAGE_ROWS}`,
    );
  }

  async *read(
    scope: Scope,
    stream: StreamName,
    range?: { readonly fromSeq?: number; readonly toSeq?: number },
  ): AsyncGenerator<StoredEvent, void, undefined> {
    if (!isStorable(scope) || !isStorable(stream)) return;
    const linked = new LinkedEvents(scope, stream, range?.fromSeq ?? 1);
    const toSeq = Math.min(range?.toSeq ?? SEQ_MAX, SEQ_MAX);
    for (;;) {
      // the hash before the first one wanted is that of the row before it
      const from = linked.seq - 1;
      if (toSeq <= from) {
        this.#database.handle.use("reader.read");
        return;
      }
      const { rows } = await this.#database.query("reader.read", this.#events, [scope, stream, from, toSeq]);
      let prev = from === 0 ? genesisHash(scope, stream) : "";
      for (const row of rows) {
        if (integerIn(row, "seq") > from) yield linked.next(linkedRow(scope, stream, row, prev));
        prev = textIn(row, "hash");
      }
      if (rows.length <= PAGE_ROWS) return;
    }
  }

  async head(scope: Scope, stream: StreamName): Promise<StreamHead | undefined> {
    this.#database.handle.use("reader.head");
    // others ask in the same statement: a name that it can't hold must not fail them
    if (!isStorable(scope) || !isStorable(stream)) return undefined;
    return this.#head.get({ scope, stream });
  }

  async #headsOf(statement: Statement, names: readonly StreamKey[]): Promise<readonly (StreamHead | undefined)[]> {
    const keys = names.map(({ scope, stream }, o) => ({ o, s: scope, t: stream }));
    const { rows } = await this.#database.query("reader.head", statement, [JSON.stringify(keys)]);
    const found = new Map(rows.map((row) => [integerIn(row, "o"), shownHead(row)]));
    return names.map((_name, place) => found.get(place));
  }

  async *heads(scope: Scope): AsyncGenerator<StreamHead, void, undefined> {
    for (let after = ""; ;) {
      const { rows } = await this.#database.query("reader.heads", this.#heads, [scope, after]);
      const heads = rows.map(shownHead);
      yield* heads;
      const last = heads.at(-1);
      if (last === undefined || rows.length < PAGE_ROWS) return;
      after = last.stream;
    }
  }
}

function linkedRow(scope: Scope, stream: StreamName, row: Row, prev: string): StoredEvent {
  return eventOfRow(scope, stream, { ...row, prev });
}
