import type { Clock } from "../time/clock.js";
import type { HeldLocks } from "../stores/lock-manager.js";
import type { Intercept, StoreCall } from "./intercept-stores.js";
import type { Stores } from "../stores/stores.js";
import type { ChangeListener } from "../stores/store-change.js";
import { Listeners } from "../stores/listeners.js";
import { RunsealError } from "../errors/error.js";
import { SeededRandom } from "./seeded-random.js";
import { interceptStores } from "./intercept-stores.js";
import { systemClock } from "../time/clock.js";

/** Every way in which a call can go wrong, for loops over all of them. */
export const FAULT_MODES = ["before", "after", "crash_before", "crash_after", "delay", "duplicate"] as const;

/**
 * How one call goes wrong.
 *
 * `before`: throws, and nothing was done. `after`: done, and throws all the same, so that the caller can't know. `crash_before` and
 * `crash_after`: the process dies there; that call and every later one of these stores never settle, and nobody is told of changes.
 * `delay`: the call is made later. `duplicate`: the call is made twice, and the second answer is given, as where a lost reply made a
 * driver send again. Locks belong to a session: a lost answer ends it and frees them, and taking them is never sent again, and neither is a transaction.
 */
export type FaultMode = (typeof FAULT_MODES)[number];

/** One fault. */
export interface Fault {
  readonly mode: FaultMode;
  /** Which call it hits, from 1, among those of `call`. */
  readonly at: number;
  /** Only calls of this port method count. Absent: every call counts. */
  readonly call?: StoreCall;
  /** Every later call that counts here goes wrong too: a store that is gone, or with `delay` a process that is frozen. Default false. */
  readonly isLasting?: boolean;
  /** `delay`: how long, milliseconds. Absent: until {@link FailingStores.release}. */
  readonly delayMs?: number;
}

/** Which calls fail: named one by one, or drawn from a seed. */
export type FaultPlan =
  | readonly Fault[]
  | {
      readonly seed: number;
      /** Chance of a fault per call, in [0, 1]. */
      readonly rate: number;
      /** Default: all of them. */
      readonly modes?: readonly FaultMode[];
      /** Longest delay drawn, milliseconds. Default 1 000. */
      readonly delayMs?: number;
      /** Faults after which the rest goes well. Default: no bound. */
      readonly faultsMax?: number;
    };

/** A fault that happened. */
export interface FiredFault {
  readonly call: StoreCall;
  readonly mode: FaultMode;
  /** Which call of these stores it was, from 1. */
  readonly at: number;
}

/** {@link Stores} some of whose calls go wrong. */
export type FailingStores<S extends Stores = Stores> = S & {
  /** Calls so far. */
  readonly calls: number;
  readonly fired: readonly FiredFault[];
  /** Whether a crash happened: the process of these stores is dead. */
  readonly isCrashed: boolean;
  /** Lets calls go on that wait without a time. */
  release(): void;
};

/**
 * Wraps stores so that calls of their ports fail by plan: the classic loop is `n = 1, 2, ...`, one fault at call `n`, recovery with
 * clean stores, and the same end as without a fault, until a run passes before the fault fires.
 *
 * `close` closes the inner stores whatever happened; give the wrapper stores of its own where other code goes on with theirs.
 *
 * @param options - `clock` times the delays. Default: this machine's.
 */
export function failingStores<S extends Stores>(
  inner: S,
  plan: FaultPlan,
  options: { readonly clock?: Clock } = {},
): FailingStores<S> {
  const faulty = new FaultGate(plan, options.clock ?? systemClock);
  const listeners = new Listeners();
  const unwatch = inner.watch((change) => {
    if (!faulty.isCrashed) listeners.notify(change);
  });
  const wrapped = interceptStores(inner, faulty.intercept);
  return Object.freeze({
    ...wrapped,
    watch: (listener: ChangeListener) => listeners.add(listener),
    close: () => {
      unwatch();
      return inner.close();
    },
    get calls() {
      return faulty.calls;
    },
    get fired() {
      return faulty.fired;
    },
    get isCrashed() {
      return faulty.isCrashed;
    },
    release: () => faulty.release(),
  });
}

