import type { RunHead } from "../../model/run.js";
import type { MemoryStores } from "../../stores/memory/memory-stores.js";
import type { StepState } from "../../model/run.js";
import type { Runbook } from "../../model/runbook.js";
import type { Runseal } from "../../instance/runseal.js";
import type { SimEvent, SimPlan } from "./sim-plan.js";
import type { SimViolation } from "./sim-truth.js";
import type { Stores } from "../../stores/stores.js";
import { Clockwork } from "./sim-clockwork.js";
import { SimOutside } from "./sim-outside.js";
import { SimProcess } from "./sim-process.js";
import { SimTruth } from "./sim-truth.js";
import { idempotencyKeyOf } from "../../engine/step-keys.js";
import { isTerminal } from "../../history/run-head.js";
import { memoryStores } from "../../stores/memory/memory-stores.js";
import { present } from "../../errors/invariant.js";
import { createRunseal } from "../../instance/runseal.js";
import { sealSimRun, simCatalog } from "./sim-verbs.js";

const WORKERS = 3;
/** Ticks after the last trouble in which every run must rest, and then, answered, end. */
const CALM_TICKS_MAX = 6_000;
const SCOPE = "default";

/** What came of playing a plan once. */
export interface SimOutcome {
  readonly violation: SimViolation | undefined;
  readonly trace: string;
  readonly ticks: number;
  readonly statuses: readonly string[];
  readonly events: readonly string[];
}

/** Plays a plan: three workers over one memory store, until every run has ended or an invariant is broken. */
export class Simulation {
  readonly #plan: SimPlan;
  readonly #clockwork: Clockwork;
  readonly #truth: SimTruth;
  readonly #outside: SimOutside;
  readonly #base: MemoryStores;
  readonly #observer: Runseal;
  readonly #wrap: (stores: Stores) => Stores;
  readonly #runbooks: readonly Runbook[];
  readonly #processes: SimProcess[] = [];
  readonly #dead = new Set<string>();
  readonly #underWay = new Set<string>();
  readonly #put = new Set<string>();
  readonly #fired: string[] = [];
  #born = 0;
  #tick = 0;
  #next = 0;
  #calmSince: number | undefined;

