import { allowAll, createRunseal, createWorker } from "runseal";
import type { Doubt, Runseal, RunView, Stores } from "runseal";
import type { Fault, ManualClock } from "runseal/testing";
import { failingStores } from "runseal/testing";
import { interceptStores } from "../../src/testing/intercept-stores.js";
import type { CommitAnswer } from "../../src/stores/event-store.js";
import { stories } from "./scenarios.js";
import type { Scenario } from "./scenarios.js";
import { World } from "./world.js";

/** How a fault loop breaks one call, and how the run is carried on after it. */
export const MODES = ["before", "after", "crash_before", "crash_after", "delay", "late", "duplicate", "down"] as const;
export type Mode = (typeof MODES)[number];

/** Where a play happens: clean stores, and another view of the same data that faults are put into. */
export interface Stage {
  readonly clock: ManualClock;
  readonly clean: Stores;
  readonly faulty: Stores;
  /** Says that the process of the faulty stores is dead. */
  readonly bury: () => void;
  readonly scope: string;
}

/** What came of a play. */
export interface Played {
  readonly isFired: boolean;
  readonly calls: number;
  readonly ends: readonly RunEnd[];
  readonly problems: readonly string[];
}

/**
 * Whether a play came to an end that is allowed: that of the undisturbed one, or a run refused because a process that is frozen or cut
 * off, and alive, holds its locks.
 */
export function isAllowed(mode: Mode, ends: readonly RunEnd[], undisturbed: readonly RunEnd[]): boolean {
  return ends.every((end, index) => {
    if (JSON.stringify(end) === JSON.stringify(undisturbed[index])) return true;
    return end.reason === "lock.contention" && ends.length > 1 && (mode === "late" || mode === "down");
  });
}

/** A run at rest, without anything that depends on how often something was tried. */
export interface RunEnd {
  readonly name: string;
  readonly status: string;
  readonly reason: string | null;
  readonly output: unknown;
  readonly steps: readonly unknown[];
}

const ROUND_MS = 1_000;
/** Rounds in which a run rests, whatever happened: liveness. */
const ROUNDS_MAX = 90;

/** Plays a scenario with call `n` of its stores broken, recovers, and tells how its runs rest. */
export async function play(stage: Stage, scenario: Scenario, mode: Mode, n: number): Promise<Played> {
  const world = new World(scenario.failing);
  const observer = processOf(stage, listening(stage.clean, world), world, () => true);
  const ids = await compileAll(observer.runseal, scenario);
  const broken = failingStores(listening(stage.faulty, world), faultsOf(mode, n), { clock: stage.clock });
  const first = processOf(stage, broken, world, () => !broken.isCrashed);
  const pilot = new Pilot(stage, scenario, ids, observer.runseal, world);
  const isCarriedOn = mode === "down" || mode === "late";
  const firstRounds = isCarriedOn ? 15 : ROUNDS_MAX;
  await pilot.fly(first, () => broken.isCrashed || (mode === "down" && broken.fired.length > 3), firstRounds);
  const { calls } = broken;
  const isFired = broken.fired.length > 0;
  if (!(await pilot.isRested())) {
    if (broken.isCrashed) stage.bury();
    observer.worker.start();
    await pilot.fly(observer, () => false, ROUNDS_MAX);
  }
  const before = await pilot.ends();
  broken.release();
  await close(stage.clock, broken.isCrashed ? [observer] : [first, observer]);
  // longer than a lease: whoever still believes that a run is theirs has tried to write
  await stage.clock.advance(12_000);
  const ends = await pilot.ends();
  const problems = [...world.violations, ...(await pilot.problems()), ...effectProblems(world)];
  if (JSON.stringify(before) !== JSON.stringify(ends)) problems.push("something changed after the runs rested");
  return { isFired, calls, ends, problems };
}

function faultsOf(mode: Mode, at: number): readonly Fault[] {
  switch (mode) {
    case "late":
      return [{ mode: "delay", at, isLasting: true }];
    case "delay":
      return [{ mode, at, delayMs: 3_000 }];
    case "down":
      return [{ mode: "before", at, isLasting: true }];
    default:
      return [{ mode, at }];
  }
}

interface Process {
  readonly runseal: Runseal;
  readonly worker: ReturnType<typeof createWorker>;
}

function processOf(stage: Stage, stores: Stores, world: World, isAlive: () => boolean): Process {
  const options = {
    catalog: stories,
    handlers: world.handlers(isAlive),
    policy: allowAll(),
    clock: stage.clock,
    scope: stage.scope,
  };
  const runseal = createRunseal({ ...options, stores }) as Runseal;
  return { runseal, worker: createWorker(runseal) };
}

/** Stores that tell the world of every commit. */
function listening(stores: Stores, world: World): Stores {
  const events: Stores["events"] = {
    commit: async (writes, options) => heard(await stores.events.commit(writes, options), () => world.committed(writes)),
    commitMany: (commits) => stores.events.commitMany(commits),
  };
  // the wrapper's own prototype-free copy keeps every other port
  return interceptStores({ ...stores, events }, (_, call) => call());
}

function heard(answer: CommitAnswer, tell: () => void): CommitAnswer {
  if (answer.kind === "committed") tell();
  return answer;
}

async function compileAll(runseal: Runseal, scenario: Scenario): Promise<readonly string[]> {
  const ids: string[] = [];
  const [first] = scenario.runs;
  const child = scenario.child === undefined ? undefined : await compileOne(runseal, scenario.child, { ...first?.args });
  for (const { macro, args } of scenario.runs) {
    ids.push(await compileOne(runseal, macro, { ...args, ...(child !== undefined && { child }) }));
  }
  return ids;
}

