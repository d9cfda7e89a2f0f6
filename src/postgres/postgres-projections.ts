import type { StoredEvent } from "../model/event.js";
import type { Scope, StreamName } from "../model/ids.js";
import type { StreamHead } from "../model/run.js";
import type { ProjectionAdmin } from "../stores/event-store.js";
import type { Row } from "../sql/row.js";
import type { Database } from "./database.js";
import type { PgClient } from "./pg-types.js";
import { present } from "../errors/invariant.js";
import { genesisHash } from "../history/chain.js";
import { nextStreamHead } from "../history/run-head.js";
import { eventOfRow } from "../sql/event-row.js";
import { HEAD_COLUMNS, headValues } from "../sql/head-row.js";
import { textIn } from "../sql/row.js";
import { LinkedEvents } from "../stores/linked-events.js";
import { assertStorable } from "../stores/storable-name.js";
import { inSchema } from "./schema-name.js";

/** Events fetched, and heads written, at a time. */
const PAGE_ROWS = 500;

const SELECT_EVENTS = `DECLARE rebuilt NO SCROLL CURSOR FOR
  SELECT s.id, s.stream, e.seq, e.kind, e.v, e.epoch, coalesce(e.payload, '') AS payload, encode(e.payload_digest, 'hex') AS payload_digest,
    encode(e.hash, 'hex') AS hash, e.at
  FROM {{schema}}.streams s JOIN {{schema}}.event_rows e ON e.stream_id = s.id
  WHERE s.scope = $1 ORDER BY s.id, e.seq`;

/** Columns of a head but for seq and hash, which are those of the newest event. */
const COLUMNS = HEAD_COLUMNS.split(", ").filter((column) => column !== "seq" && column !== "hash");

const INSERT_HEADS = `INSERT INTO {{schema}}.heads (id, ${COLUMNS.join(", ")}, pending)
  SELECT n.id, ${COLUMNS.map((column) => `n.${column}`).join(", ")},
    CASE WHEN n.stream LIKE 'run/%' THEN (
      SELECT count(*) FROM {{schema}}.inbox i WHERE i.scope = n.scope AND i.run_id = substr(n.stream, 5) AND NOT EXISTS (
        SELECT FROM {{schema}}.inbox_consumed c WHERE c.scope = i.scope AND c.run_id = i.run_id AND c.ord = i.ord)
    ) ELSE 0 END
  FROM json_to_recordset($1) AS n(id bigint, scope text, stream text, seq integer, hash text, epoch integer, owner text,
    lease_until bigint, runbook_id text, status text, reason text, wake_at bigint, requires text, queue text, priority integer,
    labels text, parent text, dedup_key text, use_key text, submitted_at bigint, started_at bigint)`;

/** Computes heads anew from the log in PostgreSQL, in one transaction: whoever writes, in any scope, waits until it is done. */
export class PostgresProjections implements ProjectionAdmin {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async rebuild(scope: Scope): Promise<{ readonly streams: number }> {
    assertStorable(scope);
    const call = "projections.rebuild";
    const attempt = (): Promise<number> => this.#database.withClient(call, (client) => this.#rebuildWith(client, scope));
    return { streams: await this.#database.retrying(call, attempt, { repeatable: true }) };
  }

  async #rebuildWith(client: PgClient, scope: Scope): Promise<number> {
    const { schema, busyMs } = this.#database;
    const run = async (text: string, values: unknown[] = []): Promise<readonly Row[]> =>
      (await client.query({ text: inSchema(schema, text), values })).rows;
    await run("BEGIN");
    await run(`SET LOCAL lock_timeout = ${Math.max(1, Math.ceil(busyMs))}`);
    await run("LOCK TABLE {{schema}}.heads IN EXCLUSIVE MODE");
    await run("DELETE FROM {{schema}}.heads WHERE scope = $1", [scope]);
    await run(SELECT_EVENTS, [scope]);
    let streams = 0;
    const heads = new HeadFold(scope);
    for (let isOver = false; !isOver;) {
      const rows = await run(`FETCH ${PAGE_ROWS} FROM rebuilt`);
      isOver = rows.length < PAGE_ROWS;
      for (const row of rows) heads.add(row);
      const done = heads.take(isOver);
      streams += done.length;
      if (done.length > 0) await run(INSERT_HEADS, [JSON.stringify(done)]);
    }
    await run("COMMIT");
    return streams;
  }
}

/** Folds the events of one stream after the other into heads. */
class HeadFold {
  readonly #scope: Scope;
  readonly #done: Row[] = [];
  #stream: StreamName | undefined;
  #id: unknown;
  #head: StreamHead | null = null;
  #linked: LinkedEvents | undefined;
  #hash = "";

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** @throws {@link RunsealError} `store.corrupt` naming stream and seq */
  add(row: Row): void {
    const stream = textIn(row, "stream") as StreamName;
    if (stream !== this.#stream) this.#begin(stream, row["id"]);
    const event = this.#trusted(stream, row);
    this.#head = nextStreamHead(this.#head, event);
    this.#hash = event.hash;
  }

  /** The heads that are complete, as objects by column. */
  take(withLast: boolean): readonly Row[] {
    if (withLast) this.#end();
    return this.#done.splice(0);
  }

  #begin(stream: StreamName, id: unknown): void {
    this.#end();
    this.#stream = stream;
    this.#id = id;
    this.#linked = new LinkedEvents(this.#scope, stream, 1);
    this.#hash = genesisHash(this.#scope, stream);
  }

  #end(): void {
    if (this.#head === null) return;
    const values = headValues(this.#head);
    const columns = HEAD_COLUMNS.split(", ").map((column, index) => [column, values[index]] as const);
    this.#done.push({ id: this.#id, ...Object.fromEntries(columns) });
    this.#head = null;
  }

  /** The link to the event before is not stored: it is that event's hash. */
  #trusted(stream: StreamName, row: Row): StoredEvent {
    const event = eventOfRow(this.#scope, stream, { ...row, prev: this.#hash });
    return present(this.#linked, "a stream is begun before its events are read").next(event);
  }
}
