import type { ActiveRun } from "../instance/active-runs.js";
import type { DueQuery } from "../stores/event-store.js";
import type { FoundRun } from "../instance/find-runbook.js";
import type { InstanceParts } from "../instance/parts.js";
import type { Runseal } from "../instance/runseal.js";
import type { RunId, Scope } from "../model/ids.js";
import type { StreamHead } from "../model/run.js";
import type { WorkerOptions, WorkerPlan } from "./worker-options.js";
import type { WorkerRecord } from "../stores/worker-registry.js";
import { isRunsealError } from "../errors/error.js";
import { Heartbeat } from "./heartbeat.js";
import { OwnRoom } from "./own-room.js";
import { Postponed } from "./postponed.js";
import { partsOf } from "../instance/parts-of.js";
import { takeRun } from "./take-run.js";
import { workerPlan } from "./worker-options.js";

/** Takes due runs and drives them: starts queued ones, fires retries, timers and time limits, and carries on after a crash. */
export interface Worker {
  /**
   * Begins to work. `hold`: starts queued runs and leaves alone whatever has started before, by anybody: retries, timers, messages,
   * and runs whose worker died, e.g. after an incident. Called again, it changes that: `start({ resume: "now" })` lets them go.
   */
  start(options?: { readonly resume?: "now" | "hold" }): void;
  /**
   * One look at the store, for hosts without a long-lived process: drives what is due for at most `budgetMs` (default 10 000) and
   * hands over what has not rested by then.
   */
  tick(options?: { readonly budgetMs?: number }): Promise<{ readonly taken: number }>;
  /**
   * Takes nothing more, lets its runs reach their next boundary, and hands them over.
   *
   * After `graceMs` the runs that have not come to one are given up where they are: nothing more is written for them, and another
   * worker recovers them when their lease ends. Absent: waits for them however long they take.
   */
  drain(options?: { readonly graceMs?: number }): Promise<void>;
  /** Runs that it drives now. */
  readonly active: number;
}

/**
 * Makes a worker of an instance. It does nothing until `start` or `tick`.
 *
 * @throws {@link RunsealError} `instance.misconfigured` for an option that can't be right
 */
export function createWorker(runseal: Runseal, options: WorkerOptions = {}): Worker {
  const plan = workerPlan(runseal, options);
  const parts = partsOf(runseal);
  const { engine } = parts;
  if (plan.leaseMs === undefined) return new PollingWorker(parts, plan);
  return new PollingWorker({ ...parts, engine: { ...engine, options: { ...engine.options, leaseMs: plan.leaseMs } } }, plan);
}

/** Looks in a row that each found something that could not be taken. */
const LOOKS_MAX = 32;
/** How long a run that somebody else was faster to take is left alone, milliseconds. */
const GONE_MS = 250;

let made = 0;

class PollingWorker implements Worker {
  readonly #parts: InstanceParts;
  readonly #plan: WorkerPlan;
  readonly #running = new Set<ActiveRun>();
  readonly #postponed: Postponed;
  readonly #room: OwnRoom;
  readonly #heartbeat: Heartbeat;
  readonly #workerId: string;
  #claiming = 0;
  #isStarted = false;
  #isHolding = false;
  /** A run that this build can't serve was among those that are due: from then on the store leaves them out. */
  #isParticular = false;
  #lastScope: Scope | undefined;
  #look: Promise<void> | undefined;
  #isStale = false;
  #timer: { cancel(): void } | undefined;
  #unwatch: (() => void) | undefined;
  /** Takes the worker off the list of those that end with the instance. */
  #unlist: (() => void) | undefined;

  constructor(parts: InstanceParts, plan: WorkerPlan) {
    this.#parts = parts;
    this.#plan = plan;
    this.#postponed = new Postponed(() => parts.engine.env.now());
    this.#room = new OwnRoom(plan.limits);
    made += 1;
    this.#workerId = `${parts.stores.owner}#${made}`;
    this.#heartbeat = new Heartbeat(parts, () => this.#record());
  }

  get active(): number {
    return this.#running.size;
  }

