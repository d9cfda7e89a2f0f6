import type { ChainedEvent } from "../model/event.js";
import type { CommitAnswer, StreamWrite } from "../stores/event-store.js";
import type { Database } from "./database.js";
import type { KnownRuns } from "./known-runs.js";
import { Files } from "./write-json.js";
import { EventColumns, eventColumnsText, hexBytes, listOf } from "./event-columns.js";
import { RunsealError } from "../errors/error.js";
import { Statement } from "./statement.js";
import { appended, committedAt } from "./appended.js";
import { integerIn } from "../sql/row.js";

/** Events that the statement for one run takes: the end of a step and the beginning of the next. */
const EVENTS_OF_ONE_MAX = 2;

/** One row of an event for the statement of one run; what all rows have in common are the first five parameters. */
const rowOf = (place: number): string => {
  const from = 6 + place * 5;
  return `($4::integer + ${place + 1}, $${from}::text, $${from + 1}::smallint, $${from + 2}::text, $${from + 3}::bytea, $${from + 4}::bytea)`;
};

/** Inserts when the lease is held and the newest event is the one that these follow. */
const advanceOf = (events: number): string => `INSERT INTO {{schema}}.event_rows
    (stream_id, at, seq, epoch, v, kind, payload_digest, hash, payload)
  SELECT $1::bigint, clock.now, e.seq, $3::integer, e.v, e.kind, e.digest, e.hash, e.payload
  FROM (VALUES ${Array.from({ length: events }, (_, place) => rowOf(place)).join(", ")}) e(seq, kind, v, payload, digest, hash),
    (SELECT {{schema}}.now_ms() AS now OFFSET 0) clock
  WHERE (SELECT h.epoch FROM {{schema}}.heads h WHERE h.id = $1 AND h.owner = $2) = $3
    AND (SELECT p.hash FROM {{schema}}.event_rows p WHERE p.stream_id = $1 AND p.seq = $4) = $5
  RETURNING at`;

/** What runs do under their leases: statements that only insert, one for all that wait. */
export class AdvanceBatch {
  readonly #database: Database;
  readonly #known: KnownRuns;
  readonly #one: readonly Statement[];
  readonly #many: Statement;

  constructor(database: Database, known: KnownRuns) {
    const { schema } = database;
    this.#database = database;
    this.#known = known;
    this.#one = Array.from({ length: EVENTS_OF_ONE_MAX }, (_, index) => new Statement(schema, advanceOf(index + 1)));
    this.#many = new Statement(
      schema,
      `SELECT at, done FROM {{schema}}.advance_many($1::bigint[], $2::text[], $3::integer[], $4::integer[], $5::bytea, ${eventColumnsText(6)},
        $16::json, $17::bytea[])`,
    );
  }

  /** @returns for each write its answer; `undefined` where a check did not hold, and nothing was written */
  async write(writes: readonly StreamWrite[]): Promise<readonly (CommitAnswer | undefined)[]> {
    const [only] = writes;
    if (only === undefined) return [];
    const isSmall = writes.length === 1 && only.events.length <= EVENTS_OF_ONE_MAX && only.artifacts.length === 0;
    return isSmall ? [await this.#writeOne(only)] : await this.#writeMany(writes);
  }

  async #writeOne(write: StreamWrite): Promise<CommitAnswer | undefined> {
    const { owner, epoch, id } = this.#standing(write);
    const { events, expectedSeq } = write;
    const statement = this.#one[events.length - 1];
    if (statement === undefined) return undefined;
    const values: unknown[] = [id, owner, epoch, expectedSeq, hexBytes(events[0]?.prev ?? "")];
    for (const event of events) values.push(...valuesOf(event));
    const { rows } = await this.#database.once("events.commit", statement, values);
    const [row] = rows;
    return row === undefined ? undefined : committedAt(write, integerIn(row, "at"));
  }

  async #writeMany(writes: readonly StreamWrite[]): Promise<readonly (CommitAnswer | undefined)[]> {
    const files = new Files();
    const events = new EventColumns();
    const ids: string[] = [];
    const owners: string[] = [];
    const epochs: number[] = [];
    let prevs = "";
    for (const [place, write] of writes.entries()) {
      const { owner, epoch, id } = this.#standing(write);
      ids.push(id);
      owners.push(owner);
      epochs.push(epoch);
      prevs += write.events[0]?.prev ?? "";
      for (const event of write.events) events.add(event, place);
      for (const artifact of write.artifacts) files.add(artifact, place);
    }
    const { rows } = await this.#database.once("events.commit", this.#many, [
      listOf(ids),
      owners,
      listOf(epochs),
      listOf(writes.map(({ expectedSeq }) => expectedSeq)),
      hexBytes(prevs),
      ...events.values(),
      ...files.values(),
    ]);
    return appended(writes, rows[0]);
  }

  #standing(write: StreamWrite): { readonly owner: string; readonly epoch: number; readonly id: string } {
    const id = this.#known.unchanged(write);
    if (id === undefined || write.fence === null) {
      throw new RunsealError("internal.invariant", "only a run that is held goes on under its lease", { rule: "held run" });
    }
    return { id, ...write.fence };
  }
}

function valuesOf({ kind, v, payloadText, payloadDigest, hash }: ChainedEvent): readonly unknown[] {
  return [kind, v, payloadText, hexBytes(payloadDigest), hexBytes(hash)];
}
