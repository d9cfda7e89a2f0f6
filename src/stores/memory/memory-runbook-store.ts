import type { Digest, RunbookId, Scope } from "../../model/ids.js";
import type { Runbook } from "../../model/runbook.js";
import type { Handle } from "../handle.js";
import type { RunbookStore } from "../runbook-store.js";
import type { MemoryBacking, RunbookShelf } from "./backing.js";
import { present } from "../../errors/invariant.js";
import { assertShortIdFree, recordOfRunbook, runbookNotFound, runbookOfRecord } from "../runbook-record.js";
import { RUNBOOKS_LISTED_DEFAULT } from "../runbook-store.js";
import { assertStorable } from "../storable-name.js";
import { keyOf } from "./backing.js";

/** Runbooks in memory, as the texts that a database would hold. */
export class MemoryRunbookStore implements RunbookStore {
  readonly #backing: MemoryBacking;
  readonly #handle: Handle;

  constructor(backing: MemoryBacking, handle: Handle) {
    this.#backing = backing;
    this.#handle = handle;
  }

  async put(runbook: Runbook): Promise<{ readonly isNew: boolean }> {
    this.#handle.use("runbooks.put");
    while (this.#backing.gate.isInWay(this.#handle, "runbooks.put", "write"))
      await this.#backing.ended(this.#handle, "runbooks.put");
    const record = recordOfRunbook(runbook);
    const shelf = this.#shelf(record.scope, record.id);
    if (shelf === undefined) {
      for (const id of this.#ids(record.scope)) assertShortIdFree(record.id, id);
      this.#backing.runbooks.set(keyOf(record.scope, record.id), { record, documents: [record.document] });
      return { isNew: true };
    }
    if (!shelf.documents.some(({ digest }) => digest === record.document.digest)) shelf.documents.push(record.document);
    return { isNew: false };
  }

  async get(scope: Scope, id: RunbookId): Promise<Runbook | undefined> {
    this.#handle.use("runbooks.get");
    while (this.#backing.gate.isInWay(this.#handle, "runbooks.get", "read"))
      await this.#backing.ended(this.#handle, "runbooks.get");
    const shelf = this.#shelf(scope, id);
    if (shelf === undefined) return undefined;
    const document = present(shelf.documents.at(-1), "a runbook has a document");
    return runbookOfRecord({ ...shelf.record, document });
  }

  async documents(scope: Scope, id: RunbookId): Promise<readonly Digest[]> {
    this.#handle.use("runbooks.documents");
    while (this.#backing.gate.isInWay(this.#handle, "runbooks.documents", "read"))
      await this.#backing.ended(this.#handle, "runbooks.documents");
    return (this.#shelf(scope, id)?.documents ?? []).map(({ digest }) => digest);
  }

  async recordVersion(scope: Scope, sessionId: string, id: RunbookId): Promise<number> {
    this.#handle.use("runbooks.recordVersion");
    while (this.#backing.gate.isInWay(this.#handle, "runbooks.recordVersion", "write"))
      await this.#backing.ended(this.#handle, "runbooks.recordVersion");
    assertStorable(sessionId);
    if (this.#shelf(scope, id) === undefined) throw runbookNotFound(scope, id);
    const key = keyOf(scope, sessionId);
    const versions = this.#backing.versions.get(key) ?? [];
    this.#backing.versions.set(key, versions);
    if (versions.at(-1) !== id) versions.push(id);
    return versions.length;
  }

  async list(scope: Scope, options?: { readonly after?: RunbookId; readonly limit?: number }): Promise<readonly RunbookId[]> {
    this.#handle.use("runbooks.list");
    while (this.#backing.gate.isInWay(this.#handle, "runbooks.list", "read"))
      await this.#backing.ended(this.#handle, "runbooks.list");
    const ids = this.#ids(scope);
    const { after } = options ?? {};
    const start = after === undefined ? 0 : ids.indexOf(after) + 1;
    if (after !== undefined && start === 0) return [];
    return ids.slice(start, start + (options?.limit ?? RUNBOOKS_LISTED_DEFAULT));
  }

  #shelf(scope: Scope, id: RunbookId): RunbookShelf | undefined {
    return this.#backing.runbooks.get(keyOf(scope, id));
  }

  #ids(scope: Scope): readonly RunbookId[] {
    const shelves = [...this.#backing.runbooks.values()];
    return shelves.filter(({ record }) => record.scope === scope).map(({ record }) => record.id);
  }
}
