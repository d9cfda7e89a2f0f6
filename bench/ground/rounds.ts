import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";

/** One way of doing the same work. */
export interface Contender {
  readonly name: string;
  readonly run: () => unknown;
}

/** What a contender took: median microseconds of processor time per run, and the median of its per-round ratios to the first one. */
export interface Measured {
  readonly name: string;
  readonly us: number;
  readonly ratio: number;
}

/**
 * Runs contenders in alternation, `rounds` times over, each about `roundMs` per round, starting with another one each round.
 *
 * Processor time and not time by the clock, and ratios inside a round: whatever else the machine does falls on all of them alike.
 * The time of the collector's threads is in it.
 */
export function compare(contenders: readonly Contender[], rounds = 41, roundMs = 4): Measured[] {
  const repetitions = contenders.map(({ run }) => repetitionsFor(run, roundMs));
  const times = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const index = (turn + round) % contenders.length;
      const contender = at(contenders, index);
      at(times, index).push(microseconds(contender.run, at(repetitions, index)));
    }
  }
  const first = at(times, 0);
  return contenders.map(({ name }, index) => {
    const own = at(times, index);
    return { name, us: median(own), ratio: median(own.map((us, round) => us / at(first, round))) };
  });
}

/** Versions and load, as every table of results states them. */
export function conditions(packages: readonly string[]): string {
  const versions = packages.map((name) => `${name} ${versionOf(name)}`);
  const load = loadavg()
    .map((value) => value.toFixed(2))
    .join(" ");
  return [`Node ${process.version}`, ...versions, `${cpus().length} x ${cpus()[0]?.model.trim() ?? "?"}`, `load ${load}`].join(
    ", ",
  );
}

/** A markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** The middle value; the upper one of two. */
export function median(values: readonly number[]): number {
  return at(
    values.toSorted((one, other) => one - other),
    Math.floor(values.length / 2),
  );
}

function at<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no value at ${index}`);
  return value;
}

function microseconds(run: () => unknown, repetitions: number): number {
  const start = process.cpuUsage();
  for (let turn = 0; turn < repetitions; turn += 1) run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / repetitions;
}

/** Runs until the compiler has done its work, then sizes a round by the fastest run seen. */
function repetitionsFor(run: () => unknown, roundMs: number): number {
  let best = microseconds(run, 1);
  for (let spent = 0, repetitions = 1; spent < WARM_UP_US; repetitions = Math.min(repetitions * 2, 4096)) {
    const us = microseconds(run, repetitions);
    spent += Math.max(us, 1) * repetitions;
    best = Math.min(best, us);
  }
  return Math.max(1, Math.ceil((roundMs * 1000) / Math.max(best, 0.01)));
}

const WARM_UP_US = 150_000;

function versionOf(name: string): string {
  const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return version;
}
