import type { Clockwork, OperationName, Patient } from "./sim-clockwork.js";
import type { Env } from "../../engine/env.js";
import type { MemoryStores } from "../../stores/memory/memory-stores.js";
import type { Runseal } from "../../instance/runseal.js";
import type { SimHandlers } from "./sim-verbs.js";
import type { SimTruth } from "./sim-truth.js";
import type { Stores } from "../../stores/stores.js";
import type { Worker } from "../../worker/worker.js";
import { Listeners } from "../../stores/listeners.js";
import { SeededRandom } from "../seeded-random.js";
import { allowAll } from "../../instance/policy.js";
import { createRunsealIn } from "../../instance/runseal.js";
import { createWorker } from "../../worker/worker.js";
import { interceptStores } from "../intercept-stores.js";
import { isRunsealError } from "../../errors/error.js";
import { partsOf } from "../../instance/parts-of.js";
import { runInStep } from "../../instance/phase-guard.js";
import { simCatalog, simHandlers } from "./sim-verbs.js";
import { uuidV7 } from "../../json/uuid.js";

/** What a process is made of. */
export interface SimProcessOptions {
  readonly name: string;
  readonly seed: number;
  readonly clockwork: Clockwork;
  readonly truth: SimTruth;
  readonly inner: MemoryStores;
  readonly wrap: (stores: Stores) => Stores;
  readonly handlers: (process: SimProcess) => SimHandlers;
}

/** One worker of a simulation from its start to its death: memory, clock, stores, instance. */
export class SimProcess implements Patient {
  readonly name: string;
  readonly owner: string;
  readonly runseal: Runseal;
  isAlive = true;
  isFrozen = false;
  readonly #clockwork: Clockwork;
  readonly #truth: SimTruth;
  readonly #inner: MemoryStores;
  readonly #worker: Worker;
  readonly #unwatch: () => void;
  #held: (() => void)[] = [];
  #clockOffsetMs = 0;

  constructor(options: SimProcessOptions) {
    const { name, clockwork, truth, inner, wrap } = options;
    this.name = name;
    this.owner = inner.owner;
    this.#clockwork = clockwork;
    this.#truth = truth;
    this.#inner = inner;
    const changed = new Listeners();
    this.#unwatch = inner.watch((change) => this.deliver(() => changed.notify(change)));
    const seen = spied(wrap(witnessed(inner, truth)), this.owner, truth);
    const reached = interceptStores(seen, (call, make) => clockwork.perform(this, call, make));
    const stores: Stores = { ...reached, watch: (listener) => changed.add(listener) };
    const handlers = simHandlers(options.handlers(this));
    this.runseal = createRunsealIn(this.#env(options.seed), { catalog: simCatalog, handlers, stores, policy: allowAll() });
    this.#hearOfDefects();
    this.#worker = createWorker(this.runseal, { concurrency: 3, pollMs: 2_000 });
    this.#worker.start();
  }

  deliver(tell: () => void): void {
    if (!this.isAlive) return;
    if (this.isFrozen) this.#held.push(tell);
    else tell();
  }

  /** The process dies: its memory is gone, its session with the store ends, its lease stays. */
  kill(): void {
    this.isAlive = false;
    this.#held = [];
    this.#unwatch();
    this.#clockwork.forget(this);
    this.#truth.dropGrants(this.owner);
    void this.#inner.close();
  }

  thaw(): void {
    if (!this.isFrozen) return;
    this.isFrozen = false;
    const held = this.#held;
    this.#held = [];
    for (const tell of held) tell();
  }

  stepClock(ms: number): void {
    this.#clockOffsetMs += ms;
  }

  /** Something in the world outside, done when the clockwork picks it. */
  outside<T>(act: () => T): Promise<T> {
    return this.perform("outside", async () => act());
  }

  perform<T>(name: OperationName, call: () => Promise<T>): Promise<T> {
    return this.#clockwork.perform(this, name, call);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clockwork.schedule(this, ms, resolve);
    });
  }

  #env(seed: number): Env {
    const random = new SeededRandom(seed);
    const now = (): number => this.#clockwork.now() + this.#clockOffsetMs;
    const schedule: Env["schedule"] = (ms, call) => this.#clockwork.schedule(this, ms, call);
    const entropy = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.below(256));
    return {
      now,
      schedule,
      entropy,
      random: () => random.next(),
      uuid: () => uuidV7(now(), entropy(10)),
      breathe: () => this.perform("breathe", async () => undefined),
      inStep: runInStep,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted === true) {
            resolve();
            return;
          }
          const timer = schedule(ms, resolve);
          signal?.addEventListener("abort", () => {
            timer.cancel();
            resolve();
          });
        }),
    };
  }

  /** A drive that ends with a broken invariant is a defect, although another process may repair what it left. */
  #hearOfDefects(): void {
    const { active } = partsOf(this.runseal);
    const add = active.add.bind(active);
    active.add = (runId, run) => {
      run.end.catch((error: unknown) => this.heard(error));
      add(runId, run);
    };
  }

  /** Whatever a call threw: refusals and failing stores are expected, anything else is a defect. */
  heard(error: unknown): void {
    if (isRunsealError(error) && error.code !== "internal.invariant" && error.code !== "store.corrupt") return;
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#truth.violate("no_broken_invariant", what);
  }
}

/** Stores that let the truth see what became durable. */
function witnessed(inner: MemoryStores, truth: SimTruth): Stores {
  const { events, inbox } = inner;
  return {
    ...inner,
    events: {
      commit: async (writes, options) => {
        const answer = await events.commit(writes, options);
        truth.committed(writes, answer);
        return answer;
      },
      commitMany: (commits) => events.commitMany(commits),
    },
    inbox: {
      put: async (entry) => {
        const answer = await inbox.put(entry);
        truth.put(entry, answer);
        return answer;
      },
      pending: (scope, runId) => inbox.pending(scope, runId),
      all: (scope, runId) => inbox.all(scope, runId),
    },
  };
}

/** Stores that let the truth see which locks a process believes it holds. */
function spied(stores: Stores, holder: string, truth: SimTruth): Stores {
  const { locks } = stores;
  if (locks === undefined) return stores;
  return {
    ...stores,
    locks: {
      acquire: async (requests, options) => {
        const held = await locks.acquire(requests, options);
        const takeBack = truth.granted(holder, options.owner, requests);
        return {
          ...held,
          release: async () => {
            takeBack();
            await held.release();
          },
        };
      },
      holder: (key) => locks.holder(key),
    },
  };
}
