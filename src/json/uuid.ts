import { RunsealError } from "../errors/error.js";
import { isDigest } from "./digest.js";
import { bytesOfHex } from "./hex.js";
import { hashHex } from "./hash.js";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TIME_MAX_MS = 2 ** 48 - 1;
const RANDOM_BYTES = 10;

/** Tells whether `value` is a UUID in its text form, upper or lower case, of any version. */
export function isUuid(value: unknown): value is string {
  return typeof value === "string" && UUID.test(value);
}

/**
 * A UUIDv5 (RFC 9562, section 5.5): the same namespace and name always give the same id, in lower case.
 *
 * @throws {@link RunsealError} `run.invalid_option` when `namespace` is not a UUID
 */
export function uuidV5(namespace: string, name: string): string {
  if (!UUID.test(namespace)) refuseOption("namespace", `uuid namespace "${namespace}" is not a UUID`);
  const prefix = bytesOfHex(namespace.replaceAll("-", ""));
  const suffix = new TextEncoder().encode(name);
  const bytes = new Uint8Array(prefix.length + suffix.length);
  bytes.set(prefix);
  bytes.set(suffix, prefix.length);
  return uuidOf(hashHex("sha1", bytes), "5");
}

/**
 * A UUIDv7 (RFC 9562, section 5.7) from a time and random bits that the caller brings, so that the same input gives the same id.
 *
 * @param nowMs milliseconds since the epoch, from 0 to 2^48 - 1
 * @param random exactly 10 bytes, of which 74 bits are used
 * @throws {@link RunsealError} `run.invalid_option` when either is out of range
 */
export function uuidV7(nowMs: number, random: Uint8Array): string {
  if (!Number.isInteger(nowMs) || nowMs < 0 || nowMs > TIME_MAX_MS) {
    refuseOption("nowMs", `uuid time ${nowMs} is not a whole number of milliseconds from 0 to ${TIME_MAX_MS}`);
  }
  if (random.length !== RANDOM_BYTES) refuseOption("random", `uuid needs ${RANDOM_BYTES} random bytes, found ${random.length}`);
  let hex = nowMs.toString(16).padStart(12, "0");
  for (const byte of random) hex += byte.toString(16).padStart(2, "0");
  return uuidOf(hex, "7");
}

/**
 * A UUIDv8 (RFC 9562, section 5.8) made of the first 128 bits of a digest, 6 of them given to version and variant.
 *
 * For places that want a UUID column; the full digest stays the identity, and the caller checks it for collisions.
 *
 * @throws {@link RunsealError} `run.invalid_option` when `digest` is not 64 lower-case hexadecimal digits
 */
export function uuidV8FromDigest(digest: string): string {
  if (!isDigest(digest)) refuseOption("digest", "uuid digest is not 64 lower-case hexadecimal digits");
  return uuidOf(digest, "8");
}

function uuidOf(hex: string, version: string): string {
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0b0011) | 0b1000).toString(16);
  const third = `${version}${hex.slice(13, 16)}`;
  const fourth = `${variant}${hex.slice(17, 20)}`;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${third}-${fourth}-${hex.slice(20, 32)}`;
}

function refuseOption(option: string, message: string): never {
  throw new RunsealError("run.invalid_option", message, { option });
}
