import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";

/** One way of doing the same work. */
export interface Contender {
  readonly name: string;
  readonly run: () => unknown;
}

/** What a contender took: median microseconds per run, and the median of its per-round ratios to the first contender. */
export interface Measured {
  readonly name: string;
  readonly us: number;
  readonly ratio: number;
}

/**
 * Runs contenders in alternation, `rounds` times over, each about `roundMs` per round, starting with another one each round.
 *
 * Ratios are taken inside a round, so that whatever else the machine does falls on all of them alike.
 */
export function compare(contenders: readonly Contender[], rounds = 21, roundMs = 12): Measured[] {
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
  const start = process.hrtime.bigint();
  for (let turn = 0; turn < repetitions; turn += 1) run();
  return Number(process.hrtime.bigint() - start) / 1000 / repetitions;
}

function repetitionsFor(run: () => unknown, roundMs: number): number {
  let repetitions = 1;
  for (let us = 0; us * repetitions < roundMs * 1000;) {
    us = microseconds(run, repetitions);
    if (us * repetitions >= roundMs * 1000) break;
    repetitions *= 2;
  }
  return repetitions;
}

function versionOf(name: string): string {
  const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return version;
}
