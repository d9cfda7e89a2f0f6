import type { Clock } from "../time/clock.js";
import type { Digest, Scope } from "../model/ids.js";
import type { ArtifactStore } from "../stores/artifact-store.js";
import type { ArtifactWrite } from "../stores/event-store.js";
import type { Database } from "./database.js";
import type { Transaction } from "./transaction.js";
import { bytesIn, textIn } from "../sql/row.js";
import { assertArtifact, assertArtifactIntact } from "../stores/commit-checks.js";

const SELECT = "SELECT kind, bytes FROM runseal_artifacts WHERE scope = ? AND id = ?";
const INSERT = "INSERT INTO runseal_artifacts (scope, id, kind, bytes, at) VALUES (?, ?, ?, ?, ?)";
const EXISTS = "SELECT 1 FROM runseal_artifacts WHERE scope = ? AND id = ?";

/** Artifacts in SQLite. */
export class SqliteArtifactStore implements ArtifactStore {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async put(scope: Scope, artifact: ArtifactWrite): Promise<void> {
    await this.#database.write("artifacts.put", (transaction) => putArtifact(transaction, scope, artifact, this.#clock.now()));
  }

  async get(scope: Scope, id: Digest): Promise<{ readonly kind: string; readonly bytes: Uint8Array } | undefined> {
    const row = await this.#database.read("artifacts.get", (transaction) => transaction.get(SELECT, scope, id));
    if (row === undefined) return undefined;
    const kind = textIn(row, "kind");
    const bytes = bytesIn(row, "bytes");
    assertArtifactIntact({ id, kind, bytes });
    return { kind, bytes };
  }
}

/**
 * Stores bytes in an open transaction; a repeat changes nothing.
 *
 * @throws {@link RunsealError} `value.too_large`, or `store.corrupt` when `id` is not the SHA-256 of the bytes
 */
export function putArtifact(transaction: Transaction, scope: Scope, artifact: ArtifactWrite, at: number): void {
  assertArtifact(artifact);
  if (transaction.get(EXISTS, scope, artifact.id) !== undefined) return;
  transaction.run(INSERT, scope, artifact.id, artifact.kind, artifact.bytes, at);
}
