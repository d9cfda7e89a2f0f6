import type { Digest, Scope } from "../model/ids.js";

/** Immutable bytes named by their SHA-256. */
export interface ArtifactStore {
  /**
   * Stores bytes; a repeat changes nothing.
   * @throws `value.too_large` beyond 64 MiB
   * @throws `store.corrupt` when `id` is not the SHA-256 of `bytes`
   */
  put(scope: Scope, artifact: { readonly id: Digest; readonly kind: string; readonly bytes: Uint8Array }): Promise<void>;

  /**
   * The bytes, `undefined` when there are none.
   * @throws `store.corrupt` when they no longer match their name
   */
  get(scope: Scope, id: Digest): Promise<{ readonly kind: string; readonly bytes: Uint8Array } | undefined>;
}