  constructor(plan: SimPlan, wrap: (stores: Stores) => Stores) {
    this.#plan = plan;
    this.#wrap = wrap;
    this.#clockwork = new Clockwork(plan.seed, plan.slowness);
    this.#runbooks = plan.runs.map((run, index) => sealSimRun(run, `run-${index}`));
    const runOf = new Map(this.#runbooks.map(({ id }, index) => [id as string, index]));
    this.#truth = new SimTruth({
      note: (line) => this.#clockwork.note(line),
      isOwnerAlive: (owner) => !this.#dead.has(owner),
      dependencies: (runbookId, stepId) => {
        const steps = this.#runbooks[runOf.get(runbookId) ?? -1]?.steps ?? [];
        return steps.find(({ id }) => id === stepId)?.dependsOn ?? [];
      },
    });
    this.#outside = new SimOutside(plan, this.#truth, runOf);
    this.#base = memoryStores({ clock: this.#clockwork.clock(), ownerAlive: (owner) => !this.#dead.has(owner) });
    this.#observer = createRunseal({ catalog: simCatalog, stores: this.#base, clock: this.#clockwork.clock() });
  }

  async play(): Promise<SimOutcome> {
    for (const runbook of this.#runbooks) await this.#base.runbooks.put(runbook);
    for (let index = 0; index < WORKERS; index += 1) this.#processes.push(this.#spawn(index));
    await this.#turn();
    if (this.#truth.violations.length === 0) await this.#inspect();
    const [violation] = this.#truth.violations;
    const statuses = [...this.#truth.runs.values()].map(({ head }) => head.status);
    for (const host of this.#processes) host.kill();
    return { violation, trace: this.#clockwork.trace, ticks: this.#tick, statuses, events: this.#fired };
  }

  async #turn(): Promise<void> {
    for (;;) {
      await settle();
      if (this.#truth.violations.length > 0) return;
      this.#tick += 1;
      this.#fireDue();
      if (this.#calmSince !== undefined) {
        if (this.#isOver()) return;
        if (this.#tick - this.#calmSince > CALM_TICKS_MAX) {
          this.#tellUnrest();
          return;
        }
        if (this.#tick % 16 === 0) await this.#answerAll();
      }
      if (!this.#clockwork.step()) this.#tellUnrest();
    }
  }

  #fireDue(): void {
    const { events } = this.#plan;
    for (let event = events[this.#next]; event !== undefined && event.at <= this.#tick; event = events[this.#next]) {
      this.#next += 1;
      this.#fire(event);
    }
    if (this.#next === events.length && this.#calmSince === undefined) this.#calmDown();
  }

  /** Nothing goes wrong any more: whoever was frozen wakes up, and what nobody submitted is. */
  #calmDown(): void {
    this.#calmSince = this.#tick;
    this.#clockwork.calm();
    for (const host of this.#processes) host.thaw();
  }

  #isOver(): boolean {
    const runs = [...this.#truth.runs.values()];
    return this.#underWay.size === 0 && runs.every(({ head }) => isTerminal(head.status));
  }

  #tellUnrest(): void {
    const runs = [...this.#truth.runs.values()].filter(({ head }) => !isTerminal(head.status));
    const where = runs.map(({ runId, head }) => `${runId.slice(-4)} is ${head.status} (${head.reason ?? ""})`).join(", ");
    this.#truth.violate("rests", `after ${this.#tick} ticks ${where === "" ? "a call waits" : where}`);
  }

  #fire(event: SimEvent): void {
    this.#clockwork.note(event.kind);
    this.#fired.push(event.kind === "fault" ? event.mode : event.kind);
    switch (event.kind) {
      case "crash": {
        this.#crash(event.worker, event.downMs, event.noticedMs);
        return;
      }
      case "freeze": {
        const host = this.#process(event.worker);
        host.isFrozen = true;
        this.#clockwork.schedule(null, event.ms, () => host.thaw());
        return;
      }
      case "clock":
        this.#process(event.worker).stepClock(event.stepMs);
        return;
      case "fault":
        this.#clockwork.plan({ mode: event.mode, ms: event.ms });
        return;
      default:
        this.#call(event);
    }
  }

  #crash(index: number, downMs: number, noticedMs: number): void {
    const host = this.#process(index);
    host.kill();
    const notice = (): void => {
      this.#dead.add(host.owner);
    };
    if (noticedMs === 0) notice();
    else this.#clockwork.schedule(null, noticedMs, notice);
    this.#clockwork.schedule(null, downMs, () => {
      if (this.#process(index) === host) this.#processes[index] = this.#spawn(index);
    });
  }

  #call(event: Extract<SimEvent, { readonly run: number }>): void {
    const host = this.#process(event.worker);
    const runbook = this.#runbooks[event.run];
    if (!host.isAlive || runbook === undefined) return;
    const { runseal } = host;
    if (event.kind === "submit") {
      const options = { concurrency: this.#plan.runs[event.run]?.concurrency ?? 1 };
      this.#begin(host, () =>
        event.how === "submit" ? runseal.submit(runbook.id, options) : runseal.execute(runbook.id, options),
      );
      return;
    }
    const runId = this.#runIdOf(runbook.id);
    const stepId = this.#plan.runs[event.run]?.steps[event.step]?.id;
    if (runId === undefined || stepId === undefined) return;
    this.#begin(host, () => this.#message(runseal, event, runId, stepId));
  }

  #message(
    runseal: Runseal,
    event: Exclude<Extract<SimEvent, { readonly run: number }>, { readonly kind: "submit" }>,
    runId: string,
    stepId: string,
  ): Promise<unknown> {
    const principal = { subject: "somebody" };
    switch (event.kind) {
      case "signal":
        return runseal.signal(runId, stepId, event.payload);
      case "approve":
        return runseal.decide(runId, stepId, { verdict: "approve", principal, payload: event.payload });
      case "reject":
        return runseal.decide(runId, stepId, { verdict: "reject", principal });
      case "resolve":
        return this.#resolve(runseal, runId, stepId, event.payload === "no");
      case "cancel":
        return runseal.cancel(runId);
      case "pause":
        return runseal.pause(runId);
      case "resume":
        return runseal.resume(runId);
    }
  }

  /** A person looks at the service and says what happened, or gives the step up. */
  async #resolve(runseal: Runseal, runId: string, stepId: string, isGivenUp: boolean): Promise<void> {
    const principal = { subject: "somebody" };
    if (isGivenUp) return runseal.resolveDoubt(runId, stepId, { outcome: "failed", principal });
    // what is said is said of the attempt that was looked at: a later one may have done what this one had not
    const doubt = (await runseal.doubts()).find((open) => open.runId === runId && open.stepId === stepId);
    if (doubt === undefined) return;
    const { attempt } = doubt;
    const happened = this.#outside.happened(idempotencyKeyOf(SCOPE, runId, stepId));
    return happened
      ? runseal.resolveDoubt(runId, stepId, { outcome: "done", result: stepId, attempt, principal })
      : runseal.resolveDoubt(runId, stepId, { outcome: "not_done", attempt, principal });
  }

  #begin(host: SimProcess, call: () => Promise<unknown>): void {
    call().catch((error: unknown) => host.heard(error));
  }

  /** After the trouble everything is asked for that the runs still wait for, by processes that live. */
  async #answerAll(): Promise<void> {
    const host = this.#processes.find(({ isAlive }) => isAlive);
    if (host === undefined) return;
    for (const [index, runbook] of this.#runbooks.entries()) {
      if ((this.#plan.runs[index]?.steps.length ?? 0) === 0) continue;
      const runId = this.#runIdOf(runbook.id);
      if (runId === undefined || this.#truth.runs.get(runId)?.head.status !== "parked") continue;
      // read straight from the memory: looking changes nothing and takes no time
      const view = await this.#observer.status(runId);
      if (view.reason === "paused") this.#once(host, `resume ${runId}`, () => host.runseal.resume(runId));
      for (const step of view.steps) this.#answer(host, runId, step);
    }
  }

  #answer(host: SimProcess, runId: string, { stepId, status, wait }: StepState): void {
    const { runseal } = host;
    const principal = { subject: "somebody" };
    if (status === "in_doubt") this.#once(host, `doubt ${runId} ${stepId}`, () => this.#resolve(runseal, runId, stepId, false));
    if (wait?.reason === "awaiting_signal") {
      this.#untilPut(host, `signal ${runId} ${stepId}`, () => runseal.signal(runId, wait.key, "answered"));
    }
    if (wait?.reason === "human_gate") {
      const decision = { verdict: "approve", principal, payload: "agreed" } as const;
      this.#untilPut(host, `decide ${runId} ${stepId}`, () => runseal.decide(runId, stepId, decision));
    }
  }

  /** What has been put is not put again: somebody who asks all the time leaves the clock no moment to go on. */
  #untilPut(host: SimProcess, name: string, call: () => Promise<unknown>): void {
    if (this.#put.has(name)) return;
    this.#once(host, name, async () => {
      await call();
      this.#put.add(name);
    });
  }

  #once(host: SimProcess, name: string, call: () => Promise<unknown>): void {
    if (this.#underWay.has(name)) return;
    this.#underWay.add(name);
    const done = (): void => {
      this.#underWay.delete(name);
    };
    call().then(done, (error: unknown) => {
      done();
      host.heard(error);
    });
  }

  /** What can be said only at the end: logs verify, heads can be made anew, and no message that was taken is missing in its log. */
  async #inspect(): Promise<void> {
    const { runs } = this.#truth;
    const heads = await this.#heads();
    await this.#base.projections.rebuild(SCOPE);
    if (JSON.stringify(heads) !== JSON.stringify(await this.#heads()))
      this.#truth.violate("heads_rebuild", "heads made anew differ");
    for (const { runId, signals } of runs.values()) {
      const { integrity, completeness, problems } = await this.#observer.verify(runId);
      if (integrity !== "ok" || completeness !== "full" || problems.length > 0) {
        this.#truth.violate("verifies", `run ${runId}: ${JSON.stringify({ integrity, completeness, problems })}`);
      }
      for (const { key, kind, consumed } of await this.#base.inbox.all(SCOPE, runId)) {
        if (kind !== "signal" || !consumed || signals.has(key.slice("signal:".length))) continue;
        this.#truth.violate("message_kept", `"${key}" of run ${runId} was taken and is not in its log`);
      }
    }
  }

  async #heads(): Promise<readonly unknown[]> {
    const heads: unknown[] = [];
    for await (const { stream, seq, hash, epoch, run } of this.#base.reader.heads(SCOPE))
      heads.push({ stream, seq, hash, epoch, run });
    return heads;
  }

  #runIdOf(runbookId: string): string | undefined {
    for (const { runId, head } of this.#truth.runs.values()) if (head.runbookId === runbookId && !isVoidEnd(head)) return runId;
    return undefined;
  }

  #process(index: number): SimProcess {
    return present(this.#processes[index], "a simulation has its workers");
  }

  #spawn(index: number): SimProcess {
    this.#born += 1;
    return new SimProcess({
      name: `w${index}.${this.#born}`,
      seed: this.#plan.seed * 31 + this.#born,
      clockwork: this.#clockwork,
      truth: this.#truth,
      inner: memoryStores({ sharedWith: this.#base }),
      wrap: this.#wrap,
      handlers: (host) => this.#outside.handlers(host),
    });
  }
}

function isVoidEnd(head: RunHead): boolean {
  return isTerminal(head.status) && head.useKey === null;
}

/** Everything that can run has run when this comes back: one macrotask, and the queue of microtasks is empty. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
