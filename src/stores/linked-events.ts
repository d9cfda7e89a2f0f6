import type { StoredEvent } from "../model/event.js";
import type { Scope, StreamName } from "../model/ids.js";
import { assertLinked, genesisHash } from "../history/chain.js";

/** Checks events on their way out: each matches its digests and continues the one before it. */
export class LinkedEvents {
  readonly #scope: Scope;
  readonly #stream: StreamName;
  #seq: number;
  #hash: string | undefined;

  /** @param fromSeq - the first seq that will be read; below 1 counts as 1 */
  constructor(scope: Scope, stream: StreamName, fromSeq: number) {
    this.#scope = scope;
    this.#stream = stream;
    this.#seq = Math.max(1, fromSeq) - 1;
    this.#hash = this.#seq === 0 ? genesisHash(scope, stream) : undefined;
  }

  /** The seq that comes next. */
  get seq(): number {
    return this.#seq + 1;
  }

  /**
   * Hands back the next event when it can be trusted. The first one of a range that does not begin at 1 is taken at its word for
   * what came before it.
   *
   * @throws {@link RunsealError} `store.corrupt` naming stream and seq
   */
  next(event: StoredEvent): StoredEvent {
    const hash = this.#hash ?? event.prev;
    assertLinked({ scope: this.#scope, stream: this.#stream, seq: this.#seq, hash }, event);
    this.#seq = event.seq;
    this.#hash = event.hash;
    return event;
  }
}
