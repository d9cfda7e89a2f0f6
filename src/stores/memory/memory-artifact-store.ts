import type { Digest, Scope } from "../../model/ids.js";
import type { ArtifactStore } from "../artifact-store.js";
import type { ArtifactWrite } from "../event-store.js";
import type { Handle } from "../handle.js";
import type { MemoryBacking } from "./backing.js";
import { assertArtifact, assertArtifactIntact } from "../commit-checks.js";
import { assertStorable } from "../storable-name.js";
import { keyOf } from "./backing.js";

/** Artifacts in memory; callers get copies of the bytes. */
export class MemoryArtifactStore implements ArtifactStore {
  readonly #backing: MemoryBacking;
  readonly #handle: Handle;

  constructor(backing: MemoryBacking, handle: Handle) {
    this.#backing = backing;
    this.#handle = handle;
  }

  async put(scope: Scope, artifact: ArtifactWrite): Promise<void> {
    this.#handle.use("artifacts.put");
    while (this.#backing.gate.isInWay(this.#handle, "artifacts.put", "write"))
      await this.#backing.ended(this.#handle, "artifacts.put");
    assertArtifact(artifact);
    assertStorable(scope);
    const key = keyOf(scope, artifact.id);
    if (this.#backing.artifacts.has(key)) return;
    this.#backing.artifacts.set(key, { kind: artifact.kind, bytes: Uint8Array.from(artifact.bytes) });
  }

  async get(scope: Scope, id: Digest): Promise<{ readonly kind: string; readonly bytes: Uint8Array } | undefined> {
    this.#handle.use("artifacts.get");
    while (this.#backing.gate.isInWay(this.#handle, "artifacts.get", "read"))
      await this.#backing.ended(this.#handle, "artifacts.get");
    const stored = this.#backing.artifacts.get(keyOf(scope, id));
    if (stored === undefined) return undefined;
    const { kind } = stored;
    const bytes = Uint8Array.from(stored.bytes);
    assertArtifactIntact({ id, kind, bytes });
    return { kind, bytes };
  }
}
