import type { DerivedKind } from "./fact-key.js";
import type { Digest } from "../model/ids.js";
import type { FactBook } from "./fact-book.js";
import type { IoAttempt } from "./live-io.js";
import type { IoCall, IoResult } from "../model/io-call.js";
import type { IoProvider } from "./provider.js";
import type { JsonValue } from "../json/value.js";
import { RunsealError } from "../errors/error.js";
import { bytesOfHex } from "../json/hex.js";
import { checkLength } from "./live-io.js";
import { checkFactKey, derivedKey } from "./fact-key.js";
import { payloadDigest } from "./fact-book.js";

/** The world as the record tells it: answers from facts alone and never reaches a transport (D-083). */
export class ReplayIo implements IoProvider {
  readonly #at: IoAttempt;
  readonly #facts: FactBook;
  #ordinal = 0;

  constructor(at: IoAttempt, facts: FactBook) {
    this.#at = at;
    this.#facts = facts;
  }

  /**
   * The recorded answer.
   * @throws {@link RunsealError} `io.missing_fact_key` when the call was not recorded, `io.missing_fact` when the record has no such fact
   */
  async call(call: IoCall): Promise<IoResult> {
    const { factKey } = call;
    if (factKey === undefined) {
      const message = `"${this.#at.stepId}" asks the world without a fact key, which replay can't answer`;
      throw new RunsealError("io.missing_fact_key", message, { stepId: this.#at.stepId });
    }
    const response = await this.fact(factKey);
    return { response, recordedPayloadId: payloadDigest(response) };
  }

  /** @throws {@link RunsealError} `io.missing_fact` */
  async fact(key: string): Promise<JsonValue> {
    checkFactKey(key);
    return this.#known(key);
  }

  /** @throws {@link RunsealError} `io.missing_fact`, `io.fact_conflict` */
  async recordValue(key: string, value: unknown): Promise<Digest> {
    checkFactKey(key);
    await this.#known(key);
    return this.#facts.bindValue(key, value, () => Promise.resolve(), {});
  }

  async recordedFact(key: string): Promise<JsonValue | undefined> {
    checkFactKey(key);
    return this.#facts.known(key);
  }

  async nowMs(): Promise<number> {
    return (await this.#derived("now")) as number;
  }

  /** @throws {@link RunsealError} `io.fact_conflict` when the recorded bytes have another length */
  async entropy(length: number): Promise<Uint8Array> {
    checkLength(length);
    const bytes = bytesOfHex((await this.#derived("random")) as string);
    if (bytes.length === length) return bytes;
    const message = `"${this.#at.stepId}" asks for ${length} random bytes where ${bytes.length} were recorded`;
    throw new RunsealError("io.fact_conflict", message, {
      key: derivedKey("random", this.#at.stepId, this.#at.attempt, this.#ordinal - 1),
    });
  }

  async uuid(): Promise<string> {
    return (await this.#derived("uuid")) as string;
  }

  #derived(kind: DerivedKind): Promise<JsonValue> {
    const { stepId, attempt } = this.#at;
    const key = derivedKey(kind, stepId, attempt, this.#ordinal);
    this.#ordinal += 1;
    return this.#known(key);
  }

  async #known(key: string): Promise<JsonValue> {
    const fact = await this.#facts.known(key);
    if (fact !== undefined) return fact;
    throw new RunsealError("io.missing_fact", `the record has no fact "${key}"`, { key });
  }
}
