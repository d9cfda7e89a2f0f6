import type { DerivedKind } from "./fact-key.js";
import type { Digest } from "../model/ids.js";
import type { FactBook, FactLog } from "./fact-book.js";
import type { IoCall, IoResult } from "../model/io-call.js";
import type { IoProvider } from "./provider.js";
import type { JsonValue } from "../json/value.js";
import { RunsealError } from "../errors/error.js";
import { checkFactKey, derivedKey } from "./fact-key.js";
import { bytesOfHex, hexOf } from "../json/hex.js";
import { copyCanonical } from "../json/copy.js";
import { payloadDigest } from "./fact-book.js";

/** Largest number of random bytes that one call gives. */
const RANDOM_BYTES_MAX = 65_536;

/** What a live attempt reaches besides its facts. */
export interface LiveWorld {
  now(): number;
  entropy(length: number): Uint8Array;
  uuid(): string;
  /** Asks the transport of a namespace. */
  ask(namespace: string, request: JsonValue): Promise<JsonValue>;
}

/** The attempt that asks. */
export interface IoAttempt {
  readonly stepId: string;
  readonly attempt: number;
}

/** The world itself, with everything recorded that has a key (D-081). */
export class LiveIo implements IoProvider {
  readonly #at: IoAttempt;
  readonly #facts: FactBook;
  readonly #record: FactLog["record"];
  readonly #world: LiveWorld;
  /** Derived facts of this attempt so far, over all kinds (D-082). */
  #ordinal = 0;

  constructor(at: IoAttempt, facts: FactBook, record: FactLog["record"], world: LiveWorld) {
    this.#at = at;
    this.#facts = facts;
    this.#record = record;
    this.#world = world;
  }

  async call(call: IoCall): Promise<IoResult> {
    const { namespace, factKey } = call;
    const request = copyCanonical(call.request);
    if (factKey === undefined) return { response: copyCanonical(await this.#world.ask(namespace, request)) };
    checkFactKey(factKey);
    const meta = { source: "io", namespace, stepId: this.#at.stepId };
    const response = await this.#facts.bind(factKey, () => this.#world.ask(namespace, request), this.#record, meta);
    return { response, recordedPayloadId: payloadDigest(response) };
  }

  async fact(key: string, ask: () => unknown): Promise<JsonValue> {
    checkFactKey(key);
    return this.#facts.bind(key, ask, this.#record, { source: "handler", stepId: this.#at.stepId });
  }

  async recordValue(key: string, value: unknown): Promise<Digest> {
    checkFactKey(key);
    return this.#facts.bindValue(key, value, this.#record, { source: "handler", stepId: this.#at.stepId });
  }

  async recordedFact(key: string): Promise<JsonValue | undefined> {
    checkFactKey(key);
    return this.#facts.known(key);
  }

  async nowMs(): Promise<number> {
    return (await this.#derived("now", () => this.#world.now())) as number;
  }

  async entropy(length: number): Promise<Uint8Array> {
    checkLength(length);
    const hex = (await this.#derived("random", () => hexOf(this.#world.entropy(length)))) as string;
    return bytesOfHex(hex);
  }

  async uuid(): Promise<string> {
    return (await this.#derived("uuid", () => this.#world.uuid())) as string;
  }

  #derived(kind: DerivedKind, ask: () => JsonValue): Promise<JsonValue> {
    const { stepId, attempt } = this.#at;
    const key = derivedKey(kind, stepId, attempt, this.#ordinal);
    this.#ordinal += 1;
    return this.#facts.bind(key, ask, this.#record, { source: kind, stepId });
  }
}

/**
 * Refuses a length that random bytes can't have.
 *
 * @throws {@link RunsealError} `run.invalid_option`
 */
export function checkLength(length: number): void {
  if (Number.isSafeInteger(length) && length >= 0 && length <= RANDOM_BYTES_MAX) return;
  throw new RunsealError("run.invalid_option", `random bytes come in lengths from 0 to ${RANDOM_BYTES_MAX}`, {
    option: "length",
  });
}
