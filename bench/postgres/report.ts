import type { Reading } from "./run-program.js";
import type { Round, Verdict } from "./marks.js";
import type { Workload } from "./contenders.js";
import { median } from "../bench-run.js";
import { rateOf } from "./marks.js";

/** What is reported. */
export interface Outcome {
  readonly rounds: readonly Round[];
  readonly verdicts: readonly Verdict[];
  readonly workloads: readonly Workload[];
  /** What did not run, and why. */
  readonly problems: ReadonlyMap<string, string>;
  readonly setting: string;
  /** What our programs ran over. */
  readonly store: string;
}

/** Marks, rates and counters as tables of Markdown. */
export function report({ rounds, verdicts, workloads, problems, setting, store }: Outcome): string {
  const parts = [
    `${setting}.`,
    `Medians of ${rounds.length} rounds (least..most); ratios are taken inside a round; a mark is met within 5 % of it.`,
    ...(store === "postgres" ? [] : [`A trial over ${store}: no mark is for it.`]),
    table(["work", "against", "mark", "measured", ""], verdicts.map(verdictRow)),
    ...workloads.map((workload) => `${workload.name}: ${workload.says}\n\n${readings(workload, rounds)}`),
  ];
  if (problems.size > 0)
    parts.push(`Did not run, not scored:\n\n${[...problems].map(([what, why]) => `- ${what}: ${why}`).join("\n")}`);
  return parts.join("\n\n");
}

function verdictRow({ mark, values, measured, isMet }: Verdict): readonly string[] {
  const bound = "atLeast" in mark.bound ? `>= ${mark.bound.atLeast}` : `<= ${mark.bound.atMost}`;
  const answer = isMet === undefined ? "not measured" : isMet ? "met" : "**not met**";
  return [mark.work, mark.against, bound, measured === undefined ? "-" : spread(values, shortNumber), answer];
}

const COLUMNS: readonly (readonly [name: string, of: (reading: Reading) => number | undefined])[] = [
  ["steps/s", rateOf],
  ["own CPU us/step", ({ cpuUs, steps }) => cpuUs / steps],
  ["SQL/step", ({ statements, steps }) => statements / steps],
  ["WAL B/step", ({ walBytes, steps }) => walBytes / steps],
  ["resident MB", ({ rss }) => rss / 1e6],
  ["peak MB", ({ rssPeak }) => (rssPeak === null ? undefined : rssPeak / 1e6)],
];

function readings({ name, contenders }: Workload, rounds: readonly Round[]): string {
  const of = (contender: string): Reading[] =>
    rounds.map((round) => round.get(name)?.get(contender)).filter((reading) => reading !== undefined);
  const notes = [
    ...new Set(contenders.flatMap((contender) => of(contender.name).flatMap((reading) => Object.keys(reading.notes ?? {})))),
  ];
  const columns = [...COLUMNS, ...notes.map((note) => [note, (reading: Reading) => reading.notes?.[note]] as const)];
  return table(
    ["", ...columns.map(([column]) => column)],
    contenders.map((contender) => [
      contender.name,
      ...columns.map(([, read]) => {
        const values = of(contender.name)
          .map(read)
          .filter((value) => value !== undefined);
        return values.length === 0 ? "-" : spread(values, shortNumber);
      }),
    ]),
  );
}

function spread(values: readonly number[], write: (value: number) => string): string {
  const middle = write(median(values));
  return values.length === 1 ? middle : `${middle} (${write(Math.min(...values))}..${write(Math.max(...values))})`;
}

function shortNumber(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
