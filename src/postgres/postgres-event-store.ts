import type { CommitAnswer, EventStore, StreamWrite } from "../stores/event-store.js";
import type { Counter } from "../stores/counters.js";
import type { Database } from "./database.js";
import type { ForeignClient } from "./foreign-client.js";
import type { Listeners } from "../stores/listeners.js";
import type { OpenTransaction } from "./open-transaction.js";
import type { PostgresTransactions } from "./postgres-transactions.js";
import { AdvanceBatch } from "./advance-batch.js";
import { AppendBatch } from "./append-batch.js";
import { CommitQueue, type Commit } from "./commit-queue.js";
import { CommitStatement, type StoredAnswer } from "./commit-statement.js";
import { KnownRuns } from "./known-runs.js";
import { Outcome, outcomeUnknown } from "./outcome.js";
import { assertArtifact, assertCommit } from "../stores/commit-checks.js";
import { changeOf } from "../stores/store-change.js";
import { foreignClient } from "./foreign-client.js";
import { isRunsealError, RunsealError } from "../errors/error.js";
import { present } from "../errors/invariant.js";
import { sqlFailure, stateOf } from "./postgres-error.js";
import { systemClock } from "../time/clock.js";

/** How often a commit is made again because somebody inserted the same key at the same moment: the next look sees it. */
const RACES_MAX = 10;
const UNIQUE_VIOLATION = "23505";
const NO_TRANSACTION = "25P01";
/** What a commit is refused with for what it holds: it is refused whenever it is sent. */
const OF_THE_COMMIT = ["store.corrupt", "store.not_storable", "store.too_complex", "internal.invariant"] as const;
/** Around a commit in a transaction of somebody else, so that its failing does not spoil the rest. */
const SAVEPOINT = "runseal_commit";

const COUNTER_OF: { readonly [kind in CommitAnswer["kind"]]?: Counter } = {
  committed: "commits",
  conflict: "conflicts",
  stale: "fenced",
  held: "fenced",
  limited: "limited",
};

/**
 * The log in PostgreSQL.
 *
 * Commits of one stream that only append share a statement with all others that wait at that moment; whatever is more than that, or
 * whose checks did not hold, goes through a function that can say why. A commit whose answer was lost is looked up in the log before it
 * is made again, never blindly repeated.
 */
export class PostgresEventStore implements EventStore {
  readonly #database: Database;
  readonly #changed: Listeners;
  readonly #transactions: PostgresTransactions;
  readonly #statement: CommitStatement;
  readonly #outcome: Outcome;
  readonly #known = new KnownRuns();
  readonly #advances: CommitQueue;
  readonly #appends: CommitQueue;

