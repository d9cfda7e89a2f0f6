import type { Clock } from "../time/clock.js";
import type { Digest, RunbookId, Scope } from "../model/ids.js";
import type { Runbook } from "../model/runbook.js";
import type { RunbookStore } from "../stores/runbook-store.js";
import type { RunbookRecord } from "../stores/runbook-record.js";
import type { Database } from "./database.js";
import type { Transaction } from "./transaction.js";
import { integerIn, textIn } from "../sql/row.js";
import { assertShortIdFree, recordOfRunbook, runbookNotFound, runbookOfRecord, shortIdOf } from "../stores/runbook-record.js";
import { assertStorable } from "../stores/storable-name.js";
import { RUNBOOKS_LISTED_DEFAULT } from "../stores/runbook-store.js";

const SELECT = `SELECT r.content, r.evidence, r.evidence_digest, d.digest, d.document
  FROM runseal_runbooks r JOIN runseal_documents d ON d.scope = r.scope AND d.runbook_id = r.id
  WHERE r.scope = ? AND r.id = ? ORDER BY d.ord DESC LIMIT 1`;
const EXISTS = "SELECT ord FROM runseal_runbooks WHERE scope = ? AND id = ?";
/** Ids that share the first 128 bits: the first character after the hex digits ends the range. */
const SELECT_ALIKE = "SELECT id FROM runseal_runbooks WHERE scope = ? AND id >= ? AND id < ? || 'g'";
const INSERT = `INSERT INTO runseal_runbooks (scope, id, ord, content, evidence, evidence_digest, at)
  VALUES (?, ?, (SELECT coalesce(max(ord), 0) + 1 FROM runseal_runbooks WHERE scope = ?), ?, ?, ?, ?)`;
const HAS_DOCUMENT = "SELECT 1 FROM runseal_documents WHERE scope = ? AND runbook_id = ? AND digest = ?";
const INSERT_DOCUMENT = `INSERT INTO runseal_documents (scope, runbook_id, ord, digest, document, at)
  VALUES (?, ?, (SELECT coalesce(max(ord), 0) + 1 FROM runseal_documents WHERE scope = ? AND runbook_id = ?), ?, ?, ?)`;
const SELECT_DOCUMENTS = "SELECT digest FROM runseal_documents WHERE scope = ? AND runbook_id = ? ORDER BY ord";
const SELECT_VERSION = `SELECT version, runbook_id FROM runseal_versions
  WHERE scope = ? AND session_id = ? ORDER BY version DESC LIMIT 1`;
const INSERT_VERSION = "INSERT INTO runseal_versions (scope, session_id, version, runbook_id, at) VALUES (?, ?, ?, ?, ?)";
const SELECT_IDS = "SELECT id FROM runseal_runbooks WHERE scope = ? AND ord > ? ORDER BY ord LIMIT ?";

/** Runbooks in SQLite: canonical texts, each beside its digest. */
export class SqliteRunbookStore implements RunbookStore {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async put(runbook: Runbook): Promise<{ readonly isNew: boolean }> {
    const record = recordOfRunbook(runbook);
    return this.#database.write("runbooks.put", (transaction) => put(transaction, record, this.#clock.now()));
  }

  async get(scope: Scope, id: RunbookId): Promise<Runbook | undefined> {
    const row = await this.#database.read("runbooks.get", (transaction) => transaction.get(SELECT, scope, id));
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
    const rows = await this.#database.read("runbooks.documents", (transaction) => transaction.all(SELECT_DOCUMENTS, scope, id));
    return rows.map((row) => textIn(row, "digest"));
  }

  async recordVersion(scope: Scope, sessionId: string, id: RunbookId): Promise<number> {
    assertStorable(sessionId);
    return this.#database.write("runbooks.recordVersion", (transaction) => {
      if (transaction.get(EXISTS, scope, id) === undefined) throw runbookNotFound(scope, id);
      const last = transaction.get(SELECT_VERSION, scope, sessionId);
      const version = last === undefined ? 0 : integerIn(last, "version");
      if (last !== undefined && textIn(last, "runbook_id") === id) return version;
      transaction.run(INSERT_VERSION, scope, sessionId, version + 1, id, this.#clock.now());
      return version + 1;
    });
  }

  async list(scope: Scope, options?: { readonly after?: RunbookId; readonly limit?: number }): Promise<readonly RunbookId[]> {
    const { after, limit } = options ?? {};
    return this.#database.read("runbooks.list", (transaction) => {
      const from = after === undefined ? 0 : transaction.get(EXISTS, scope, after);
      if (from === undefined) return [];
      const ord = from === 0 ? 0 : integerIn(from, "ord");
      const rows = transaction.all(SELECT_IDS, scope, ord, limit ?? RUNBOOKS_LISTED_DEFAULT);
      return rows.map((row) => textIn(row, "id") as RunbookId);
    });
  }
}

function put(transaction: Transaction, record: RunbookRecord, at: number): { readonly isNew: boolean } {
  const { scope, id, document } = record;
  const isNew = transaction.get(EXISTS, scope, id) === undefined;
  if (isNew) insert(transaction, record, at);
  if (transaction.get(HAS_DOCUMENT, scope, id, document.digest) === undefined) {
    transaction.run(INSERT_DOCUMENT, scope, id, scope, id, document.digest, document.text, at);
  }
  return { isNew };
}

function insert(transaction: Transaction, record: RunbookRecord, at: number): void {
  const { scope, id, contentText, evidenceText, evidenceDigest } = record;
  const short = shortIdOf(id);
  for (const row of transaction.all(SELECT_ALIKE, scope, short, short)) assertShortIdFree(id, textIn(row, "id") as RunbookId);
  transaction.run(INSERT, scope, id, scope, contentText, evidenceText, evidenceDigest, at);
}
