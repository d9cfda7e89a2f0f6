import type { Digest, RunbookId, Scope } from "../model/ids.js";
import type { Runbook } from "../model/runbook.js";
import type { RunbookStore } from "../stores/runbook-store.js";
import type { RunbookRecord } from "../stores/runbook-record.js";
import type { Database } from "./database.js";
import type { PostgresTransactions } from "./postgres-transactions.js";
import { present } from "../errors/invariant.js";
import { integerIn, textIn } from "../sql/row.js";
import { assertShortIdFree, recordOfRunbook, runbookNotFound, runbookOfRecord, shortIdOf } from "../stores/runbook-record.js";
import { assertStorable } from "../stores/storable-name.js";
import { RUNBOOKS_LISTED_DEFAULT } from "../stores/runbook-store.js";
import { stateOf } from "./postgres-error.js";
import { Statement } from "./statement.js";

/** A repeat writes nothing. Another runbook with the same first 128 bits is refused by the unique short id (23505). */
const PUT = `WITH added AS (
    INSERT INTO {{schema}}.runbooks (scope, id, content, evidence, evidence_digest, at)
    SELECT $1, $2, $3, $4, $5, {{schema}}.now_ms()
    WHERE NOT EXISTS (SELECT FROM {{schema}}.runbooks WHERE scope = $1 AND id = $2)
    ON CONFLICT (scope, id) DO NOTHING RETURNING id
  ), documented AS (
    INSERT INTO {{schema}}.documents (scope, runbook_id, digest, document, at)
    SELECT $1, $2, $6, $7, {{schema}}.now_ms()
    WHERE NOT EXISTS (SELECT FROM {{schema}}.documents WHERE scope = $1 AND runbook_id = $2 AND digest = $6)
    ON CONFLICT DO NOTHING
  )
  SELECT EXISTS (SELECT FROM added) AS is_new`;
const SELECT_ALIKE = "SELECT id FROM {{schema}}.runbooks WHERE scope = $1 AND short_id = $2";
const SELECT = `SELECT r.content, r.evidence, r.evidence_digest, d.digest, d.document
  FROM {{schema}}.runbooks r JOIN {{schema}}.documents d ON d.scope = r.scope AND d.runbook_id = r.id
  WHERE r.scope = $1 AND r.id = $2 ORDER BY d.ord DESC LIMIT 1`;
const SELECT_DOCUMENTS = "SELECT digest FROM {{schema}}.documents WHERE scope = $1 AND runbook_id = $2 ORDER BY ord";
/** The version is null when another process took the number at the same moment. */
const RECORD_VERSION = `WITH last AS (
    SELECT version, runbook_id FROM {{schema}}.versions WHERE scope = $1 AND session_id = $2 ORDER BY version DESC LIMIT 1
  ), added AS (
    INSERT INTO {{schema}}.versions (scope, session_id, version, runbook_id, at)
    SELECT $1, $2, coalesce((SELECT version FROM last), 0) + 1, $3, {{schema}}.now_ms()
    WHERE EXISTS (SELECT FROM {{schema}}.runbooks WHERE scope = $1 AND id = $3)
      AND NOT EXISTS (SELECT FROM last WHERE runbook_id = $3)
    ON CONFLICT DO NOTHING RETURNING version
  )
  SELECT EXISTS (SELECT FROM {{schema}}.runbooks WHERE scope = $1 AND id = $3) AS is_known,
    coalesce((SELECT version FROM added), (SELECT version FROM last WHERE runbook_id = $3)) AS version`;
const LIST = `SELECT id FROM {{schema}}.runbooks
  WHERE scope = $1 AND ord > CASE WHEN $2::text IS NULL THEN 0
    ELSE (SELECT ord FROM {{schema}}.runbooks WHERE scope = $1 AND id = $2) END
  ORDER BY ord LIMIT $3`;

const UNIQUE_VIOLATION = "23505";

/** Runbooks in PostgreSQL: canonical texts, each beside its digest. */
export class PostgresRunbookStore implements RunbookStore {
  readonly #database: Database;
  readonly #transactions: PostgresTransactions;
  readonly #put: Statement;
  readonly #selectAlike: Statement;
  readonly #select: Statement;
  readonly #selectDocuments: Statement;
  readonly #recordVersion: Statement;
  readonly #list: Statement;

