import type { Scope } from "../model/ids.js";
import type { StreamHead } from "../model/run.js";
import type { DueQuery, RunFilter, RunIndex, WorkQuery } from "../stores/event-store.js";
import type { Database } from "./database.js";
import type { PostgresTransactions } from "./postgres-transactions.js";
import { present } from "../errors/invariant.js";
import { runStream } from "../model/ids.js";
import { integerIn, integerOrNullIn } from "../sql/row.js";
import { inTurns, RUNS_LISTED_DEFAULT } from "../stores/run-order.js";
import { assertStorable } from "../stores/storable-name.js";
import { Gathered } from "./gathered.js";
import { dueText, nextWakeText } from "./due-text.js";
import { HEADS, HEAD_FIELDS, shownHead } from "./heads.js";
import { Statements, Values } from "./statements.js";

/** How often `due` looks again when everything that is due was locked by somebody at that moment. */
const LOOKS_MAX = 4;

/** The newest run of each key: what every submission with one asks for. */
const BY_DEDUP_KEY = `SELECT k.o, f.* FROM json_to_recordset($1::json) AS k(o integer, s text, k text)
  CROSS JOIN LATERAL (SELECT ${HEAD_FIELDS} FROM ${HEADS} WHERE h.scope = k.s AND h.dedup_key = k.k ORDER BY h.stream DESC LIMIT 1) f`;

/** Whose run is asked for. */
interface DedupKey {
  readonly scope: Scope;
  readonly dedupKey: string;
}

/** The key of a filter that asks for the newest run of one dedupKey and nothing else. */
function onlyDedupKey(filter: RunFilter): string | undefined {
  const { dedupKey, limit, ...others } = filter;
  return limit === 1 && Object.values<unknown>(others).every((value) => value === undefined) ? dedupKey : undefined;
}

/** Finds runs by their heads, through partial indexes: runs that have ended are not looked at. */
export class PostgresRunIndex implements RunIndex {
  readonly #database: Database;
  readonly #transactions: PostgresTransactions;
  readonly #statements: Statements;
  readonly #byDedupKey: Gathered<DedupKey, StreamHead | undefined>;

  constructor(database: Database, transactions: PostgresTransactions) {
    this.#database = database;
    this.#transactions = transactions;
    this.#statements = new Statements(database.schema);
    this.#byDedupKey = new Gathered((keys) => this.#ofDedupKeys(keys));
  }

  async list(scope: Scope, filter: RunFilter, options?: { readonly tx?: unknown }): Promise<readonly StreamHead[]> {
    const tx = options?.tx;
    const dedupKey = onlyDedupKey(filter);
    if (dedupKey !== undefined && tx === undefined) {
      this.#database.handle.use("runs.list");
      for (const name of [scope, dedupKey]) assertStorable(name);
      const head = await this.#byDedupKey.get({ scope, dedupKey });
      return head === undefined ? [] : [head];
    }
    const values = new Values();
    const text = listText(scope, filter, values);
    const statement = this.#statements.of(text);
    const { rows } =
      tx === undefined
        ? await this.#database.query("runs.list", statement, values.all)
        : await this.#transactions.read(tx, "runs.list", statement, values.all);
    return rows.map(shownHead);
  }

  async #ofDedupKeys(keys: readonly DedupKey[]): Promise<readonly (StreamHead | undefined)[]> {
    const asked = keys.map(({ scope, dedupKey }, o) => ({ o, s: scope, k: dedupKey }));
    const { rows } = await this.#database.query("runs.list", this.#statements.of(BY_DEDUP_KEY), [JSON.stringify(asked)]);
    const found = new Map(rows.map((row) => [integerIn(row, "o"), shownHead(row)]));
    return keys.map((_key, place) => found.get(place));
  }

  async due(query: DueQuery): Promise<readonly StreamHead[]> {
    const values = new Values();
    const statement = this.#statements.of(dueText(query, values));
    for (let looks = 1; ; looks += 1) {
      const { rows } = await this.#database.query("runs.due", statement, values.all);
      const heads = rows.filter((row) => row["scope"] !== null).map(shownHead);
      const [first] = rows;
      const isEmpty = first === undefined || integerIn(first, "offered") === 0;
      if (heads.length > 0 || isEmpty || looks === LOOKS_MAX) return inTurns(heads, query.after);
      // whoever holds them may not be able to serve them: an empty answer now would leave them to the next poll
      await this.#database.pause(looks);
    }
  }

  async nextWake(query: WorkQuery): Promise<{ readonly now: number; readonly at: number | null }> {
    const values = new Values();
    const statement = this.#statements.of(nextWakeText(query, values));
    const { rows } = await this.#database.query("runs.nextWake", statement, values.all);
    const row = present(rows[0], "the server tells its time");
    return { now: integerIn(row, "now"), at: integerOrNullIn(row, "at") };
  }
}

function listText(scope: Scope, filter: RunFilter, values: Values): string {
  const { status, runbookId, queue, dedupKey, useKey, parent, after } = filter;
  const equal = (column: string, value: string | undefined): readonly string[] =>
    value === undefined ? [] : [`h.${column} = ${values.place(value)}`];
  const conditions = [
    ...equal("scope", scope),
    // the streams of runs and no others: '0' comes after '/'
    "h.stream > 'run/' AND h.stream < 'run0' AND h.status IS NOT NULL",
    ...(status === undefined ? [] : [`h.status = ANY (${values.place(status)}::text[])`]),
    ...equal("runbook_id", runbookId),
    ...equal("queue", queue),
    ...equal("dedup_key", dedupKey),
    ...equal("use_key", useKey),
    ...equal("parent", parent),
    ...(after === undefined ? [] : [`h.stream < ${values.place(runStream(after))}`]),
  ];
  const limit = values.place(filter.limit ?? RUNS_LISTED_DEFAULT);
  return `SELECT ${HEAD_FIELDS} FROM ${HEADS} WHERE ${conditions.join(" AND ")} ORDER BY h.stream DESC LIMIT ${limit}`;
}