type Choose = (call: StoreCall, count: number, calls: ReadonlyMap<StoreCall, number>) => Drawn | undefined;

interface Drawn {
  readonly mode: FaultMode;
  readonly delayMs?: number;
}

class FaultGate {
  readonly fired: FiredFault[] = [];
  readonly #clock: Clock;
  readonly #choose: Choose;
  readonly #counts = new Map<StoreCall, number>();
  #waiting: (() => void)[] = [];
  calls = 0;
  isCrashed = false;

  constructor(plan: FaultPlan, clock: Clock) {
    this.#clock = clock;
    this.#choose = chooserOf(plan);
  }

  readonly intercept: Intercept = (name, call) => {
    if (this.isCrashed) return never();
    this.calls += 1;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    const drawn = this.#choose(name, this.calls, this.#counts);
    if (drawn === undefined) return this.#answer(call());
    this.fired.push({ call: name, mode: drawn.mode, at: this.calls });
    return this.#fail(name, drawn, call);
  };

  release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  async #fail<T>(name: StoreCall, { mode, delayMs }: Drawn, call: () => Promise<T>): Promise<T> {
    switch (mode) {
      case "before":
        throw lost(name, "nothing was done");
      case "after": {
        await endSession(await call());
        throw lost(name, "it was done, and the answer was lost");
      }
      case "crash_before":
        this.isCrashed = true;
        return never();
      case "crash_after": {
        this.isCrashed = true;
        await call();
        return never();
      }
      case "delay": {
        await (delayMs === undefined ? this.#untilReleased() : this.#clock.sleep(delayMs));
        return this.isCrashed ? never() : this.#answer(call());
      }
      case "duplicate": {
        if (name === "locks.acquire" || name === "transactions.run") return this.#answer(call());
        await call();
        return this.#answer(call());
      }
    }
  }

  /** What a dead process was about to hear, it never hears. */
  async #answer<T>(answer: Promise<T>): Promise<T> {
    try {
      const value = await answer;
      return this.isCrashed ? await never() : value;
    } catch (error) {
      if (this.isCrashed) return never();
      throw error;
    }
  }

  #untilReleased(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}

function chooserOf(plan: FaultPlan): Choose {
  return "seed" in plan ? drawing(plan) : listed(plan);
}

function listed(faults: readonly Fault[]): Choose {
  return (name, count, counts) =>
    faults.find((fault) => {
      if (fault.call !== undefined && fault.call !== name) return false;
      const at = fault.call === undefined ? count : (counts.get(name) ?? 0);
      return fault.isLasting === true ? at >= fault.at : at === fault.at;
    });
}

function drawing(plan: Exclude<FaultPlan, readonly Fault[]>): Choose {
  const random = new SeededRandom(plan.seed);
  const { rate, modes = FAULT_MODES, delayMs = 1_000, faultsMax = Number.POSITIVE_INFINITY } = plan;
  let drawn = 0;
  return () => {
    if (random.next() >= rate || drawn >= faultsMax || modes.length === 0) return undefined;
    drawn += 1;
    return { mode: random.pick(modes), delayMs: random.below(delayMs + 1) };
  };
}

/** Locks belong to a session, and one whose answer was lost has ended: its locks are free. */
async function endSession(answer: unknown): Promise<void> {
  if (isHeldLocks(answer)) await answer.release();
}

function isHeldLocks(answer: unknown): answer is HeldLocks {
  return typeof answer === "object" && answer !== null && "release" in answer;
}

function lost(call: StoreCall, what: string): RunsealError<"store.failed"> {
  return new RunsealError("store.failed", `"${call}" failed as planned: ${what}`, { call });
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
