import type { CommitAnswer, StreamWrite } from "../stores/event-store.js";
import type { Database } from "./database.js";
import { RunsealError } from "../errors/error.js";
import { Statement } from "./statement.js";
import { integerIn, textIn } from "../sql/row.js";

/** Looks in the log whether a commit whose answer was lost is there. */
export class Outcome {
  readonly #database: Database;
  readonly #event: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#event = new Statement(
      database.schema,
      `SELECT e.at, encode(e.hash, 'hex') AS hash FROM {{schema}}.streams s JOIN {{schema}}.event_rows e ON e.stream_id = s.id
        WHERE s.scope = $1 AND s.stream = $2 AND e.seq = $3`,
    );
  }

  /**
   * The answer of a commit that is in the log: its events are there with their hashes, so nobody else's are.
   *
   * @returns undefined when it is not there (now: its statement may still be under way)
   * @throws {@link RunsealError} `store.outcome_unknown` when that can't be told: nothing in it has a hash, or the server is away
   */
  async find(writes: readonly StreamWrite[]): Promise<CommitAnswer | undefined> {
    const telling = writes.find((write) => write.events.length > 0);
    const last = telling?.events.at(-1);
    if (telling === undefined || last === undefined) throw outcomeUnknown(writes);
    const { rows } = await this.#look(telling, last.seq, writes);
    const [row] = rows;
    if (row === undefined || textIn(row, "hash") !== last.hash) return undefined;
    const heads = writes.map(({ stream, expectedSeq, events }) => ({
      stream,
      seq: expectedSeq + events.length,
      hash: events.at(-1)?.hash ?? "",
    }));
    return { kind: "committed", heads, at: integerIn(row, "at") };
  }

  async #look({ scope, stream }: StreamWrite, seq: number, writes: readonly StreamWrite[]) {
    try {
      return await this.#database.query("events.commit", this.#event, [scope, stream, seq]);
    } catch (error) {
      throw outcomeUnknown(writes, error);
    }
  }
}

/** The error of a commit of which nobody can say whether it was made. */
export function outcomeUnknown(writes: readonly StreamWrite[], cause?: unknown): RunsealError<"store.outcome_unknown"> {
  const [write] = writes;
  const details = { stream: write?.stream ?? "", seq: (write?.expectedSeq ?? 0) + (write?.events.length ?? 0) };
  const message = `nobody can tell whether the commit up to event ${details.seq} of "${details.stream}" was made; look again when the database answers`;
  return new RunsealError("store.outcome_unknown", message, details, cause === undefined ? {} : { cause });
}
