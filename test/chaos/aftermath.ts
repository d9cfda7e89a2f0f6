import type { Jobs, RunSummary } from "./job-instance.js";
import type { Transaction } from "./list-append.js";
import type { World, WorldRow } from "./world.js";
import { WORLD_STEPS } from "./job-catalog.js";
import { checkListAppend } from "./list-append.js";
import { doubledEffects } from "./world.js";
import { until } from "../kill/until.js";

/** What the processes were told, and what of it must hold. */
export interface Evidence {
  /** Acknowledged submissions: run ids by job. */
  readonly submitted: ReadonlyMap<string, string>;
  /** Every commit that a process tried, and every read that was made on the way. */
  readonly transactions: readonly Transaction[];
  readonly schema: string;
  /** Codes that a run may fail with. */
  readonly mayFail: readonly string[];
}

/** What was found. */
export interface Aftermath {
  readonly problems: readonly string[];
  readonly statuses: Readonly<Record<string, number>>;
  readonly runs: number;
  readonly events: number;
  readonly calls: number;
  readonly effects: number;
}

/** Looks at everything that is left when all have gone home: log, chains, runs, world. */
export async function lookAround(runseal: Jobs, world: World, evidence: Evidence): Promise<Aftermath> {
  const runs = await listAll(runseal);
  const final = await world.streams(evidence.schema);
  const rows = await world.rows();
  const anomalies = checkListAppend({ transactions: evidence.transactions, final });
  return {
    problems: [
      ...lostRuns(evidence.submitted, runs),
      ...(await badEnds(runseal, runs, evidence.mayFail)),
      ...(await brokenChains(runseal, runs)),
      ...anomalies.map(({ kind, message, transactions }) => `${kind}: ${message} (${transactions.join(", ")})`),
      ...doubledEffects(rows),
      ...missingEffects(runs, rows),
    ],
    statuses: countBy(runs.map(nameOf)),
    runs: runs.length,
    events: [...final.values()].reduce((sum, list) => sum + list.length, 0),
    calls: rows.length,
    effects: rows.filter((row) => row.applied).length,
  };
}

/** What is held although everybody has gone: advisory locks, sessions. Backends take a moment to end. */
export async function findLeaks(world: World, waitMs = 5_000): Promise<readonly string[]> {
  const end = performance.now() + waitMs;
  let sessions: readonly string[] = [];
  let locks = 0;
  await until(async () => {
    sessions = await world.sessions();
    locks = await world.locksHeld();
    return (sessions.length === 0 && locks === 0) || performance.now() > end;
  });
  return [
    ...(locks === 0 ? [] : [`${locks} advisory locks are held`]),
    ...sessions.map((name) => `a session of "${name}" is left`),
  ];
}

async function listAll(runseal: Jobs): Promise<readonly RunSummary[]> {
  const all: RunSummary[] = [];
  for (;;) {
    const last = all.at(-1);
    const page = await runseal.list({ limit: 500, ...(last !== undefined && { after: last.runId }) });
    all.push(...page);
    if (page.length < 500) return all;
  }
}

function lostRuns(submitted: Evidence["submitted"], runs: readonly RunSummary[]): readonly string[] {
  const known = new Set(runs.map(({ runId }) => runId));
  return [...submitted]
    .filter(([, runId]) => !known.has(runId))
    .map(([job, runId]) => `"${job}" was acknowledged as run ${runId}, which is gone`);
}

async function brokenChains(runseal: Jobs, runs: readonly RunSummary[]): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const { runId } of runs) {
    const verdict = await runseal.verify(runId);
    if (verdict.isSound) continue;
    problems.push(`run ${runId} does not verify: ${JSON.stringify(verdict.problems)}`);
  }
  return problems;
}

/** Steps of completed runs whose effect the world knows nothing of. */
function missingEffects(runs: readonly RunSummary[], rows: readonly WorldRow[]): readonly string[] {
  const applied = new Set(rows.filter((row) => row.applied).map((row) => `${row.run}/${row.step}`));
  return runs
    .filter(({ status }) => status === "completed")
    .flatMap(({ runId }) => WORLD_STEPS.map((step) => `${runId}/${step}`))
    .filter((name) => !applied.has(name))
    .map((name) => `${name} is said to be done, and the world knows nothing of it`);
}

/** Runs that did not end as they should, each with the end of its log. */
async function badEnds(runseal: Jobs, runs: readonly RunSummary[], mayFail: readonly string[]): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const run of runs) {
    if (hasEndedWell(run, mayFail)) continue;
    const { failure } = await runseal.status(run.runId);
    const log: string[] = [];
    for await (const { seq, kind, epoch, payload } of runseal.history(run.runId)) {
      const more = kind === "step.failed" || kind === "step.in_doubt" || kind === "run.failed" ? JSON.stringify(payload) : "";
      log.push(`${seq} ${kind} (${epoch}) ${more}`);
    }
    problems.push(
      `run ${run.runId} is ${nameOf(run)}: ${failure?.message ?? ""}; its log ends with ${log.slice(-12).join("; ")}`,
    );
  }
  return problems;
}

function hasEndedWell({ status, reason }: RunSummary, mayFail: readonly string[]): boolean {
  return status === "completed" || (status === "failed" && mayFail.includes(reason ?? ""));
}

const nameOf = ({ status, reason }: RunSummary): string => (reason === null ? status : `${status} (${reason})`);

function countBy(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
