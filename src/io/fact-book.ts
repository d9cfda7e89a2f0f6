import type { Digest } from "../model/ids.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import { RunsealError } from "../errors/error.js";
import { canonicalText } from "../json/canonical.js";
import { copyCanonical } from "../json/copy.js";
import { redact } from "../secrets/redact.js";
import { sha256Hex } from "../json/digest.js";

/** Largest payload of a fact: 4 MiB of canonical text. */
const FACT_BYTES_MAX = 4_194_304;

/** A fact as the log holds it: the payload itself, or the artifact that does. */
export interface RecordedFact {
  readonly payload?: JsonValue;
  readonly payloadRef?: Digest;
  readonly seq: number;
}

/** Where the facts of one run are kept. */
export interface FactLog {
  known(key: string): RecordedFact | undefined;
  load(fact: RecordedFact): Promise<JsonValue>;
  /** Appends the fact; resolves when nothing that depends on it can outlive it. */
  record(key: string, payload: JsonValue, meta: JsonObject): Promise<void>;
}

/**
 * The facts of one run: one binding a key, for all of its steps.
 *
 * The first binding wins. Two steps that ask for one key at the same time ask once.
 */
export class FactBook {
  readonly #log: FactLog;
  readonly #clean: (payload: JsonValue) => JsonValue;
  readonly #asking = new Map<string, Promise<JsonValue>>();

  /** @param clean - takes out of a payload what must not be recorded */
  constructor(log: FactLog, clean: (payload: JsonValue) => JsonValue = redact) {
    this.#log = log;
    this.#clean = clean;
  }

  /** The fact under a key; `undefined` when there is none. */
  async known(key: string): Promise<JsonValue | undefined> {
    const fact = this.#log.known(key);
    return fact === undefined ? undefined : this.#log.load(fact);
  }

  /**
   * The fact under a key, asked for and recorded when there is none. What comes back is what the record holds: frozen, redacted.
   *
   * @param record - records for the attempt that asks
   * @throws {@link RunsealError} `value.not_canonical`, `value.too_deep`, `value.too_large` when the answer can't be a fact; and what `ask` throws
   */
  async bind(key: string, ask: () => unknown, record: FactLog["record"], meta: JsonObject): Promise<JsonValue> {
    for (;;) {
      const fact = this.#log.known(key);
      if (fact !== undefined) return this.#log.load(fact);
      const asking = this.#asking.get(key);
      if (asking === undefined) break;
      // the other one may fail or be cut off: then it is this one's turn to ask
      await asking.catch(ignore);
    }
    const own = this.#ask(key, ask, record, meta);
    this.#asking.set(key, own);
    try {
      return await own;
    } finally {
      this.#asking.delete(key);
    }
  }

  /**
   * Binds a key to a value that is there already.
   *
   * @throws {@link RunsealError} `io.fact_conflict` when the key is bound to another value
   */
  async bindValue(key: string, value: unknown, record: FactLog["record"], meta: JsonObject): Promise<Digest> {
    const payload = payloadOf(value, this.#clean);
    const bound = await this.bind(key, () => payload, record, meta);
    const digest = payloadDigest(bound);
    if (digest === payloadDigest(payload)) return digest;
    throw new RunsealError("io.fact_conflict", `fact "${key}" is bound to another value: the first binding wins`, { key });
  }

  async #ask(key: string, ask: () => unknown, record: FactLog["record"], meta: JsonObject): Promise<JsonValue> {
    const payload = payloadOf(await ask(), this.#clean);
    await record(key, payload, meta);
    return payload;
  }
}

/** SHA-256 of a payload's canonical text: what its artifact would be called. */
export function payloadDigest(payload: JsonValue): Digest {
  return sha256Hex(canonicalText(payload, { bytesMax: FACT_BYTES_MAX }));
}

function payloadOf(value: unknown, clean: (payload: JsonValue) => JsonValue): JsonValue {
  return copyCanonical(clean(copyCanonical(value, { bytesMax: FACT_BYTES_MAX })));
}

function ignore(): void {
  // the one who asked hears of it
}
