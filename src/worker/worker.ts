import type { ActiveRun } from "../instance/active-runs.js";
import type { InstanceParts } from "../instance/parts.js";
import type { Runseal } from "../instance/runseal.js";
import type { StreamHead } from "../model/run.js";
import { RunsealError } from "../errors/error.js";
import { Postponed } from "./postponed.js";
import { partsOf } from "../instance/parts-of.js";
import { takeRun } from "./take-run.js";

/** What {@link createWorker} takes. */
export interface WorkerOptions {
  /** Queues to work on. Default: every one. */
  readonly queues?: readonly string[];
  /** Runs at a time. Default 8. */
  readonly concurrency?: number;
  /** Term of the leases it takes, milliseconds. Default: the instance's. */
  readonly leaseMs?: number;
  /** Longest time between two looks at the store, milliseconds. Default 1 000; changes of this process are seen at once. */
  readonly pollMs?: number;
}

/** Takes due runs and drives them: starts queued ones, fires retries, timers and time limits, and carries on after a crash. */
export interface Worker {
  /** Begins to work. `hold`: starts queued runs and leaves those that ran before alone, e.g. after an incident. */
  start(options?: { readonly resume?: "now" | "hold" }): void;
  /**
   * One look at the store, for hosts without a long-lived process: drives what is due for at most `budgetMs` (default 10 000) and
   * hands over what has not rested by then.
   */
  tick(options?: { readonly budgetMs?: number }): Promise<{ readonly taken: number }>;
  /** Takes nothing more, lets its runs reach their next boundary, and hands them over. */
  drain(): Promise<void>;
  /** Runs that it drives now. */
  readonly active: number;
}

/**
 * Makes a worker of an instance's scope. It does nothing until `start` or `tick`.
 *
 * @throws {@link RunsealError} `instance.misconfigured` for an option that can't be right
 */
export function createWorker(runseal: Runseal, options: WorkerOptions = {}): Worker {
  const { concurrency = 8, pollMs = 1000 } = options;
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) throw misconfigured("concurrency", "a positive integer");
  if (!Number.isSafeInteger(pollMs) || pollMs < 1) throw misconfigured("pollMs", "a positive integer");
  const parts = partsOf(runseal);
  const engine =
    options.leaseMs === undefined
      ? parts.engine
      : { ...parts.engine, options: { ...parts.engine.options, leaseMs: options.leaseMs } };
  return new PollingWorker({ ...parts, engine }, { queues: options.queues ?? null, concurrency, pollMs });
}

function misconfigured(option: string, right: string): RunsealError {
  return new RunsealError("instance.misconfigured", `a worker's "${option}" must be ${right}`, { option });
}

class PollingWorker implements Worker {
  readonly #parts: InstanceParts;
  readonly #options: { readonly queues: readonly string[] | null; readonly concurrency: number; readonly pollMs: number };
  readonly #running = new Set<ActiveRun>();
  readonly #postponed: Postponed;
  #isStarted = false;
  #holdsStarted = false;
  #look: Promise<void> | undefined;
  #isStale = false;
  #timer: { cancel(): void } | undefined;
  #unwatch: (() => void) | undefined;

  constructor(
    parts: InstanceParts,
    options: { readonly queues: readonly string[] | null; readonly concurrency: number; readonly pollMs: number },
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#postponed = new Postponed(() => parts.engine.env.now());
  }

  get active(): number {
    return this.#running.size;
  }

  start(options: { readonly resume?: "now" | "hold" } = {}): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#holdsStarted = options.resume === "hold";
    this.#unwatch = this.#parts.stores.watch((change) => {
      if (change?.what !== "progress") this.#wake();
    });
    this.#wake();
  }

  async tick(options: { readonly budgetMs?: number } = {}): Promise<{ readonly taken: number }> {
    const taken = await this.#takeDue();
    const budget = this.#parts.engine.env.schedule(options.budgetMs ?? 10_000, () => {
      for (const run of taken) run.drain.abort();
    });
    await Promise.allSettled(taken.map((run) => run.end));
    budget.cancel();
    return { taken: taken.length };
  }

  async drain(): Promise<void> {
    this.#isStarted = false;
    this.#timer?.cancel();
    this.#unwatch?.();
    await this.#look;
    for (const run of this.#running) run.drain.abort();
    await Promise.allSettled([...this.#running].map((run) => run.end));
  }

  /** Looks at the store now, or once more after the look that is under way. */
  #wake(): void {
    if (!this.#isStarted) return;
    if (this.#look !== undefined) {
      this.#isStale = true;
      return;
    }
    this.#timer?.cancel();
    this.#isStale = false;
    this.#look = this.#lookOnce().then(() => {
      this.#look = undefined;
      if (this.#isStale) this.#wake();
    });
  }

  async #lookOnce(): Promise<void> {
    let waitMs = this.#options.pollMs;
    try {
      await this.#takeDue();
      const { now, at } = await this.#parts.stores.runs.nextWake({ scope: this.#parts.scope, queues: this.#options.queues });
      if (at !== null) waitMs = Math.max(1, Math.min(waitMs, at - now));
    } catch (error) {
      // the store may be away for a while: say so and look again after the poll interval
      this.#remark(`the worker could not look at the store: ${error instanceof Error ? error.message : "unknown"}`);
    }
    if (!this.#isStarted) return;
    this.#timer = this.#parts.engine.env.schedule(waitMs, () => {
      this.#wake();
    });
  }

  async #takeDue(): Promise<readonly ActiveRun[]> {
    const { queues, concurrency } = this.#options;
    const free = concurrency - this.#running.size;
    if (free <= 0) return [];
    const due = await this.#parts.stores.runs.due({ scope: this.#parts.scope, queues, limit: free + 50 });
    const taken: ActiveRun[] = [];
    for (const head of due.filter((candidate) => this.#canTake(candidate))) {
      if (this.#running.size >= concurrency) break;
      const run = await takeRun(this.#parts, head, this.#postponed);
      if (run === undefined) continue;
      this.#keep(run);
      taken.push(run);
    }
    return taken;
  }

  #canTake(head: StreamHead): boolean {
    const { run } = head;
    if (run === null || this.#parts.active.get(run.runId) !== undefined || this.#postponed.has(run.runId)) return false;
    if (this.#holdsStarted && run.status !== "queued") return false;
    return run.requires.every((contract) => this.#parts.table.served.has(contract));
  }

  #keep(run: ActiveRun): void {
    this.#running.add(run);
    const forget = (): void => {
      this.#running.delete(run);
      this.#wake();
    };
    run.end.then(forget, forget);
  }

  #remark(message: string): void {
    this.#parts.engine.log?.({ runId: "", stepId: "", message, fields: {} });
  }
}
