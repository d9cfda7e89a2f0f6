import type { Digest, Scope } from "../model/ids.js";
import type { ArtifactStore } from "../stores/artifact-store.js";
import type { ArtifactWrite } from "../stores/event-store.js";
import type { Database } from "./database.js";
import { bytesIn, textIn } from "../sql/row.js";
import { assertArtifact, assertArtifactIntact } from "../stores/commit-checks.js";
import { assertStorable } from "../stores/storable-name.js";
import { Statement } from "./statement.js";

const INSERT = `INSERT INTO {{schema}}.artifacts (scope, id, kind, at, bytes)
  VALUES ($1, decode($2, 'hex'), $3, {{schema}}.now_ms(), $4) ON CONFLICT DO NOTHING`;
const SELECT = "SELECT kind, bytes FROM {{schema}}.artifacts WHERE scope = $1 AND id = decode($2, 'hex')";

const DIGEST = /^[0-9a-f]{64}$/;

/** Artifacts in PostgreSQL. */
export class PostgresArtifactStore implements ArtifactStore {
  readonly #database: Database;
  readonly #insert: Statement;
  readonly #select: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#insert = new Statement(database.schema, INSERT);
    this.#select = new Statement(database.schema, SELECT);
  }

  async put(scope: Scope, artifact: ArtifactWrite): Promise<void> {
    for (const name of [scope, artifact.kind]) assertStorable(name);
    assertArtifact(artifact);
    await this.#database.query("artifacts.put", this.#insert, [scope, artifact.id, artifact.kind, artifact.bytes]);
  }

  async get(scope: Scope, id: Digest): Promise<{ readonly kind: string; readonly bytes: Uint8Array } | undefined> {
    assertStorable(scope);
    this.#database.handle.use("artifacts.get");
    // what is no digest names nothing, and the server would stumble over it
    if (!DIGEST.test(id)) return undefined;
    const { rows } = await this.#database.query("artifacts.get", this.#select, [scope, id]);
    const [row] = rows;
    // null: retention has dropped the bytes
    if (row === undefined || row["bytes"] === null) return undefined;
    const kind = textIn(row, "kind");
    // a copy of its own, and no Buffer: one would be equal to no other store's bytes
    const bytes = new Uint8Array(bytesIn(row, "bytes"));
    assertArtifactIntact({ id, kind, bytes });
    return { kind, bytes };
  }
}