  start(options: { readonly resume?: "now" | "hold" } = {}): void {
    this.#isHolding = options.resume === "hold";
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#unwatch = this.#parts.stores.watch((change) => {
        if (change?.what === "progress") return;
        if (change?.what !== "message") this.#postponed.letGo();
        this.#wake();
      });
      this.#heartbeat.start();
      this.#unlist = this.#parts.active.addTaker(() => this.drain());
    }
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

  async drain(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#stop();
    const { graceMs } = options;
    const giveUp = new AbortController();
    giveUp.signal.addEventListener("abort", () => this.#giveUp(), { once: true });
    const grace = graceMs === undefined ? undefined : this.#parts.engine.env.schedule(graceMs, () => giveUp.abort());
    await this.#look;
    for (const run of this.#running) run.drain.abort();
    if (giveUp.signal.aborted) this.#giveUp();
    await Promise.allSettled([...this.#running].map((run) => run.end));
    grace?.cancel();
    await this.#heartbeat.stop();
  }

  /** Looks no more. */
  #stop(): void {
    this.#isStarted = false;
    this.#timer?.cancel();
    this.#unwatch?.();
    this.#unlist?.();
  }

  #giveUp(): void {
    for (const run of this.#running) run.abandon.abort();
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
    let waitMs = this.#plan.pollMs;
    try {
      await this.#takeDue();
      if (this.#isStale) return;
      const { scope, names, limits } = this.#plan;
      const { now, at } = await this.#parts.stores.runs.nextWake({ scope, queues: names, limits });
      if (at !== null) waitMs = Math.max(1, Math.min(waitMs, at - now));
    } catch (error) {
      if (isRunsealError(error, "store.closed")) {
        // there is nothing to look at any more, ever
        this.#stop();
        await this.#heartbeat.stop();
      }
      // the store may be away for a while: say so and look again after the poll interval
      this.#remark(`the worker could not look at the store: ${error instanceof Error ? error.message : "unknown"}`);
    }
    if (!this.#isStarted) return;
    this.#timer = this.#parts.engine.env.schedule(waitMs, () => {
      this.#wake();
    });
  }

  /** Fills the free places; looks again where some were not to be had, at what lay behind those. */
  async #takeDue(): Promise<readonly ActiveRun[]> {
    const taken: ActiveRun[] = [];
    for (let looks = 0; looks < LOOKS_MAX && (await this.#takeOnce(taken)); looks += 1);
    return taken;
  }

  /** Whether places are left that something behind could have. */
  async #takeOnce(taken: ActiveRun[]): Promise<boolean> {
    const free = this.#plan.concurrency - this.#running.size - this.#claiming;
    if (free <= 0) return false;
    const wasParticular = this.#isParticular;
    const due = await this.#parts.stores.runs.due(this.#query(free));
    // together, so that the store can group the claims
    const claims = await Promise.allSettled(this.#pick(due, free).map((pick) => this.#take(pick, taken)));
    for (const claim of claims) if (claim.status === "rejected") throw claim.reason;
    const isShort = claims.some((claim) => claim.status === "fulfilled" && !claim.value);
    return isShort || wasParticular !== this.#isParticular;
  }

  #query(free: number): DueQuery {
    const { scope, names, limits } = this.#plan;
    return {
      scope,
      queues: names,
      // what was postponed may stand first: as many more are asked for
      limit: free + this.#postponed.size + this.#running.size,
      ...(limits.length > 0 && { limits }),
      ...(this.#isHolding && { states: ["queued"] }),
      ...(this.#isParticular && { serves: [...this.#parts.table.served] }),
      ...(this.#lastScope !== undefined && typeof scope !== "string" && { after: this.#lastScope }),
    };
  }

  /** Those to claim now, at most as many as there are places. */
  #pick(due: readonly StreamHead[], free: number): readonly Picked[] {
    const picked: Picked[] = [];
    for (const { run, ...stream } of due) {
      if (picked.length === free) break;
      if (run === null || !this.#canTake({ ...stream, run })) continue;
      const head = { ...stream, run };
      const giveBack = this.#room.take(head);
      if (giveBack !== undefined) picked.push({ head, giveBack });
    }
    this.#lastScope = picked.at(-1)?.head.scope ?? this.#lastScope;
    return picked;
  }

  #canTake({ run }: FoundRun): boolean {
    if (this.#parts.active.get(run.runId) !== undefined || this.#postponed.has(run.runId)) return false;
    if (!run.requires.every((contract) => this.#parts.table.served.has(contract))) {
      // it may have hidden others: look again without its like
      this.#isParticular = true;
      return false;
    }
    if (!this.#isHolding || run.parent === null) return true;
    // a child would take its parent along, which has started before
    this.#postponed.addFor(run.runId, this.#plan.pollMs);
    return false;
  }

  /** Whether it was taken: otherwise its place is free still. */
  async #take({ head, giveBack }: Picked, taken: ActiveRun[]): Promise<boolean> {
    const { run, scope } = head;
    const parts = scope === this.#parts.scope ? this.#parts : { ...this.#parts, scope };
    this.#claiming += 1;
    try {
      const answer = await takeRun(parts, head, this.#room.limitsOf(head));
      if (answer.kind === "taken") {
        this.#keep(answer.run, run.runId, giveBack);
        taken.push(answer.run);
        return true;
      }
      // it must not be met again at once
      if (answer.kind === "refused") this.#postponed.add(run.runId);
      else this.#postponed.addFor(run.runId, answer.kind === "limited" ? this.#limitedMs(answer.retryAt) : GONE_MS);
      giveBack();
      return false;
    } catch (error) {
      giveBack();
      throw error;
    } finally {
      this.#claiming -= 1;
    }
  }

  #limitedMs(retryAt: number | null): number {
    const { pollMs } = this.#plan;
    return retryAt === null ? pollMs : Math.max(1, Math.min(pollMs, retryAt - this.#parts.engine.env.now()));
  }

  #keep(run: ActiveRun, runId: RunId, giveBack: () => void): void {
    this.#running.add(run);
    const forget = (): void => {
      this.#running.delete(run);
      giveBack();
      this.#wake();
    };
    run.end.then(forget, (error: unknown) => {
      // the run is somebody's again when its lease has ended; why it was given up stands nowhere else
      this.#remark(`the worker gave run "${runId}" up: ${error instanceof Error ? error.message : "unknown"}`, runId);
      forget();
    });
  }

  #record(): WorkerRecord {
    const { scope, names, concurrency } = this.#plan;
    return {
      workerId: this.#workerId,
      owner: this.#parts.stores.owner,
      queues: names,
      scopes: typeof scope === "string" ? [scope] : scope,
      concurrency,
      active: this.#running.size,
      build: this.#parts.build,
    };
  }

  #remark(message: string, runId = ""): void {
    this.#parts.engine.log?.({ runId, stepId: "", message, fields: {} });
  }
}

/** A run to claim, and how to give its place back. */
interface Picked {
  readonly head: FoundRun;
  readonly giveBack: () => void;
}
