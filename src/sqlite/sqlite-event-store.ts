import type { Clock } from "../time/clock.js";
import type { RunHead, StreamHead } from "../model/run.js";
import type { CommitAnswer, EventStore, StreamWrite } from "../stores/event-store.js";
import type { Listeners } from "../stores/listeners.js";
import type { Database } from "./database.js";
import type { Transaction } from "./transaction.js";
import { eventValues, EVENT_COLUMNS } from "../sql/event-row.js";
import { HEAD_COLUMNS, headValues } from "../sql/head-row.js";
import { textIn } from "../sql/row.js";
import { assertChained, assertCommit, brokenAt, leaseRefusal } from "../stores/commit-checks.js";
import { headAfter } from "../stores/run-projection.js";
import { changeOf } from "../stores/store-change.js";
import { Refused } from "./database.js";
import { isHeld, storedHead } from "./heads.js";
import { putArtifact } from "./sqlite-artifact-store.js";
import { consumeSignals } from "./sqlite-inbox.js";
import { limitRefusal } from "./sqlite-limits.js";

const marks = (columns: string): string => columns.replaceAll(/\w+/g, "?");

const INSERT_EVENT = `INSERT INTO runseal_events (${EVENT_COLUMNS}) VALUES (${marks(EVENT_COLUMNS)})`;
const INSERT_TWO_EVENTS = `${INSERT_EVENT}, (${marks(EVENT_COLUMNS)})`;
const INSERT_HEAD = `INSERT INTO runseal_heads (${HEAD_COLUMNS}) VALUES (${marks(HEAD_COLUMNS)})`;
const UPDATE_HEAD = `UPDATE runseal_heads
  SET seq = ?, hash = ?, epoch = ?, owner = ?, lease_until = ?, status = ?, reason = ?, wake_at = ?, use_key = ?, started_at = ?
  WHERE scope = ? AND stream = ?`;

/** Moves a head whose owner goes on as before: the check and the write of most commits in one statement. */
const ADVANCE_HEAD = `UPDATE runseal_heads SET seq = ?, hash = ?
  WHERE scope = ? AND stream = ? AND seq = ? AND hash = ? AND owner = ? AND epoch = ?`;
const ADVANCE_RUN = `${ADVANCE_HEAD} AND status = ? AND reason IS ? AND wake_at IS ? AND use_key IS ?`;

/** The log in SQLite. */
export class SqliteEventStore implements EventStore {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #changed: Listeners;

  constructor(database: Database, clock: Clock, changed: Listeners) {
    this.#database = database;
    this.#clock = clock;
    this.#changed = changed;
  }

