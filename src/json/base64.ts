const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD = 61;
const NONE = 255;

// views, because reading one at a known place gives a number and nothing else
const CODES = viewOf(new TextEncoder().encode(ALPHABET));
const VALUES = viewOf(new Uint8Array(256).fill(NONE));
for (let value = 0; value < ALPHABET.length; value += 1) VALUES.setUint8(CODES.getUint8(value), value);

/**
 * Writes bytes as base64 (RFC 4648, section 4): with padding, without line breaks.
 *
 * Cost: linear; works on arrays of codes, so that an artifact of 64 MiB is no chain of small texts.
 */
export function base64Of(bytes: Uint8Array): string {
  const groups = Math.ceil(bytes.length / 3);
  const padded = new Uint8Array(groups * 3);
  padded.set(bytes);
  const source = viewOf(padded);
  const codes = new Uint8Array(groups * 4);
  for (let group = 0; group < groups; group += 1) {
    const bits = (source.getUint16(group * 3) << 8) | source.getUint8(group * 3 + 2);
    for (let place = 0; place < 4; place += 1) codes[group * 4 + place] = CODES.getUint8((bits >> (18 - 6 * place)) & 63);
  }
  codes.fill(PAD, codes.length - (padded.length - bytes.length));
  return new TextDecoder("latin1").decode(codes);
}

/**
 * Reads what {@link base64Of} wrote, and nothing else: other alphabets, missing padding, spaces and stray bits are refused, so that
 * no two texts stand for the same bytes.
 *
 * @returns `undefined` for any other text
 */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const codes = viewOf(new TextEncoder().encode(text));
  if (codes.byteLength !== text.length) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3);
  for (let from = 0, to = 0; from < text.length; from += 4, to += 3) {
    const bits = bitsAt(codes, from, from + 4 === text.length ? padding : 0);
    if (bits === undefined) return undefined;
    bytes[to] = bits >> 16;
    bytes[to + 1] = (bits >> 8) & 255;
    bytes[to + 2] = bits & 255;
  }
  return bytes.subarray(0, bytes.length - padding);
}

/** Four codes as 24 bits; `undefined` when one is none, or bits that the padding leaves out are set. */
function bitsAt(codes: DataView, from: number, padding: number): number | undefined {
  let bits = 0;
  for (let place = 0; place < 4 - padding; place += 1) {
    const value = VALUES.getUint8(codes.getUint8(from + place));
    if (value === NONE) return undefined;
    bits |= value << (18 - 6 * place);
  }
  return (bits & ((1 << (8 * padding)) - 1)) === 0 ? bits : undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
