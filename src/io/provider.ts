import type { Digest } from "../model/ids.js";
import type { IoCall, IoResult } from "../model/io-call.js";
import type { JsonValue } from "../json/value.js";

/**
 * The world as one attempt of a step reaches it: live, or answered from the record.
 *
 * Everything that comes in under a key is a fact: recorded once, served again on every later attempt, resume and replay.
 */
export interface IoProvider {
  /**
   * Asks a transport.
   * @throws {@link RunsealError} `io.unknown_namespace`, `io.invalid_fact_key`; on replay `io.missing_fact_key`, `io.missing_fact`
   */
  call(call: IoCall): Promise<IoResult>;

  /** The fact under a key; asks for it, and records the answer, when there is none. */
  fact(key: string, ask: () => unknown): Promise<JsonValue>;

  /**
   * Records a value under a key and gives the digest of its canonical text; an equal value a second time changes nothing.
   * @throws {@link RunsealError} `io.fact_conflict` when the key is bound to another value
   */
  recordValue(key: string, value: unknown): Promise<Digest>;

  /** The fact under a key; `undefined` when there is none. */
  recordedFact(key: string): Promise<JsonValue | undefined>;

  /** The time, milliseconds since the epoch; recorded. */
  nowMs(): Promise<number>;

  /** Random bytes; recorded. */
  entropy(length: number): Promise<Uint8Array>;

  /** A new UUIDv7; recorded. */
  uuid(): Promise<string>;
}
