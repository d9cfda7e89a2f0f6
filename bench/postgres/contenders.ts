import type { Work } from "./programs/program.mjs";

/** Which program of ours, or which peer, does a workload, and how much of it. */
export interface Contender {
  /** How it is called in tables; unique within its workload. */
  readonly name: string;
  readonly program: string;
  /** The package under `bench/node_modules`; absent: a program of ours. */
  readonly peer?: string;
  /** Peers that say so in their `engines`, or fail without saying so, run on it. */
  readonly needsNode22?: boolean;
  readonly variant: string;
  readonly work: Work;
  readonly warm?: Work;
  readonly timeoutMs: number;
}

/** Contenders of one workload, in the order of the first round. */
export interface Workload {
  readonly name: string;
  readonly says: string;
  readonly contenders: readonly Contender[];
}

/**
 * Sizes of a bench; `scale` makes all of them smaller for a trial. Before the clock starts every engine does `warm` times as much, so that compiled
 * code and not its compilation is measured.
 */
export function workloads(scale: number, warm: number): readonly Workload[] {
  const size = (count: number): number => Math.max(1, Math.round(count * scale));
  const seq = { runs: 1, steps: size(1_000), concurrency: 1 };
  const seqWarm = { ...seq, runs: warm };
  const conc = (concurrency: number): Work => ({ runs: size(200), steps: 5, concurrency });
  const concWarm = (concurrency: number): Work => ({ ...conc(concurrency), runs: size(200) * warm });
  return [
    { name: "seq1000", says: `1 run x ${seq.steps} writing steps`, contenders: engines(seq, seqWarm) },
    { name: "conc8", says: `${conc(8).runs} runs x 5 writing steps, 8 at once`, contenders: engines(conc(8), concWarm(8)) },
    { name: "conc32", says: `${conc(32).runs} runs x 5 writing steps, 32 at once`, contenders: engines(conc(32), concWarm(32)) },
    {
      name: "pure1000",
      says: `1 run x ${seq.steps} pure steps`,
      contenders: [ours("bare", "bare", "", seq, seqWarm), ours("runseal", "runseal", "pure", seq, seqWarm)],
    },
    {
      name: "pickup",
      says: `${size(200)} runs enqueued one at a time for an idle worker elsewhere`,
      contenders: pickup(size(200)),
    },
    { name: "longrun", says: "runs of 1,000 and of 100,000 events", contenders: longrun(size(100_000)) },
    { name: "recovery", says: "100 and 10,000 runs of a worker that died", contenders: recovery(size(100), size(10_000)) },
  ];
}

function engines(work: Work, warm: Work): readonly Contender[] {
  return [
    ours("bare", "bare", "", work, warm),
    ours("runseal", "runseal", "", work, warm),
    ours("runseal-locked", "runseal", "locked", work, warm),
    { ...ours("dbos", "dbos", "", work, warm), peer: "@dbos-inc/dbos-sdk" },
    { ...ours("openworkflow", "openworkflow", "", work, warm), peer: "openworkflow" },
    { ...ours("restate", "restate", "", work, warm), peer: "@restatedev/restate-sdk", needsNode22: true },
  ];
}

function pickup(runs: number): readonly Contender[] {
  const work = { runs, steps: 1, concurrency: 1 };
  const warm = { ...work, runs: 20 };
  return [
    ours("runseal", "pickup", "", work, warm),
    { ...ours("graphile-worker", "graphile-worker", "", work, warm), peer: "graphile-worker", needsNode22: true },
  ];
}

function longrun(events: number): readonly Contender[] {
  const warm = { runs: 2, steps: 1_000, concurrency: 1 };
  return [
    ours("runseal-1000", "longrun", "", { ...warm, runs: 10 }, warm),
    { ...ours("runseal-100000", "longrun", "", { ...warm, runs: 1, steps: events }, warm), timeoutMs: 600_000 },
  ];
}

function recovery(few: number, many: number): readonly Contender[] {
  const work = { steps: 1, concurrency: 64 };
  return [
    { ...ours("runseal-100", "recovery", "", { ...work, runs: few }), timeoutMs: 240_000 },
    { ...ours("runseal-10000", "recovery", "", { ...work, runs: many }), timeoutMs: 300_000 },
  ];
}

function ours(name: string, program: string, variant: string, work: Work, warm?: Work): Contender {
  return { name, program, variant, work, timeoutMs: 240_000, ...(warm === undefined ? {} : { warm }) };
}