  constructor(database: Database, transactions: PostgresTransactions) {
    const { schema } = database;
    this.#database = database;
    this.#transactions = transactions;
    this.#put = new Statement(schema, PUT);
    this.#selectAlike = new Statement(schema, SELECT_ALIKE);
    this.#select = new Statement(schema, SELECT);
    this.#selectDocuments = new Statement(schema, SELECT_DOCUMENTS);
    this.#recordVersion = new Statement(schema, RECORD_VERSION);
    this.#list = new Statement(schema, LIST);
  }

  async put(runbook: Runbook): Promise<{ readonly isNew: boolean }> {
    const record = recordOfRunbook(runbook);
    const isNew = await this.#database.retrying("runbooks.put", () => this.#putOnce(record), { repeatable: true });
    return { isNew };
  }

  async get(scope: Scope, id: RunbookId, options?: { readonly tx?: unknown }): Promise<Runbook | undefined> {
    for (const name of [scope, id]) assertStorable(name);
    const { rows } =
      options?.tx === undefined
        ? await this.#database.query("runbooks.get", this.#select, [scope, id])
        : await this.#transactions.read(options.tx, "runbooks.get", this.#select, [scope, id]);
    const [row] = rows;
    if (row === undefined) return undefined;
    return runbookOfRecord({
      scope,
      id,
      contentText: textIn(row, "content"),
      evidenceText: textIn(row, "evidence"),
      evidenceDigest: textIn(row, "evidence_digest"),
      document: { digest: textIn(row, "digest"), text: textIn(row, "document") },
    });
  }

  async documents(scope: Scope, id: RunbookId): Promise<readonly Digest[]> {
    for (const name of [scope, id]) assertStorable(name);
    const { rows } = await this.#database.query("runbooks.documents", this.#selectDocuments, [scope, id]);
    return rows.map((row) => textIn(row, "digest"));
  }

  async recordVersion(scope: Scope, sessionId: string, id: RunbookId): Promise<number> {
    for (const name of [scope, sessionId, id]) assertStorable(name);
    for (let tries = 0; ; tries += 1) {
      const { rows } = await this.#database.query("runbooks.recordVersion", this.#recordVersion, [scope, sessionId, id]);
      const row = present(rows[0], "recording a version is answered");
      if (row["is_known"] !== true) throw runbookNotFound(scope, id);
      if (row["version"] !== null) return integerIn(row, "version");
      // the number went to somebody else: whoever asks again has one process fewer before it
      await this.#database.pause(tries);
    }
  }

  async list(scope: Scope, options?: { readonly after?: RunbookId; readonly limit?: number }): Promise<readonly RunbookId[]> {
    const { after = null, limit = RUNBOOKS_LISTED_DEFAULT } = options ?? {};
    for (const name of [scope, after ?? ""]) assertStorable(name);
    const { rows } = await this.#database.query("runbooks.list", this.#list, [scope, after, limit]);
    return rows.map((row) => textIn(row, "id") as RunbookId);
  }

  async #putOnce(record: RunbookRecord): Promise<boolean> {
    const { scope, id, contentText, evidenceText, evidenceDigest, document } = record;
    const values = [scope, id, contentText, evidenceText, evidenceDigest, document.digest, document.text];
    try {
      return await this.#answer(values);
    } catch (thrown) {
      if (stateOf(thrown) !== UNIQUE_VIOLATION) throw thrown;
      // either the first 128 bits are another's, or the same runbook came in at the same moment: looking tells
      const alike = await this.#database.once("runbooks.put", this.#selectAlike, [scope, shortIdOf(id)]);
      for (const row of alike.rows) assertShortIdFree(id, textIn(row, "id") as RunbookId);
      return this.#answer(values);
    }
  }

  async #answer(values: readonly unknown[]): Promise<boolean> {
    const { rows } = await this.#database.once("runbooks.put", this.#put, values);
    return present(rows[0], "storing a runbook is answered")["is_new"] === true;
  }
}
