import type { StoreChange } from "../stores/store-change.js";

/** Largest payload of a NOTIFY, bytes: one less than the server's 8,000. */
const PAYLOAD_BYTES_MAX = 7_999;

const encoder = new TextEncoder();

/**
 * What NOTIFY tells of a change: JSON with `s` scope, `t` stream, `w` what and `o` origin; empty when the names are too long to tell.
 *
 * @param origin - the stores that tell those who watch them by themselves, and pass over the notification. Absent: nobody does, e.g.
 * because the host commits it
 */
export function changePayload({ scope, stream, what }: StoreChange, origin?: string): string {
  const text = JSON.stringify({ s: scope, t: stream, w: what, ...(origin !== undefined && { o: origin }) });
  return encoder.encode(text).byteLength > PAYLOAD_BYTES_MAX ? "" : text;
}
