import type { Clock } from "../time/clock.js";
import type { RunId, Scope } from "../model/ids.js";
import type { StreamWrite } from "../stores/event-store.js";
import type { Inbox, InboxEntry, PutAnswer } from "../stores/inbox.js";
import type { Listeners } from "../stores/listeners.js";
import type { Database } from "./database.js";
import type { Transaction } from "./transaction.js";
import type { Message } from "../sql/message-row.js";
import { invariant } from "../errors/invariant.js";
import { isTerminal } from "../history/run-head.js";
import { canonicalize } from "../json/canonical.js";
import { runStream } from "../model/ids.js";
import { messageDigest, messageOfRow } from "../sql/message-row.js";
import { integerIn, textIn } from "../sql/row.js";
import { INBOX_UNDELIVERED_MAX, isBounded } from "../stores/inbox.js";
import { assertStorable } from "../stores/storable-name.js";
import { storedHead } from "./heads.js";

const SELECT_MESSAGES = `SELECT i.ord, i.key, i.kind, i.payload, i.payload_digest, c.seq AS consumed_seq
  FROM runseal_inbox i LEFT JOIN runseal_inbox_consumed c USING (scope, run_id, ord)
  WHERE i.scope = ? AND i.run_id = ?`;
const SELECT_ALL = `${SELECT_MESSAGES} ORDER BY i.ord`;
const SELECT_PENDING = `${SELECT_MESSAGES} AND c.seq IS NULL ORDER BY i.ord`;
const SELECT_ONE = "SELECT kind, payload FROM runseal_inbox WHERE scope = ? AND run_id = ? AND key = ?";
const SELECT_LAST = "SELECT coalesce(max(ord), 0) AS last FROM runseal_inbox WHERE scope = ? AND run_id = ?";
const INSERT = `INSERT INTO runseal_inbox (scope, run_id, ord, key, kind, payload, payload_digest, at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const COUNT_PENDING = "UPDATE runseal_heads SET pending = pending + ? WHERE scope = ? AND stream = ?";
const CONSUME = `INSERT INTO runseal_inbox_consumed (scope, run_id, ord, seq)
  SELECT scope, run_id, ord, ? FROM runseal_inbox i WHERE scope = ? AND run_id = ? AND key = ?
    AND NOT EXISTS (SELECT 1 FROM runseal_inbox_consumed c WHERE c.scope = i.scope AND c.run_id = i.run_id AND c.ord = i.ord)`;

/** The inbox in SQLite. */
export class SqliteInbox implements Inbox {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #changed: Listeners;

  constructor(database: Database, clock: Clock, changed: Listeners) {
    this.#database = database;
    this.#clock = clock;
    this.#changed = changed;
  }

  async put(entry: InboxEntry): Promise<PutAnswer> {
    for (const name of [entry.scope, entry.runId, entry.key]) assertStorable(name);
    const payloadText = canonicalize(entry.payload);
    const answer = await this.#database.write("inbox.put", (transaction) =>
      put(transaction, entry, payloadText, this.#clock.now()),
    );
    if (answer.kind === "stored") this.#changed.notify({ scope: entry.scope, stream: runStream(entry.runId), what: "message" });
    return answer;
  }

  async pending(scope: Scope, runId: RunId): Promise<readonly Message[]> {
    return this.#database.read("inbox.pending", (transaction) => {
      const waiting = storedHead(transaction, scope, runStream(runId))?.pending ?? 0;
      if (waiting === 0) return [];
      return transaction.all(SELECT_PENDING, scope, runId).map((row) => Object.freeze(messageOfRow(scope, runId, row)));
    });
  }

  async all(scope: Scope, runId: RunId): Promise<readonly (Message & { readonly consumed: boolean })[]> {
    return this.#database.read("inbox.all", (transaction) =>
      transaction
        .all(SELECT_ALL, scope, runId)
        .map((row) => Object.freeze({ ...messageOfRow(scope, runId, row), consumed: row["consumed_seq"] !== null })),
    );
  }
}

function put(transaction: Transaction, entry: InboxEntry, payloadText: string, at: number): PutAnswer {
  const { scope, runId, key, kind } = entry;
  const stored = storedHead(transaction, scope, runStream(runId));
  if (stored === undefined || stored.head.run === null) return { kind: "not_found" };
  const known = transaction.get(SELECT_ONE, scope, runId, key);
  if (known !== undefined) {
    return { kind: textIn(known, "payload") === payloadText && textIn(known, "kind") === kind ? "same" : "conflict" };
  }
  const { status } = stored.head.run;
  if (isTerminal(status)) return { kind: "terminal", status };
  if (isBounded(kind) && stored.pending >= INBOX_UNDELIVERED_MAX) {
    return { kind: "full", undeliveredMax: INBOX_UNDELIVERED_MAX };
  }
  const last = transaction.get(SELECT_LAST, scope, runId);
  const order = last === undefined ? 1 : integerIn(last, "last") + 1;
  transaction.run(INSERT, scope, runId, order, key, kind, payloadText, messageDigest(payloadText), at);
  transaction.run(COUNT_PENDING, 1, scope, runStream(runId));
  return { kind: "stored" };
}

/**
 * Marks the messages that a commit turned into history.
 *
 * @throws {@link RunsealError} `internal.invariant` when one is not in the inbox, or was consumed before
 */
export function consumeSignals(transaction: Transaction, write: StreamWrite): void {
  const signals = write.consume?.signals ?? [];
  if (signals.length === 0) return;
  const { scope, stream } = write;
  const runId = stream.slice("run/".length);
  const seq = write.expectedSeq + write.events.length;
  for (const key of signals) {
    invariant(transaction.run(CONSUME, seq, scope, runId, key) === 1, `message "${key}" is in the inbox and not consumed`);
  }
  transaction.run(COUNT_PENDING, -signals.length, scope, stream);
}
