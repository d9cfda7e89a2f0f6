import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import type { SimulationReport } from "../../src/testing.js";
import { simulate } from "../../src/testing.js";

/**
 * Plays many seeds on every core and prints what came of them: `npm run simulate -- [count] [first]`.
 *
 * Default 100,000 from 1. Prints each failing seed with the line that plays it again; the exit code says whether there was one.
 */
const [count = 100_000, first = 1, isPart = 0] = process.argv.slice(2).map(Number);

async function playPart(): Promise<void> {
  let ticks = 0;
  let runs = 0;
  let failed = 0;
  for (let seed = first; seed < first + count; seed += 1) {
    const report = await simulate({ seed });
    ticks += report.ticks;
    runs += report.statuses.length;
    if (report.failure === null) continue;
    failed += 1;
    tell(report);
  }
  process.send?.({ ticks, runs, failed });
}

function tell({ failure }: SimulationReport): void {
  if (failure === null) return;
  process.stdout.write(`${failure.rule}: ${failure.message}\n  ${failure.reproduce}\n  ${failure.story.join("\n  ")}\n`);
}

interface Sum {
  readonly ticks: number;
  readonly runs: number;
  readonly failed: number;
}

function startPart(from: number, many: number): Promise<Sum> {
  return new Promise((resolve, reject) => {
    const child = fork(process.argv[1] ?? "", [many, from, 1].map(String));
    child.on("message", (sum) => resolve(sum as Sum));
    child.on("exit", (code) => {
      if (code !== 0) reject(new TypeError(`a part ended with ${code ?? "a signal"}`));
    });
  });
}

async function playAll(): Promise<void> {
  const started = performance.now();
  const parts = Math.max(1, availableParallelism());
  const size = Math.ceil(count / parts);
  const sums = await Promise.all(
    Array.from({ length: parts }, (_, part) => startPart(first + part * size, Math.min(size, count - part * size))),
  );
  const total = (of: (sum: Sum) => number): number => sums.reduce((all, sum) => all + of(sum), 0);
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(
    `${count} seeds from ${first}: ${total((sum) => sum.failed)} failed; ${total((sum) => sum.runs)} runs, ` +
      `${total((sum) => sum.ticks)} steps of the scheduler, ${seconds} s on ${parts} cores\n`,
  );
  if (total((sum) => sum.failed) > 0) process.exitCode = 1;
}

await (isPart === 1 ? playPart() : playAll());
