import type { StoreChange } from "../stores/store-change.js";

/** Largest payload of a NOTIFY, bytes: one less than the server's 8,000. */
const PAYLOAD_BYTES_MAX = 7_999;

const encoder = new TextEncoder();

/** What NOTIFY tells of a change: JSON with `s` scope, `t` stream and `w` what; empty when the names are too long to tell. */
export function changePayload({ scope, stream, what }: StoreChange): string {
  const text = JSON.stringify({ s: scope, t: stream, w: what });
  return encoder.encode(text).byteLength > PAYLOAD_BYTES_MAX ? "" : text;
}