  async commit(writes: readonly StreamWrite[], options?: { readonly tx?: unknown }): Promise<CommitAnswer> {
    assertCommit(writes);
    const tx = options?.tx;
    const work = (transaction: Transaction): CommitAnswer | Refused<CommitAnswer> => {
      const committed = commitAll(transaction, writes, this.#clock.now());
      return committed.kind === "committed" ? committed : new Refused<CommitAnswer>(committed);
    };
    if (tx !== undefined) return this.#database.join<CommitAnswer>("events.commit", tx, writes.map(changeOf), work);
    const answer = await this.#database.write<CommitAnswer>("events.commit", work);
    if (answer.kind === "committed") this.#tell(writes);
    return answer;
  }

  async commitMany(commits: readonly (readonly StreamWrite[])[]): Promise<readonly CommitAnswer[]> {
    for (const writes of commits) assertCommit(writes);
    const answers = await this.#database.write<readonly CommitAnswer[]>("events.commitMany", (transaction) =>
      commits.map((writes) => commitOne(transaction, writes, this.#clock.now())),
    );
    for (const [index, answer] of answers.entries()) if (answer.kind === "committed") this.#tell(commits[index] ?? []);
    return answers;
  }

  #tell(writes: readonly StreamWrite[]): void {
    for (const write of writes) this.#changed.notify(changeOf(write));
  }
}

/** One commit of several in a transaction: a refusal takes back its own writes and no others. */
function commitOne(transaction: Transaction, writes: readonly StreamWrite[], at: number): CommitAnswer {
  transaction.run("SAVEPOINT one_commit");
  const answer = commitAll(transaction, writes, at);
  if (answer.kind !== "committed") transaction.run("ROLLBACK TO one_commit");
  transaction.run("RELEASE one_commit");
  return answer;
}

function commitAll(transaction: Transaction, writes: readonly StreamWrite[], at: number): CommitAnswer {
  const heads: { stream: StreamWrite["stream"]; seq: number; hash: string }[] = [];
  for (const write of writes) {
    const head = advance(transaction, write) ?? change(transaction, write, at);
    if ("kind" in head) return head;
    const spent = spend(transaction, write, at);
    if (spent !== undefined) return spent;
    insertEvents(transaction, write, at);
    consumeSignals(transaction, write);
    for (const artifact of write.artifacts) putArtifact(transaction, write.scope, artifact, at);
    heads.push({ stream: write.stream, seq: head.seq, hash: head.hash });
  }
  return { kind: "committed", heads, at };
}

/** The short way: a fenced write that leaves lease and projection alone. `undefined` when it is not one, or a check failed. */
function advance(transaction: Transaction, write: StreamWrite): Pick<StreamHead, "seq" | "hash"> | undefined {
  const { scope, stream, fence, run, expectedSeq } = write;
  const first = write.events[0];
  const last = write.events.at(-1);
  if (fence === null || write.releaseLease === true || first === undefined || last === undefined) return undefined;
  if (run !== undefined && run.status !== "running" && run.status !== "queued") return undefined;
  if (brokenAt(write, first.prev) !== undefined) return undefined;
  const moved = [last.seq, last.hash, scope, stream, expectedSeq, first.prev, fence.owner, fence.epoch];
  const changes =
    run === undefined
      ? transaction.runChecked(ADVANCE_HEAD, moved)
      : transaction.runChecked(ADVANCE_RUN, [...moved, run.status, run.reason, run.wakeAt, run.useKey]);
  return changes === 1 ? { seq: last.seq, hash: last.hash } : undefined;
}

/** The long way: reads the head, checks it against the write, and writes it anew. */
function change(transaction: Transaction, write: StreamWrite, at: number): StreamHead | CommitAnswer {
  const before = storedHead(transaction, write.scope, write.stream)?.head;
  const refused = leaseRefusal(write, before, before !== undefined && isHeld(before, at));
  if (refused !== undefined) return refused;
  const actualSeq = before?.seq ?? 0;
  if (actualSeq !== write.expectedSeq) return { kind: "conflict", stream: write.stream, actualSeq };
  assertChained(write, before?.hash);
  const head = headAfter(write, before, at);
  const limited = limitRefusal(transaction, write, { before, after: head }, at);
  if (limited !== undefined) return limited;
  const other = head.run === null ? undefined : otherUse(transaction, head, head.run);
  if (other !== undefined) return other;
  if (before === undefined) transaction.run(INSERT_HEAD, ...headValues(head));
  else updateHead(transaction, head);
  return head;
}

function updateHead(transaction: Transaction, head: StreamHead): void {
  const { scope, stream, seq, hash, epoch, owner, leaseUntil, run } = head;
  const moved = [run?.status, run?.reason, run?.wakeAt, run?.useKey, run?.startedAt].map((value) => value ?? null);
  transaction.run(UPDATE_HEAD, seq, hash, epoch, owner, leaseUntil, ...moved, scope, stream);
}

function otherUse(transaction: Transaction, head: StreamHead, run: RunHead): CommitAnswer | undefined {
  if (run.useKey === null) return undefined;
  const sql = "SELECT stream, runbook_id FROM runseal_heads WHERE scope = ? AND use_key = ? AND stream <> ?";
  const row = transaction.get(sql, head.scope, run.useKey, head.stream);
  if (row === undefined) return undefined;
  const runId = textIn(row, "stream").slice("run/".length);
  return { kind: "exists", runId, runbookId: textIn(row, "runbook_id") as RunHead["runbookId"] };
}

function spend(transaction: Transaction, write: StreamWrite, at: number): CommitAnswer | undefined {
  for (const token of write.consume?.approvals ?? []) {
    const spent = transaction.get("SELECT 1 FROM runseal_spent_tokens WHERE scope = ? AND token = ?", write.scope, token);
    if (spent !== undefined) return { kind: "spent", token };
    const insert = "INSERT INTO runseal_spent_tokens (scope, token, stream, at) VALUES (?, ?, ?, ?)";
    transaction.run(insert, write.scope, token, write.stream, at);
  }
  return undefined;
}

/** Two at a time: most commits hold the end of one step and the beginning of the next. */
function insertEvents(transaction: Transaction, write: StreamWrite, at: number): void {
  const { scope, events } = write;
  for (let index = 0; index < events.length; index += 2) {
    const [first, second] = [events[index], events[index + 1]];
    if (first === undefined) return;
    const values = eventValues(scope, first, at);
    if (second === undefined) transaction.runChecked(INSERT_EVENT, values);
    else transaction.runChecked(INSERT_TWO_EVENTS, values.concat(eventValues(scope, second, at)));
  }
}
