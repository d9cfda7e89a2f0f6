import type { MonkeyName } from "./monkeys.js";
import type { OrdealReport } from "./ordeal.js";
import { BuiltProcess } from "../kill/built-process.js";
import { MONKEYS } from "./monkeys.js";
import { endure } from "./ordeal.js";
import { startCluster } from "../postgres/cluster.js";

// `npm run chaos -- --minutes 10`: each kind of trouble by itself, then all at once for as long as all of these together
const names = Object.keys(MONKEYS) as MonkeyName[];
const at = process.argv.indexOf("--minutes");
const minutes = at === -1 ? 10 : Number(process.argv[at + 1]);
if (!(minutes > 0)) {
  process.stderr.write("--minutes takes a number of minutes\n");
  process.exit(2);
}
const rounds: readonly (readonly MonkeyName[])[] = [...names.map((name) => [name]), names];
/** Trouble that ends sessions, and with them locks. */
const LOCKS_GO: readonly MonkeyName[] = ["restart", "cut", "locks"];
const shareMs = (minutes * 60_000) / (2 * names.length);

const write = (line: string): void => void process.stdout.write(`${line}\n`);
const built = new BuiltProcess("worker-process", import.meta.dirname);
await built.build();
const cluster = await startCluster();
let problems = 0;
try {
  write(
    "| trouble | strikes | runs, completed | events | commits acknowledged / refused / unknown | calls, effects | requests, replies lost | doubts | calm after | problems |",
  );
  write("|---|---|---|---|---|---|---|---|---|---|");
  for (const [index, monkeys] of rounds.entries()) {
    const forMs = monkeys.length === 1 ? shareMs : shareMs * names.length;
    const mayFail = monkeys.some((name) => LOCKS_GO.includes(name)) ? ["lock.lost"] : [];
    const report = await endure({ cluster, built, database: `long_${index}`, monkeys, forMs, calmMs: 120_000, mayFail });
    write(row(monkeys, report));
    problems += report.problems.length;
    for (const problem of report.problems.slice(0, 20)) process.stderr.write(`${problem.slice(0, 2_000)}\n`);
  }
} finally {
  built.remove();
  await cluster.remove();
}
process.exitCode = problems === 0 ? 0 : 1;

function row(monkeys: readonly MonkeyName[], report: OrdealReport): string {
  const { strikes, runs, statuses, events, commits, calls, effects, doubts, calmedMs } = report;
  const struck = Object.entries(strikes).map(([name, count]) => (monkeys.length === 1 ? String(count) : `${name} ${count}`));
  const cells = [
    monkeys.length === 1 ? monkeys[0] : "all at once",
    struck.join(", "),
    `${runs}, ${statuses["completed"] ?? 0}`,
    events,
    `${commits.ok} / ${commits.fail} / ${commits.info}`,
    `${calls}, ${effects}`,
    `${report.lostRequests}, ${report.lostReplies}`,
    doubts,
    `${(calmedMs / 1_000).toFixed(1)} s`,
    report.problems.length,
  ];
  return `| ${cells.join(" | ")} |`;
}
