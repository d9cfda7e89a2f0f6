import type { Reading } from "./run-program.js";
import { median } from "../bench-run.js";

/** Readings of one round: workload, then contender. */
export type Round = ReadonlyMap<string, ReadonlyMap<string, Reading>>;

/** A mark and how a round answers it. `undefined`: one of the two did not run in that round. */
export interface Mark {
  readonly work: string;
  readonly against: string;
  readonly bound: { readonly atLeast: number } | { readonly atMost: number };
  readonly of: (round: Round) => number | undefined;
}

/** How a mark came out over the rounds. */
export interface Verdict {
  readonly mark: Mark;
  /** One value a round in which it could be taken. */
  readonly values: readonly number[];
  readonly measured: number | undefined;
  readonly isMet: boolean | undefined;
}

/** A mark is met within this part of it. */
const TOLERANCE = 0.05;

/** Every row of the table, for the workloads that were run. */
export const MARKS: readonly Mark[] = [
  faster("seq1000", "bare", 0.85),
  { work: "seq1000", against: "SQL round trips a step", bound: { atMost: 1.1 }, of: statementsPerStep("seq1000") },
  faster("seq1000", "dbos", 4),
  faster("seq1000", "openworkflow", 3),
  faster("seq1000", "restate", 2.5),
  faster("conc8", "dbos", 8),
  faster("conc8", "openworkflow", 12),
  faster("conc8", "restate", 6),
  faster("conc32", "dbos", 15),
  faster("conc32", "openworkflow", 8),
  faster("conc32", "restate", 8),
  faster("conc32", "bare", 2.5),
  { work: "conc32", against: "SQL round trips a step", bound: { atMost: 0.25 }, of: statementsPerStep("conc32") },
  faster("pure1000", "bare", 10),
  ...["seq1000", "conc8", "conc32"].flatMap((work): Mark[] => [
    {
      work,
      against: "dbos: WAL bytes a step",
      bound: { atMost: 1.3 },
      of: ratio(work, "runseal", work, "dbos", walPerStep),
    },
    { work, against: "WAL bytes a step", bound: { atMost: 1_000 }, of: (round) => valueOf(round, work, "runseal", walPerStep) },
  ]),
  {
    work: "conc32",
    against: "dbos: peak resident memory",
    bound: { atMost: 1 },
    of: ratio("conc32", "runseal", "conc32", "dbos", peak),
  },
  {
    work: "pickup",
    against: "graphile-worker: p50",
    bound: { atMost: 1 },
    of: noteRatio("pickup", "runseal", "graphile-worker", "p50"),
  },
  {
    work: "pickup",
    against: "graphile-worker: p99",
    bound: { atMost: 1 },
    of: noteRatio("pickup", "runseal", "graphile-worker", "p99"),
  },
  ...["runseal-100", "runseal-10000"].map((name): Mark => ({
    work: "recovery",
    against: `lease terms until all are claimed, ${name.slice("runseal-".length)} runs`,
    bound: { atMost: 1.5 },
    of: (round) => valueOf(round, "recovery", name, note("terms")),
  })),
  {
    work: "recovery",
    against: "100 runs: cost a run at 10,000",
    bound: { atMost: 1.3 },
    of: noteRatio("recovery", "runseal-10000", "runseal-100", "perRun"),
  },
  ...["append", "resume", "verify"].map((part): Mark => ({
    work: "longrun",
    against: `1,000 events: ${part}, an event of 100,000`,
    bound: { atMost: 1.3 },
    of: noteRatio("longrun", "runseal-100000", "runseal-1000", part),
  })),
];

/** Every mark of the workloads that were run, answered: the median of what the rounds say. */
export function judge(rounds: readonly Round[], workloads: readonly string[]): readonly Verdict[] {
  return MARKS.filter(({ work }) => workloads.includes(work)).map((mark) => {
    const values = rounds.map(mark.of).filter((value) => value !== undefined);
    const measured = values.length === 0 ? undefined : median(values);
    return { mark, values, measured, isMet: measured === undefined ? undefined : isWithin(measured, mark.bound) };
  });
}

/** Steps a second by the clock. */
export function rateOf({ steps, ms }: Reading): number {
  return (steps / ms) * 1_000;
}

function isWithin(value: number, bound: Mark["bound"]): boolean {
  return "atLeast" in bound ? value >= bound.atLeast * (1 - TOLERANCE) : value <= bound.atMost * (1 + TOLERANCE);
}

function faster(work: string, than: string, atLeast: number): Mark {
  return { work, against: `${than}: steps/s`, bound: { atLeast }, of: ratio(work, "runseal", work, than, rateOf) };
}

function ratio(
  work: string,
  name: string,
  otherWork: string,
  other: string,
  of: (reading: Reading) => number | undefined,
): Mark["of"] {
  return (round) => {
    const one = valueOf(round, work, name, of);
    const yardstick = valueOf(round, otherWork, other, of);
    return one === undefined || yardstick === undefined ? undefined : one / yardstick;
  };
}

function noteRatio(work: string, name: string, other: string, which: string): Mark["of"] {
  return ratio(work, name, work, other, note(which));
}

function note(which: string): (reading: Reading) => number | undefined {
  return ({ notes }) => notes?.[which];
}

function statementsPerStep(work: string): Mark["of"] {
  return (round) => valueOf(round, work, "runseal", ({ statements, steps }) => statements / steps);
}

function walPerStep({ walBytes, steps }: Reading): number {
  return walBytes / steps;
}

function peak({ rssPeak }: Reading): number | undefined {
  return rssPeak ?? undefined;
}

function valueOf(round: Round, work: string, name: string, of: (reading: Reading) => number | undefined): number | undefined {
  const reading = round.get(work)?.get(name);
  return reading === undefined ? undefined : of(reading);
}