  constructor(database: Database, changed: Listeners, transactions: PostgresTransactions) {
    this.#database = database;
    this.#transactions = transactions;
    this.#changed = changed;
    this.#statement = new CommitStatement(database);
    this.#outcome = new Outcome(database);
    const advance = new AdvanceBatch(database, this.#known);
    const append = new AppendBatch(database, this.#known);
    this.#advances = new CommitQueue((commits) => this.#writeBatch(advance, commits));
    this.#appends = new CommitQueue((commits) => this.#writeBatch(append, commits));
  }

  async commit(writes: readonly StreamWrite[], options?: { readonly tx?: unknown }): Promise<CommitAnswer> {
    this.#database.handle.use("events.commit");
    const tx = options?.tx;
    const joined = this.#transactions.joined(tx, "events.commit");
    assertWrites(writes);
    if (joined !== undefined) return this.#commitIn(joined, writes);
    if (tx !== undefined) return this.#commitWith(foreignClient(tx), writes, false);
    const answer = await this.#write(writes);
    this.#tell(writes, answer);
    return answer;
  }

  #write(writes: readonly StreamWrite[]): Promise<CommitAnswer> {
    if (!AppendBatch.takes(writes)) return this.#settle(writes, false);
    const [write] = writes;
    return this.#known.unchanged(write) === undefined ? this.#appends.add(write) : this.#advances.add(write);
  }

  async commitMany(commits: readonly (readonly StreamWrite[])[]): Promise<readonly CommitAnswer[]> {
    this.#database.handle.use("events.commitMany");
    for (const writes of commits) assertWrites(writes);
    if (commits.length === 0) return [];
    const answers = (await this.#answered(commits)) ?? (await this.#settleEach(commits));
    for (const [index, answer] of answers.entries()) this.#tell(commits[index] ?? [], answer);
    return answers;
  }

  /** In a transaction of these stores; those who watch are told when it is committed. */
  async #commitIn(transaction: OpenTransaction, writes: readonly StreamWrite[]): Promise<CommitAnswer> {
    const answer = await this.#commitWith(transaction.client, writes, true);
    if (answer.kind === "committed") transaction.changes.push(...writes.map(changeOf));
    return answer;
  }

  /**
   * In a transaction that somebody ends later: a refusal takes back nothing of what it holds besides.
   *
   * @param isOurs - whether these stores do, and tell then; of another's they hear, as everybody does, by NOTIFY
   */
  async #commitWith(client: ForeignClient, writes: readonly StreamWrite[], isOurs: boolean): Promise<CommitAnswer> {
    // what a transaction writes may be rolled back: the heads it touches are not known any more
    for (const write of writes) this.#known.forget(write);
    try {
      for (let races = 0; ; races += 1) {
        await client.query({ text: `SAVEPOINT ${SAVEPOINT}` });
        try {
          const [answer] = this.#statement.answers(await client.query(this.#statement.queryIn(writes, isOurs)));
          await client.query({ text: `RELEASE SAVEPOINT ${SAVEPOINT}` });
          const known = present(answer, "one commit has one answer");
          this.#count(known);
          return withoutNumbers(known);
        } catch (thrown) {
          if (stateOf(thrown) !== UNIQUE_VIOLATION || races === RACES_MAX) throw thrown;
          await client.query({ text: `ROLLBACK TO SAVEPOINT ${SAVEPOINT}` });
        }
      }
    } catch (thrown) {
      if (stateOf(thrown) !== NO_TRANSACTION) throw sqlFailure(thrown, "events.commit").error;
      const message = "this connection is in no transaction: give the client between its BEGIN and its COMMIT, and no pool";
      throw new RunsealError("run.invalid_option", message, { option: "tx" }, { cause: thrown });
    }
  }

