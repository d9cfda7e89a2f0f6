import { SeededRandom } from "../seeded-random.js";

/** What a step of a simulated run does in the world. */
export type SimKind = "pure" | "read" | "fact" | "idempotent" | "reconcile" | "manual" | "durable" | "gate";

/** How one call of a handler goes. */
export type SimHow = "ok" | "no" | "fails" | "gives_up" | "never" | "slow" | "bad_result";

/** One step of a simulated run. */
export interface SimStep {
  readonly id: string;
  readonly kind: SimKind;
  readonly dependsOn: readonly string[];
  /** By calls of the step so far; later ones go well. */
  readonly how: readonly SimHow[];
  /** What it writes: few names, so that runs meet. */
  readonly entity: string;
  /** It starts only when the first step that it depends on did not say "no". */
  readonly isConditional: boolean;
  readonly isOptional: boolean;
  /** A durable step waits no longer than this, milliseconds; `null` = for ever. */
  readonly waitMs: number | null;
}

/** One run to be simulated. */
export interface SimRun {
  readonly steps: readonly SimStep[];
  readonly concurrency: number;
  readonly onFailure: "stop" | "continue_independent";
  readonly deadlineMs: number | null;
}

/** Something that is done to the workers, their store or their runs when the simulation has come to a tick. */
export type SimEvent = { readonly at: number } & (
  | { readonly kind: "submit"; readonly run: number; readonly worker: number; readonly how: "submit" | "execute" }
  | {
      readonly kind: "signal" | "approve" | "reject" | "resolve" | "cancel" | "pause" | "resume";
      readonly run: number;
      readonly step: number;
      readonly worker: number;
      readonly payload: string;
    }
  | { readonly kind: "crash"; readonly worker: number; readonly downMs: number; readonly noticedMs: number }
  | { readonly kind: "freeze"; readonly worker: number; readonly ms: number }
  | { readonly kind: "clock"; readonly worker: number; readonly stepMs: number }
  | { readonly kind: "fault"; readonly mode: SimFault; readonly ms: number }
);

/** How the store call that comes next goes wrong. */
export type SimFault = "before" | "after" | "delay" | "duplicate";

/** Everything that one seed says, as data, so that parts can be left out. */
export interface SimPlan {
  readonly seed: number;
  readonly runs: readonly SimRun[];
  readonly events: readonly SimEvent[];
  /** How often time goes on although a store call is due: a slow store. */
  readonly slowness: number;
}

const KINDS: readonly SimKind[] = ["pure", "read", "fact", "idempotent", "idempotent", "reconcile", "manual", "durable", "gate"];
const TICKS = 360;
const WORKERS = 3;

/** Draws a plan: every seed turns another part of the possible trouble on. */
export function simPlanOf(seed: number): SimPlan {
  const random = new SeededRandom(seed);
  const isMisbehaving = random.chance(0.7);
  const runs = Array.from({ length: 1 + random.below(3) }, () => runOf(random, isMisbehaving));
  const events = [...submissions(random, runs), ...messages(random, runs), ...troubles(random)];
  events.sort((a, b) => a.at - b.at);
  return { seed, runs, events, slowness: random.pick([0, 0.02, 0.1, 0.3]) };
}

function runOf(random: SeededRandom, isMisbehaving: boolean): SimRun {
  const size = 1 + random.below(6);
  return {
    steps: Array.from({ length: size }, (_, position) => stepOf(random, position, isMisbehaving)),
    concurrency: 1 + random.below(3),
    onFailure: random.pick(["stop", "continue_independent"]),
    deadlineMs: random.chance(0.1) ? 5_000 + random.below(60_000) : null,
  };
}

function stepOf(random: SeededRandom, position: number, isMisbehaving: boolean): SimStep {
  const before = Array.from({ length: position }, (_, index) => index);
  const dependsOn = before.filter(() => random.chance(1.2 / Math.max(1, position))).map((index) => `s${index}`);
  return {
    id: `s${position}`,
    kind: random.pick(KINDS),
    dependsOn,
    how: Array.from({ length: 1 + random.below(3) }, () => howOf(random, isMisbehaving)),
    entity: `e${random.below(3)}`,
    isConditional: random.chance(0.2),
    isOptional: random.chance(0.3),
    waitMs: random.chance(0.2) ? 1_000 + random.below(20_000) : null,
  };
}

