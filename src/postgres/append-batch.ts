import type { CommitAnswer, StreamWrite } from "../stores/event-store.js";
import type { Database } from "./database.js";
import type { KnownRuns } from "./known-runs.js";
import { EventColumns, eventColumnsText } from "./event-columns.js";
import { Files, headJson } from "./write-json.js";
import { brokenIn } from "./commit-statement.js";
import { Statement } from "./statement.js";
import { appended } from "./appended.js";
import { textIn } from "../sql/row.js";

/** Appends to different streams, with what they change in their heads, in one statement. */
export class AppendBatch {
  readonly #database: Database;
  readonly #known: KnownRuns;
  readonly #statement: Statement;

  constructor(database: Database, known: KnownRuns) {
    this.#database = database;
    this.#known = known;
    this.#statement = new Statement(
      database.schema,
      `SELECT at, done, ids::text[] AS ids FROM {{schema}}.append($1::json, ${eventColumnsText(2)}, $12::json, $13::bytea[], $14)`,
    );
  }

  /** Whether such a statement can hold a commit: of one stream, appending, and with nothing to spend or to count. */
  static takes(writes: readonly StreamWrite[]): writes is readonly [StreamWrite] {
    const [write] = writes;
    if (write === undefined || writes.length > 1 || write.events.length === 0) return false;
    const { consume, claim } = write;
    if ((consume?.approvals?.length ?? 0) + (consume?.signals?.length ?? 0) > 0) return false;
    return (claim?.limits?.length ?? 0) === 0 && brokenIn(write) === undefined;
  }

  /** @returns for each write its answer; `undefined` where a check did not hold, and nothing was written */
  async write(writes: readonly StreamWrite[]): Promise<readonly (CommitAnswer | undefined)[]> {
    const files = new Files();
    const events = new EventColumns();
    const heads: unknown[] = [];
    for (const [place, write] of writes.entries()) {
      heads.push({ o: place, ...headJson(write, this.#database.origin) });
      for (const event of write.events) events.add(event, place);
      for (const artifact of write.artifacts) files.add(artifact, place);
    }
    const { rows } = await this.#database.once("events.commit", this.#statement, [
      JSON.stringify(heads),
      ...events.values(),
      ...files.values(),
      this.#database.schema.channel,
    ]);
    const answers = appended(writes, rows[0]);
    const [row] = rows;
    const done = Array.isArray(row?.["done"]) ? row["done"] : [];
    const ids: unknown = row?.["ids"];
    for (const [place, o] of done.entries()) {
      const write = writes[Number(o)];
      if (write !== undefined && Array.isArray(ids)) this.#known.committed(write, textIn({ id: ids[place] }, "id"));
    }
    return answers;
  }
}