  #tell(writes: readonly StreamWrite[], answer: CommitAnswer): void {
    this.#count(answer);
    if (answer.kind !== "committed") {
      for (const write of writes) this.#known.forget(write);
      return;
    }
    for (const write of writes) this.#changed.notify(changeOf(write));
  }

  #count({ kind }: CommitAnswer): void {
    const counter = COUNTER_OF[kind];
    if (counter !== undefined) this.#database.counters.add(counter);
  }

  /** Appends what waits in one statement; what that leaves open is answered one by one. */
  async #writeBatch(batch: AdvanceBatch | AppendBatch, commits: readonly Commit[]): Promise<void> {
    let answers: readonly (CommitAnswer | undefined)[] = [];
    let wasLost = false;
    try {
      answers = await batch.write(commits.map(({ write }) => write));
    } catch (thrown) {
      wasLost = sqlFailure(thrown, "events.commit").kind === "unknown";
    }
    if (commits.length > 1)
      this.#database.counters.add("commitsBatched", answers.filter((answer) => answer !== undefined).length);
    const left: Promise<void>[] = [];
    for (const [index, { write, resolve, reject }] of commits.entries()) {
      const answer = answers[index];
      if (answer !== undefined) resolve(answer);
      else left.push(this.#settle([write], wasLost).then(resolve, reject));
    }
    if (left.length > 0) await Promise.all(left);
  }

  async #settleEach(commits: readonly (readonly StreamWrite[])[]): Promise<readonly CommitAnswer[]> {
    const answers: CommitAnswer[] = [];
    for (const writes of commits) answers.push(await this.#settle(writes, true));
    return answers;
  }

  /**
   * Makes a commit until somebody can say what came of it.
   *
   * @param isLost - it was sent before, and the answer was lost: the log is asked first. What then refuses it may be itself, when the
   * lost statement went on after the connection had ended.
   */
  async #settle(writes: readonly StreamWrite[], isLost: boolean): Promise<CommitAnswer> {
    let wasLost = isLost;
    const giveUpAt = systemClock.now() + this.#database.busyMs;
    for (let tries = 0; ; tries += 1) {
      if (wasLost) this.#database.counters.add("outcomesLost");
      const found = wasLost ? await this.#outcome.find(writes) : undefined;
      if (found !== undefined) return found;
      if (tries > 0 && systemClock.now() >= giveUpAt) throw outcomeUnknown(writes);
      const answer = await this.#tried(writes, wasLost);
      if (answer?.kind === "committed") return answer;
      if (answer !== undefined) return (wasLost ? await this.#outcome.find(writes) : undefined) ?? answer;
      wasLost = true;
      await this.#database.pause(tries);
    }
  }

  /** Makes a commit again; what fails when it was sent before says nothing of the statement that was lost, which may still go on. */
  async #tried(writes: readonly StreamWrite[], wasLost: boolean): Promise<CommitAnswer | undefined> {
    try {
      return (await this.#answered([writes]))?.[0];
    } catch (error) {
      if (!wasLost || OF_THE_COMMIT.some((code) => isRunsealError(error, code))) throw error;
      const found = await this.#outcome.find(writes);
      if (found === undefined) throw outcomeUnknown(writes, error);
      return found;
    }
  }

  /**
   * One call of the function, made again while nothing was done.
   *
   * @returns undefined when the connection was lost under it
   * @throws {@link RunsealError} what {@link sqlFailure} makes of any other failure; nothing was written
   */
  async #answered(commits: readonly (readonly StreamWrite[])[]): Promise<readonly CommitAnswer[] | undefined> {
    const giveUpAt = systemClock.now() + this.#database.busyMs;
    let races = 0;
    for (let tries = 0; ; tries += 1) {
      try {
        return this.#remembered(
          commits,
          this.#statement.answers(await this.#database.send("events.commit", this.#statement.query(commits))),
        );
      } catch (thrown) {
        const { kind, error } = sqlFailure(thrown, "events.commit");
        if (kind === "unknown") return undefined;
        const isRace = stateOf(thrown) === UNIQUE_VIOLATION && races < RACES_MAX;
        if (isRace) races += 1;
        else if (kind === "final" || systemClock.now() >= giveUpAt) throw error;
        await this.#database.pause(tries);
      }
    }
  }

  /** Notes how the commits left the heads, and gives the answers without the numbers of the streams. */
  #remembered(commits: readonly (readonly StreamWrite[])[], answers: readonly StoredAnswer[]): readonly CommitAnswer[] {
    return answers.map((answer, index) => {
      if (answer.kind !== "committed") return answer;
      for (const [place, write] of (commits[index] ?? []).entries()) this.#known.committed(write, answer.heads[place]?.id);
      return withoutNumbers(answer);
    });
  }
}

function withoutNumbers(answer: StoredAnswer): CommitAnswer {
  if (answer.kind !== "committed") return answer;
  return { ...answer, heads: answer.heads.map(({ stream, seq, hash }) => ({ stream, seq, hash })) };
}

/** Refuses what needs no database to be seen as wrong. */
function assertWrites(writes: readonly StreamWrite[]): void {
  assertCommit(writes);
  for (const write of writes) for (const artifact of write.artifacts) assertArtifact(artifact);
}
