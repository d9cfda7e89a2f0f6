import * as nodeCrypto from "node:crypto";
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hexOf } from "./hex.js";

/** The digests this package uses: SHA-256 for content, SHA-1 only because UUIDv5 is defined by it. */
export type HashName = "sha256" | "sha1";

/** Digests text (as UTF-8) or bytes to lower-case hex. */
export type HashHex = (name: HashName, input: string | Uint8Array) => string;

/** What may be there of `node:crypto`: `hash` since Node 20.12, `createHash` before; neither where the module is a browser shim. */
export interface NodeHashes {
  readonly hash?: ((name: HashName, input: string | Uint8Array, encoding: "hex") => string) | undefined;
  readonly createHash?: ((name: HashName) => NodeHash) | undefined;
}

interface NodeHash {
  update(input: string | Uint8Array): NodeHash;
  digest(encoding: "hex"): string;
}

/**
 * Picks the fastest implementation there is; all three give equal digests.
 *
 * Measured numbers and the choice: `docs/decisions/0002-sha256-seam.md`.
 */
export function chooseHash(node: NodeHashes): HashHex {
  const { hash, createHash } = node;
  if (hash !== undefined) return (name, input) => hash(name, input, "hex");
  if (createHash !== undefined) return (name, input) => createHash(name).update(input).digest("hex");
  return portableHash;
}

/** The implementation chosen for this process. */
export const hashHex: HashHex = chooseHash(nodeCrypto);

function portableHash(name: HashName, input: string | Uint8Array): string {
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  return hexOf(name === "sha256" ? sha256(bytes) : sha1(bytes));
}