async function compileOne(runseal: Runseal, name: string, args: { readonly [member: string]: string }): Promise<string> {
  const outcome = await runseal.compile({ name, args }, { intent: "told-once" });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  return outcome.runbook.id;
}

/** Ends processes that live; time goes on while they hand over what they have. */
async function close(clock: ManualClock, living: readonly Process[]): Promise<void> {
  const progress = { isOver: false };
  const over = (): void => {
    progress.isOver = true;
  };
  Promise.all(living.map(({ worker }) => worker.drain())).then(over, over);
  for (let round = 0; round < ROUNDS_MAX && !progress.isOver; round += 1) await clock.advance(ROUND_MS);
}

/** The caller of a service: starts the runs, answers what they wait for, and tries again when a call fails. */
class Pilot {
  readonly #stage: Stage;
  readonly #scenario: Scenario;
  readonly #ids: readonly string[];
  readonly #observer: Runseal;
  readonly #world: World;
  readonly #underWay = new Set<string>();

  constructor(stage: Stage, scenario: Scenario, ids: readonly string[], observer: Runseal, world: World) {
    this.#stage = stage;
    this.#scenario = scenario;
    this.#ids = ids;
    this.#observer = observer;
    this.#world = world;
  }

  async fly({ runseal, worker }: Process, isOver: () => boolean, roundsMax: number): Promise<void> {
    this.#underWay.clear();
    worker.start();
    for (let round = 0; round < roundsMax; round += 1) {
      for (const id of this.#ids) this.#start(runseal, id);
      for (const view of await this.#views("parked")) this.#answer(runseal, view);
      for (const doubt of await this.#observer.doubts()) this.#settle(runseal, doubt);
      await this.#stage.clock.advance(0);
      if (isOver() || (await this.isRested())) return;
      await this.#stage.clock.advance(ROUND_MS);
    }
  }

  async isRested(): Promise<boolean> {
    const runs = (await this.#observer.list()).filter(({ parent }) => parent === null);
    return runs.length === this.#ids.length && runs.every(isTerminal);
  }

  async ends(): Promise<readonly RunEnd[]> {
    const views = await this.#views();
    return this.#ids.map((id, index) => {
      const view = views.find((each) => each.runbookId === id);
      const steps = view?.steps.map(({ stepId, status, result, skipReason }) => ({ stepId, status, result, skipReason })) ?? [];
      const { status = "missing", reason = null, output = null } = view ?? {};
      return { name: this.#scenario.runs[index]?.macro ?? "", status, reason, output, steps };
    });
  }

  /** What verification and the heads have to say against the runs. */
  async problems(): Promise<readonly string[]> {
    const problems: string[] = [];
    const views = await this.#views();
    const children = this.#scenario.child === undefined ? 0 : this.#ids.length;
    if (views.length !== this.#ids.length + children) problems.push(`${views.length} runs of ${this.#ids.length} runbooks`);
    for (const view of views) {
      const verdict = await this.#observer.verify(view.runId);
      if (verdict.integrity !== "ok" || verdict.completeness !== "full") problems.push(`verify: ${JSON.stringify(verdict)}`);
      problems.push(...verdict.problems.map(({ rule, message }) => `${rule}: ${message}`));
    }
    return problems;
  }

  async #views(of: "all" | "parked" = "all"): Promise<readonly RunView[]> {
    const runs = await this.#observer.list(of === "all" ? {} : { status: ["parked"] });
    return Promise.all(runs.map(({ runId }) => this.#observer.status(runId)));
  }

  #start(runseal: Runseal, id: string): void {
    const options = { concurrency: this.#scenario.concurrency };
    this.#once(`start ${id}`, () =>
      this.#scenario.start === "execute" ? runseal.execute(id, options) : runseal.submit(id, options),
    );
  }

  #answer(runseal: Runseal, view: RunView): void {
    const { runId, steps } = view;
    for (const { stepId, wait } of steps) {
      if (wait?.reason === "awaiting_signal") {
        this.#once(`signal ${stepId}`, () => runseal.signal(runId, wait.key, { noted: "answered" }));
      }
      if (wait?.reason === "human_gate") {
        const decision = { verdict: "approve", principal: { subject: "ines" }, payload: { noted: "agreed" } } as const;
        this.#once(`decide ${stepId}`, () => runseal.decide(runId, stepId, decision));
      }
    }
  }

  /** A person looks the key up at the service, and says what is there. */
  #settle(runseal: Runseal, { runId, stepId, attempt, idempotencyKey }: Doubt): void {
    const principal = { subject: "ines" };
    const happened = this.#world.effects.has(idempotencyKey);
    const said = happened ? ({ outcome: "done", result: { noted: "ten" } } as const) : ({ outcome: "not_done" } as const);
    this.#once(`doubt ${stepId} ${attempt}`, () => runseal.resolveDoubt(runId, stepId, { ...said, principal }));
  }

  /** Makes a call unless it is under way or went through; one that failed is made again in the next round. */
  #once(name: string, call: () => Promise<unknown>): void {
    if (this.#underWay.has(name)) return;
    this.#underWay.add(name);
    call().then(
      () => undefined,
      () => this.#underWay.delete(name),
    );
  }
}

function isTerminal({ status }: Pick<RunView, "status">): boolean {
  return status === "completed" || status === "failed" || status === "canceled";
}

/** Where the outside does not honour keys, an effect happens at most once. */
function effectProblems(world: World): readonly string[] {
  return [...world.effects].flatMap(([key, count]) => (count > 1 ? [`${count} effects under ${key.slice(0, 8)}`] : []));
}
