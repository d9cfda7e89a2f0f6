import type { ChainedEvent } from "../model/event.js";

/** Parameters of a statement for {@link EventColumns.values}, from the place `first` on. */
export function eventColumnsText(first: number): string {
  return TYPES.map((type, index) => `$${first + index}::${type}`).join(", ");
}

const TYPES = [
  "integer[]",
  "integer[]",
  "integer[]",
  "text[]",
  "smallint[]",
  "integer[]",
  "integer[]",
  "bytea",
  "bytea",
  "bytea",
];

/**
 * Events of several writes for one statement: a list for each member, and payloads and hashes end to end as bytes, which the server
 * takes as they are. It would parse the same as JSON several times over.
 */
export class EventColumns {
  readonly #places: number[] = [];
  readonly #seqs: number[] = [];
  readonly #epochs: number[] = [];
  readonly #kinds: string[] = [];
  readonly #versions: number[] = [];
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];
  #payloads = "";
  #digests = "";
  #hashes = "";
  #bytes = 0;

  /** @param place - of the write that the event belongs to, in its statement */
  add(event: ChainedEvent, place: number): void {
    const length = Buffer.byteLength(event.payloadText);
    this.#places.push(place);
    this.#seqs.push(event.seq);
    this.#epochs.push(event.epoch);
    this.#kinds.push(event.kind);
    this.#versions.push(event.v);
    this.#starts.push(this.#bytes + 1);
    this.#lengths.push(length);
    this.#payloads += event.payloadText;
    this.#digests += event.payloadDigest;
    this.#hashes += event.hash;
    this.#bytes += length;
  }

  /** The values of {@link eventColumnsText}. */
  values(): readonly unknown[] {
    return [
      listOf(this.#places),
      listOf(this.#seqs),
      listOf(this.#epochs),
      this.#kinds,
      listOf(this.#versions),
      listOf(this.#starts),
      listOf(this.#lengths),
      Buffer.from(this.#payloads),
      hexBytes(this.#digests),
      hexBytes(this.#hashes),
    ];
  }
}

/** Numbers as the server reads a list of them. */
export function listOf(numbers: readonly (number | string)[]): string {
  return `{${numbers.join(",")}}`;
}

/** The bytes that a text of hexadecimal digits stands for. */
export function hexBytes(hex: string): Buffer {
  return Buffer.from(hex, "hex");
}
