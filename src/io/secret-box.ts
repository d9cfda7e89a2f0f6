import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import type { RunId, Scope } from "../model/ids.js";
import { canonicalize } from "../json/canonical.js";

/** A key of the host's, and the name under which the host finds it again. */
export interface SecretKey {
  /** 1 to 64 letters, digits or `_ . : -`; stands beside the ciphertext in clear. */
  readonly id: string;
  /** 32 bytes, for AES-256-GCM. */
  readonly key: Uint8Array;
}

/** Where a box belongs: it opens nowhere else. */
export interface BoxPlace {
  readonly scope: Scope;
  readonly runId: RunId;
}

/** What stands in clear before the ciphertext. */
export interface BoxHeader {
  readonly keyId: string;
  readonly nonce: string;
  /** Equal for equal content under one key and scope, and says nothing without the key. */
  readonly keyedDigest: string;
}

const MAGIC = "runseal/secret/1 ";
const HEADER = /^runseal\/secret\/1 ([A-Za-z0-9_.:-]{1,64}) ([0-9a-f]{24}) ([0-9a-f]{64})\n/;
const HEADER_LENGTH_MAX = 200;
const TAG_BYTES = 16;
const EQUALITY_TAG = "runseal/secret-equality/1";

/** Encrypts bytes (AES-256-GCM); `nonce` are 12 random bytes, never used before with this key. */
export function sealBox(
  plain: Uint8Array,
  { id, key }: SecretKey,
  nonce: Uint8Array,
  place: BoxPlace,
): { readonly bytes: Uint8Array; readonly keyedDigest: string } {
  const header = { keyId: id, nonce: Buffer.from(nonce).toString("hex"), keyedDigest: keyedDigestOf(plain, key, place.scope) };
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(header, place));
  const head = `${MAGIC}${id} ${header.nonce} ${header.keyedDigest}\n`;
  const bytes = new Uint8Array(Buffer.concat([Buffer.from(head), cipher.update(plain), cipher.final(), cipher.getAuthTag()]));
  return { bytes, keyedDigest: header.keyedDigest };
}

/** Decrypts a box; `undefined` when the key is not the one, the box belongs elsewhere, or a bit of it has changed. */
export function openBox(bytes: Uint8Array, key: Uint8Array, place: BoxPlace): Uint8Array | undefined {
  const found = boxHeaderOf(bytes);
  if (found === undefined) return undefined;
  const { header, length } = found;
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(header.nonce, "hex"), { authTagLength: TAG_BYTES });
  try {
    decipher.setAAD(boundTo(header, place));
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
    return new Uint8Array(Buffer.concat([decipher.update(bytes.subarray(length, bytes.length - TAG_BYTES)), decipher.final()]));
  } catch {
    // the platform's one word for all of it
    return undefined;
  }
}

/** The clear part of a box; `undefined` when the bytes are none. */
export function boxHeaderOf(bytes: Uint8Array): { readonly header: BoxHeader; readonly length: number } | undefined {
  const [head, keyId = "", nonce = "", keyedDigest = ""] =
    HEADER.exec(Buffer.from(bytes.subarray(0, HEADER_LENGTH_MAX)).toString("latin1")) ?? [];
  return head === undefined ? undefined : { header: { keyId, nonce, keyedDigest }, length: head.length };
}

/** What the ciphertext is bound to without holding it. */
function boundTo(header: BoxHeader, { scope, runId }: BoxPlace): Buffer {
  return Buffer.from(canonicalize({ ...header, scope, runId, kind: "secret_payload" }));
}

function keyedDigestOf(plain: Uint8Array, key: Uint8Array, scope: Scope): string {
  // a key of its own: one key does one thing
  const own = createHmac("sha256", key).update(EQUALITY_TAG).digest();
  return createHmac("sha256", own).update(`${EQUALITY_TAG}\n${scope}\n`).update(plain).digest("hex");
}