function howOf(random: SeededRandom, isMisbehaving: boolean): SimHow {
  if (!isMisbehaving || random.chance(0.6)) return random.chance(0.1) ? "no" : "ok";
  return random.pick(["fails", "fails", "gives_up", "never", "slow", "slow", "bad_result"]);
}

function submissions(random: SeededRandom, runs: readonly SimRun[]): SimEvent[] {
  return runs.flatMap((_, run): SimEvent[] => {
    const submit = (): SimEvent => ({
      at: 1 + random.below(60),
      kind: "submit",
      run,
      worker: random.below(WORKERS),
      how: random.pick(["submit", "execute"]),
    });
    return random.chance(0.2) ? [submit(), submit()] : [submit()];
  });
}

function messages(random: SeededRandom, runs: readonly SimRun[]): SimEvent[] {
  const kinds = (["signal", "approve", "reject", "resolve", "cancel", "pause", "resume"] as const).filter(() =>
    random.chance(0.5),
  );
  if (kinds.length === 0) return [];
  return Array.from({ length: random.below(7) }, (): SimEvent => {
    const run = random.below(runs.length);
    const kind = random.pick(kinds);
    const step = random.below(runs[run]?.steps.length ?? 1);
    return {
      at: random.below(TICKS),
      kind,
      run,
      step,
      worker: random.below(WORKERS),
      payload: random.pick(["yes", "yes", "no"]),
    };
  });
}

function troubles(random: SeededRandom): SimEvent[] {
  const events: SimEvent[] = [];
  const some = (most: number, make: (at: number) => SimEvent): void => {
    if (random.chance(0.4)) return;
    for (let count = random.below(most + 1); count > 0; count -= 1) events.push(make(random.below(TICKS)));
  };
  const worker = (): number => random.below(WORKERS);
  const ms = (most: number): number => random.below(most);
  some(3, (at) => ({ at, kind: "crash", worker: worker(), downMs: ms(20_000), noticedMs: random.pick([0, 0, 15_000]) }));
  some(3, (at) => ({ at, kind: "freeze", worker: worker(), ms: random.pick([1_000, 9_000, 15_000, 40_000]) }));
  some(3, (at) => ({ at, kind: "clock", worker: worker(), stepMs: ms(40_000) - 20_000 }));
  const modes = (["before", "after", "delay", "duplicate"] as const).filter(() => random.chance(0.5));
  if (modes.length > 0) some(10, (at) => ({ at, kind: "fault", mode: random.pick(modes), ms: random.pick([10, 1_000, 12_000]) }));
  return events;
}

/** The names of everything that can be left out of a plan: `e3` an event, `r1` a run, `r0.s2` a step. */
export function partsOfPlan(plan: SimPlan): readonly string[] {
  const runs = plan.runs.flatMap(({ steps }, run) => [`r${run}`, ...steps.map(({ id }) => `r${run}.${id}`)]);
  return [...plan.events.map((_, index) => `e${index}`), ...runs];
}

/** The plan without some of its parts. What depended on a step that is gone depends on nothing; numbers of runs stay. */
export function planWithout(plan: SimPlan, without: ReadonlySet<string>): SimPlan {
  const runs = plan.runs.map((run, index): SimRun => {
    const isGone = (id: string): boolean => without.has(`r${index}.${id}`);
    const steps = run.steps.filter(({ id }) => !isGone(id));
    return { ...run, steps: steps.map((step) => ({ ...step, dependsOn: step.dependsOn.filter((id) => !isGone(id)) })) };
  });
  const hasRun = (run: number): boolean => !without.has(`r${run}`) && (runs[run]?.steps.length ?? 0) > 0;
  const events = plan.events.filter((event, index) => !without.has(`e${index}`) && (!("run" in event) || hasRun(event.run)));
  return { ...plan, runs, events };
}
