import type { SimEvent, SimPlan } from "./sim-plan.js";
import type { SimOutcome } from "./simulation.js";
import type { SimRule } from "./sim-truth.js";
import type { Stores } from "../../stores/stores.js";
import { Simulation } from "./simulation.js";
import { partsOfPlan, planWithout, simPlanOf } from "./sim-plan.js";

/** What {@link simulate} takes. */
export interface SimulateOptions {
  /** Says everything: runs, messages, crashes, faults, and the order of every store call. */
  readonly seed: number;
  /** Parts of the seed's plan to leave out, as a failure names them. Default: none. */
  readonly without?: readonly string[];
  /** Put between each worker and the store, e.g. to see that a broken store is found. Default: nothing. */
  readonly stores?: (inner: Stores) => Stores;
  /** Plays of smaller plans after a failure, at most. Default 300; 0 = tell the failure as it was found. */
  readonly shrinksMax?: number;
}

/** A broken invariant, and the smallest plan that was found to break it. */
export interface SimulationFailure {
  readonly rule: SimRule;
  readonly message: string;
  /** The line that plays it again. */
  readonly reproduce: string;
  readonly without: readonly string[];
  /** What is left of the plan, one line a part, in order of time. */
  readonly story: readonly string[];
}

/** What came of one seed. */
export interface SimulationReport {
  readonly seed: number;
  /** Digest of everything that happened, in order: equal for equal seeds. */
  readonly trace: string;
  readonly ticks: number;
  /** How the runs ended. */
  readonly statuses: readonly string[];
  /** What was done to them, in order: `submit`, `crash`, `freeze`, `clock`, `before` … */
  readonly events: readonly string[];
  readonly failure: SimulationFailure | null;
}

/**
 * Plays three workers over one store in memory, with time, chance, the order of all store calls, crashes, frozen processes, clock
 * steps and failing calls drawn from a seed, and checks the invariants of durable execution all the way.
 *
 * Random runs of random steps are submitted, signaled, decided, paused, canceled and resolved meanwhile. When the trouble is over, every
 * run must come to rest and, answered, to its end. A seed always does the same; one that fails is shrunk before it is told.
 *
 * Cost: about 10 to 30 ms of processor time a seed.
 */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  const { seed, shrinksMax = 300 } = options;
  const wrap = options.stores ?? ((inner: Stores) => inner);
  const plan = simPlanOf(seed);
  const without = new Set(options.without ?? []);
  const first = await playOf(plan, without, wrap);
  const { violation, ...played } = first;
  if (violation === undefined) return { seed, ...played, failure: null };
  const shrunk = await shrink({ plan, wrap, rule: violation.rule, triesMax: shrinksMax }, without, first);
  const { message } = shrunk.outcome.violation ?? violation;
  const parts = [...shrunk.without];
  const reproduce = `simulate({ seed: ${seed}${parts.length === 0 ? "" : `, without: ${JSON.stringify(parts)}`} })`;
  const story = storyOf(planWithout(plan, shrunk.without));
  return { seed, ...played, failure: { rule: violation.rule, message, reproduce, without: parts, story } };
}

interface Shrinking {
  readonly plan: SimPlan;
  readonly wrap: (stores: Stores) => Stores;
  readonly rule: SimRule;
  readonly triesMax: number;
}

interface Shrunk {
  readonly without: ReadonlySet<string>;
  readonly outcome: SimOutcome;
}

/** Leaves out larger, then smaller pieces for as long as the same rule is still broken without them. */
async function shrink(shrinking: Shrinking, without: ReadonlySet<string>, first: SimOutcome): Promise<Shrunk> {
  const { plan, wrap, rule, triesMax } = shrinking;
  let best: Shrunk = { without, outcome: first };
  let tries = 0;
  for (let size = 8; size >= 1; size = Math.floor(size / 2)) {
    const parts = partsOfPlan(plan).filter((part) => !best.without.has(part));
    for (let start = 0; start < parts.length && tries < triesMax; start += size) {
      const smaller = new Set([...best.without, ...parts.slice(start, start + size)]);
      tries += 1;
      const outcome = await playOf(plan, smaller, wrap);
      if (outcome.violation?.rule === rule) best = { without: smaller, outcome };
    }
  }
  return best;
}

function playOf(plan: SimPlan, without: ReadonlySet<string>, wrap: (stores: Stores) => Stores): Promise<SimOutcome> {
  return new Simulation(planWithout(plan, without), wrap).play();
}

function storyOf(plan: SimPlan): readonly string[] {
  const runs = plan.runs.flatMap(({ steps, concurrency, onFailure }, run) => [
    ...(steps.length === 0 ? [] : [`run ${run}: ${concurrency} at a time, ${onFailure}`]),
    ...steps.map((step) => `  ${step.id} ${step.kind} after [${step.dependsOn.join(" ")}]: ${step.how.join(", ")}`),
  ]);
  return [...runs, ...plan.events.map(lineOf)];
}

function lineOf(event: SimEvent): string {
  const { at, kind, ...rest } = event;
  return `at ${at} ${kind} ${JSON.stringify(rest)}`;
}
