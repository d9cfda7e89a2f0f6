import assert from "node:assert/strict";
import { sha256Hex } from "../../json/digest.js";
import { assertRejects, casesOf } from "./contract-case.js";

const artifactOf = (bytes: Uint8Array): { id: string; kind: string; bytes: Uint8Array } => ({
  id: sha256Hex(bytes),
  kind: "sample",
  bytes,
});

/** `ArtifactStore`: immutable bytes named by their digest. */
export const artifactContract = casesOf("artifacts", {
  "get gives back the bytes that put stored: none, all values, a mebibyte": async ({ stores }) => {
    const all = Uint8Array.from({ length: 256 }, (_, value) => value);
    for (const bytes of [new Uint8Array(0), all, new Uint8Array(1_048_576).fill(7), Buffer.from("a view").subarray(2)]) {
      const artifact = artifactOf(bytes);
      await stores.artifacts.put("default", artifact);
      const stored = await stores.artifacts.get("default", artifact.id);
      assert.equal(stored?.kind, "sample");
      assert.deepEqual(Uint8Array.from(stored.bytes), Uint8Array.from(bytes));
    }
    assert.equal(await stores.artifacts.get("default", "0".repeat(64)), undefined);
  },
  "a repeat changes nothing, and the bytes are not the caller's to change": async ({ stores, openAnother }) => {
    const other = await openAnother();
    const bytes = Uint8Array.from([1, 2, 3]);
    const artifact = artifactOf(bytes);
    await Promise.all([stores, other, stores].map((each) => each.artifacts.put("default", artifact)));
    await stores.artifacts.put("default", { ...artifact, kind: "another" });
    bytes.fill(0);
    const stored = await stores.artifacts.get("default", artifact.id);
    assert.deepEqual([stored?.kind, [...(stored?.bytes ?? [])]], ["sample", [1, 2, 3]]);
    stored?.bytes.fill(9);
    assert.deepEqual([...((await stores.artifacts.get("default", artifact.id))?.bytes ?? [])], [1, 2, 3]);
  },
  "put refuses bytes under a wrong name": async ({ stores }) => {
    const artifact = artifactOf(Uint8Array.from([1]));
    for (const id of ["0".repeat(64), artifact.id.toUpperCase(), "../../etc/passwd", ""]) {
      await assertRejects(stores.artifacts.put("default", { ...artifact, id }), "store.corrupt");
    }
  },
  "put refuses more than 64 MiB": async ({ stores }) => {
    const bytes = new Uint8Array(67_108_865);
    await assertRejects(stores.artifacts.put("default", { id: "0".repeat(64), kind: "huge", bytes }), "value.too_large");
  },
});
