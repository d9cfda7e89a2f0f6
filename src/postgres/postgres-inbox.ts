import type { RunId, Scope } from "../model/ids.js";
import type { Message } from "../sql/message-row.js";
import type { Inbox, InboxEntry, PutAnswer } from "../stores/inbox.js";
import type { Listeners } from "../stores/listeners.js";
import type { StoreChange } from "../stores/store-change.js";
import type { Database } from "./database.js";
import { invariant, present } from "../errors/invariant.js";
import { canonicalize } from "../json/canonical.js";
import { runStream } from "../model/ids.js";
import { messageDigest, messageOfRow } from "../sql/message-row.js";
import { integerIn, textIn } from "../sql/row.js";
import { INBOX_UNDELIVERED_MAX, isBounded } from "../stores/inbox.js";
import { assertStorable } from "../stores/storable-name.js";
import { Gathered } from "./gathered.js";
import { changePayload } from "./change-payload.js";
import { Statement } from "./statement.js";

const PUT = "SELECT {{schema}}.put_message($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS answer";
const CONSUMED = `EXISTS (SELECT FROM {{schema}}.inbox_consumed c
  WHERE c.scope = i.scope AND c.run_id = i.run_id AND c.ord = i.ord)`;
const MESSAGES = `SELECT i.ord, i.key, i.kind, i.payload, i.payload_digest, ${CONSUMED} AS consumed
  FROM {{schema}}.inbox i WHERE i.scope = $1 AND i.run_id = $2`;
const SELECT_ALL = `${MESSAGES} ORDER BY i.ord`;
/** Of several runs; the count of the head spares most of them a look through all the messages that ever came. */
const SELECT_PENDING = `SELECT k.o, i.ord, i.key, i.kind, i.payload, i.payload_digest
  FROM json_to_recordset($1::json) AS k(o integer, s text, r text)
  CROSS JOIN LATERAL (SELECT h.pending FROM {{schema}}.heads h WHERE h.scope = k.s AND h.stream = 'run/' || k.r OFFSET 0) h
  CROSS JOIN LATERAL (SELECT m.* FROM {{schema}}.inbox m WHERE m.scope = k.s AND m.run_id = k.r AND h.pending > 0 OFFSET 0) i
  WHERE NOT ${CONSUMED} ORDER BY k.o, i.ord`;

const TERMINAL = "terminal/";

/** Whose messages are asked for. */
interface RunName {
  readonly scope: Scope;
  readonly runId: RunId;
}

/** The inbox in PostgreSQL: a message is put by one function call, which holds the run's head. */
export class PostgresInbox implements Inbox {
  readonly #database: Database;
  readonly #changed: Listeners;
  readonly #put: Statement;
  readonly #all: Statement;
  readonly #pending: Gathered<RunName, readonly Message[]>;

  /** @param changed - listeners of this process; those of others are told by NOTIFY */
  constructor(database: Database, changed: Listeners) {
    this.#database = database;
    this.#changed = changed;
    this.#put = new Statement(database.schema, PUT);
    this.#all = new Statement(database.schema, SELECT_ALL);
    const pending = new Statement(database.schema, SELECT_PENDING);
    this.#pending = new Gathered((runs) => this.#pendingOf(pending, runs));
  }

  async put(entry: InboxEntry): Promise<PutAnswer> {
    const { scope, runId, key, kind } = entry;
    for (const name of [scope, runId, key]) assertStorable(name);
    const payloadText = canonicalize(entry.payload);
    const change: StoreChange = { scope, stream: runStream(runId), what: "message" };
    const message = [scope, runId, key, kind, payloadText, messageDigest(payloadText), isBounded(kind), INBOX_UNDELIVERED_MAX];
    const values = [...message, this.#database.schema.channel, changePayload(change, this.#database.origin)];
    const { rows } = await this.#database.query("inbox.put", this.#put, values);
    const answer = answerOf(textIn(present(rows[0], "putting a message is answered"), "answer"));
    if (answer.kind === "stored") this.#changed.notify(change);
    return answer;
  }

  async pending(scope: Scope, runId: RunId): Promise<readonly Message[]> {
    for (const name of [scope, runId]) assertStorable(name);
    this.#database.handle.use("inbox.pending");
    return this.#pending.get({ scope, runId });
  }

  async #pendingOf(statement: Statement, runs: readonly RunName[]): Promise<readonly (readonly Message[])[]> {
    const keys = runs.map(({ scope, runId }, o) => ({ o, s: scope, r: runId }));
    const { rows } = await this.#database.query("inbox.pending", statement, [JSON.stringify(keys)]);
    const found = runs.map((): Message[] => []);
    for (const row of rows) {
      const place = integerIn(row, "o");
      const run = present(runs[place], "a message belongs to a run that was asked for");
      found[place]?.push(Object.freeze(messageOfRow(run.scope, run.runId, row)));
    }
    return found;
  }

  async all(scope: Scope, runId: RunId): Promise<readonly (Message & { readonly consumed: boolean })[]> {
    for (const name of [scope, runId]) assertStorable(name);
    const { rows } = await this.#database.query("inbox.all", this.#all, [scope, runId]);
    return rows.map((row) => Object.freeze({ ...messageOfRow(scope, runId, row), consumed: row["consumed"] === true }));
  }
}

function answerOf(answer: string): PutAnswer {
  if (answer.startsWith(TERMINAL)) return { kind: "terminal", status: answer.slice(TERMINAL.length) };
  switch (answer) {
    case "stored":
    case "same":
    case "conflict":
    case "not_found":
      return { kind: answer };
    default:
      invariant(answer === "full", `"${answer}" is an answer of the inbox`);
      return { kind: "full", undeliveredMax: INBOX_UNDELIVERED_MAX };
  }
}
