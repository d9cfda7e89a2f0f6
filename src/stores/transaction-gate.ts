import { AsyncLocalStorage } from "node:async_hooks";
import type { Clock } from "../time/clock.js";
import type { StoreChange } from "./store-change.js";
import type { StoreTransaction } from "./transactions.js";
import { RunsealError } from "../errors/error.js";
import { TRANSACTION_MS_MAX } from "../model/verb.js";

/** How an open transaction ends; neither waits for anything. */
export interface TransactionEnds {
  readonly commit: () => void;
  readonly rollBack: () => void;
}

/** One transaction behind a gate. */
export class GatedTransaction<H = unknown> implements StoreTransaction {
  readonly handle: H;
  /** Whose it is: stores that share a gate do not share their transactions. */
  readonly of: object;
  #state: "open" | "ended" | "expired" = "open";
  /** What the commits that have joined it will have changed. */
  readonly changes: StoreChange[] = [];

  /** @param makeHandle - given what throws once the transaction is over */
  constructor(of: object, makeHandle: (assertOpen: (call: string) => void) => H) {
    this.of = of;
    this.handle = makeHandle((call) => this.assertOpen(call));
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get isExpired(): boolean {
    return this.#state === "expired";
  }

  /** Ends it, by `expire` because its time was over. */
  end(how: "ended" | "expired"): void {
    if (this.isOpen) this.#state = how;
  }

  /** @throws {@link RunsealError} `store.transaction_timeout`, `store.transaction_ended` */
  assertOpen(call: string): void {
    if (this.isExpired) throw timedOut();
    if (this.isOpen) return;
    const message = `"${call}" was called in a transaction that is over; whatever belongs to it must be awaited inside`;
    throw new RunsealError("store.transaction_ended", message, { call });
  }
}

/**
 * Lets one transaction be open at a time, and everything else wait for its end: where a database has one connection, whatever ran meanwhile
 * would be part of it.
 *
 * A reading call from inside the transaction goes on, and sees what it has written. A writing one would wait for itself, and is refused.
 */
export class TransactionGate<G extends GatedTransaction> {
  readonly #clock: Clock;
  readonly #inside = new AsyncLocalStorage<G>();
  #open: G | undefined;
  #waiting: (() => void)[] = [];

  /** @param clock - of the 5 s that a transaction may stay open */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Whether a call must wait for the {@link ended} of a transaction, and then ask again; else it does its work before it awaits anything.
   *
   * @param of - the stores that are called
   * @param access - `wait` for calls that are made for others as well, such as looking after a queue: they wait whoever makes them
   * @throws {@link RunsealError} `store.in_transaction` for a writing call from inside the transaction
   */
  isInWay(of: object, call: string, access: "read" | "write" | "wait"): boolean {
    const open = this.#open;
    if (open === undefined) return false;
    if (open.of !== of || access === "wait" || this.#inside.getStore() !== open) return true;
    if (access === "read") return false;
    throw inTransaction(call);
  }

  /** Resolves when the transaction that is open has ended. */
  ended(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Opens the gate's transaction; nothing {@link isInWay}, and the caller has begun it in the database. */
  enter(transaction: G): void {
    this.#open = transaction;
  }

  /**
   * The open transaction that a caller names, by itself or by its handle.
   *
   * @throws {@link RunsealError} `run.invalid_option` for anything else; `store.transaction_timeout`, `store.transaction_ended` for one that is over
   */
  joined(of: object, tx: unknown, call: string): G {
    const open = this.#open;
    if (open?.of === of && (tx === open || tx === open.handle)) {
      open.assertOpen(call);
      return open;
    }
    if (tx instanceof GatedTransaction && tx.of === of) tx.assertOpen(call);
    const message =
      "this is no open transaction of these stores; give what `stores.transactions.run` gave, or `ctx.tx`, while it is open";
    throw new RunsealError("run.invalid_option", message, { option: "tx" });
  }

  /**
   * Does the work of a transaction that was {@link enter}ed and ends it, in at most 5 s.
   *
   * @throws {@link RunsealError} `store.transaction_timeout`; and what `work` throws
   */
  async run<T>(transaction: G, ends: TransactionEnds, work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
    const limit = new TimeLimit(this.#clock, () => transaction.end("expired"));
    try {
      const value = await Promise.race([this.#inside.run(transaction, async () => work(transaction)), limit.passed]);
      transaction.assertOpen("transactions.run");
      ends.commit();
      return value;
    } catch (error) {
      ends.rollBack();
      throw error;
    } finally {
      limit.lift();
      transaction.end("ended");
      this.#open = undefined;
      for (const go of this.#waiting.splice(0)) go();
    }
  }
}

/** The end of the time that a transaction has. */
export class TimeLimit {
  /** Rejects with `store.transaction_timeout`. */
  readonly passed: Promise<never>;
  /** Takes it back. */
  readonly lift: () => void;

  /** @param onPassed - called when the time is over, before {@link TimeLimit.passed} rejects */
  constructor(clock: Clock, onPassed: () => void) {
    let cancel = (): void => undefined;
    this.passed = new Promise((_resolve, reject) => {
      const timer = clock.schedule(TRANSACTION_MS_MAX, () => {
        onPassed();
        reject(timedOut());
      });
      cancel = () => timer.cancel();
    });
    this.lift = () => cancel();
  }
}

function timedOut(): RunsealError<"store.transaction_timeout"> {
  const message = `a transaction was still open after ${TRANSACTION_MS_MAX} ms and was rolled back; do less in it, and wait for nothing but it`;
  return new RunsealError("store.transaction_timeout", message, { limitMs: TRANSACTION_MS_MAX });
}

/** The error of a writing call beside a transaction, from inside it. */
export function inTransaction(call: string): RunsealError<"store.in_transaction"> {
  const message = `"${call}" was called inside a transaction and beside it, where it would wait for itself; do it afterwards, or in it`;
  return new RunsealError("store.in_transaction", message, { call });
}
