import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { join } from "node:path";
import type { Bundle } from "./bundle.js";
import type { Cluster } from "./cluster.js";
import type { Contender, Workload } from "./contenders.js";
import type { Reading } from "./run-program.js";
import type { Round } from "./marks.js";
import { bundle } from "./bundle.js";
import { conditions, loadNow, nodeFor, peerProblem } from "./conditions.js";
import { judge } from "./marks.js";
import { report } from "./report.js";
import { runProgram } from "./run-program.js";
import { startCluster } from "./cluster.js";
import { workloads } from "./contenders.js";

// Runseal over PostgreSQL beside bare inserts and beside its peers. Engines alternate in rounds, each in a process and a database of its own;
// ratios are taken inside a round, and the median of the rounds counts. See docs/benchmarks.md.

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
    engines: { type: "string" },
    scale: { type: "string", default: "1" },
    warm: { type: "string", default: "4" },
    "lease-ms": { type: "string", default: "10000" },
    store: { type: "string", default: "postgres" },
    json: { type: "string" },
  },
});
const rounds = Number(options.rounds);
const chosen = workloads(Number(options.scale), Number(options.warm))
  .filter(({ name }) => options.only?.split(",").includes(name) ?? true)
  .map((workload) => ({ ...workload, contenders: workload.contenders.filter(isChosen) }));
/** 100 bytes of arguments: `{"n":123,"pad":"…"}`. */
const pad = "x".repeat(82);

const built = await bundle();
const cluster = await startCluster();
let isEnding = false;
const end = async (): Promise<void> => {
  if (isEnding) return;
  isEnding = true;
  await cluster.stop();
  built.remove();
};
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void end().finally(() => process.exit(130)));
}

try {
  const measured: Round[] = [];
  const problems = new Map<string, string>();
  const loads = [loadNow()];
  for (let round = 0; round < rounds; round += 1) {
    measured.push(await runRound(cluster, built, round, problems));
    loads.push(loadNow());
  }
  const verdicts = judge(
    measured,
    chosen.map(({ name }) => name),
  );
  const setting = conditions(cluster.version, loads);
  console.log(report({ rounds: measured, verdicts, workloads: chosen, problems, setting, store: options.store }));
  if (options.json !== undefined) {
    const entries = measured.map((round) => Object.fromEntries([...round].map(([work, of]) => [work, Object.fromEntries(of)])));
    const marks = verdicts.map(({ mark: { work, against, bound }, values, measured: value, isMet }) => ({
      work,
      against,
      ...bound,
      measured: value,
      isMet,
      values,
    }));
    const document = { setting, options, marks, rounds: entries, problems: Object.fromEntries(problems) };
    writeFileSync(options.json, `${JSON.stringify(document, null, 2)}\n`);
  }
} finally {
  await end();
}

/** Every workload once; the contenders of each begin with another one each round. */
async function runRound(server: Cluster, programs: Bundle, round: number, problems: Map<string, string>): Promise<Round> {
  const readings = new Map<string, Map<string, Reading>>();
  for (const workload of chosen) {
    const of = new Map<string, Reading>();
    readings.set(workload.name, of);
    const { contenders } = workload;
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const contender = contenders[(turn + round) % contenders.length];
      if (contender === undefined) continue;
      const where = `${workload.name} ${contender.name}`;
      try {
        of.set(contender.name, await runOne(server, programs, workload, contender, round));
      } catch (error) {
        problems.set(where, error instanceof Error ? error.message : String(error));
      }
      process.stderr.write(`round ${round + 1}: ${where} ${told(of.get(contender.name))}\n`);
    }
  }
  return readings;
}

async function runOne(
  server: Cluster,
  programs: Bundle,
  workload: Workload,
  contender: Contender,
  round: number,
): Promise<Reading> {
  const { peer, needsNode22 = false, program, variant, work, warm, timeoutMs } = contender;
  const problem = peer === undefined ? oursProblem(program, programs) : peerProblem(peer);
  if (problem !== undefined) throw new TypeError(problem);
  const database = `${workload.name}_${contender.name}_${round}`.replace(/\W/g, "_");
  const folder = join(server.folder, database);
  mkdirSync(folder);
  try {
    const databaseUrl = await server.create(database);
    const script = peer === undefined ? programs.script(program) : join(import.meta.dirname, "peers", `${program}.mjs`);
    const config = {
      databaseUrl,
      folder,
      work,
      pad,
      variant: `${options.store} ${variant}`,
      leaseMs: Number(options["lease-ms"]),
      ...(warm === undefined ? {} : { warm }),
    };
    return await runProgram({ node: nodeFor(needsNode22), script, config, timeoutMs }, () => server.count(database));
  } finally {
    await server.drop(database);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A contender, or a kind of it: `runseal` means `runseal-locked` as well. */
function isChosen({ name }: Contender): boolean {
  return options.engines?.split(",").some((engine) => name === engine || name.startsWith(`${engine}-`)) ?? true;
}

function oursProblem(program: string, programs: Bundle): string | undefined {
  if (program === "bare" || options.store !== "postgres" || programs.hasPostgres) return undefined;
  return "there is no src/postgres.ts";
}

function told(reading: Reading | undefined): string {
  if (reading === undefined) return "did not run";
  return `${reading.ms.toFixed(0)} ms${reading.notes === undefined ? "" : ` ${JSON.stringify(reading.notes)}`}`;
}
