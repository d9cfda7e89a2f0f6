import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { createWorker, dropPayloads } from "runseal";
import { postgresStores } from "runseal/postgres";
import type { RunHandle } from "runseal";
import type { PostgresStores } from "runseal/postgres";
import { keepBundle as keep } from "./keep-bundle.js";
import { ODD } from "./odd-text.js";
import { openPlot } from "../kill/process.js";
import type { PlotProcess } from "../kill/process.js";
import { startCluster, UNSAFE_SETTINGS } from "../postgres/cluster.js";
import { withRetention } from "./with-retention.js";

const ines = { principal: { issuer: "desk", subject: `ines ${ODD}` } };

interface Opened {
  readonly plot: PlotProcess;
  readonly pool: pg.Pool;
  readonly stores: PostgresStores;
}

async function compiled({ runseal }: PlotProcess, name: string, args: Record<string, string>, intent: string): Promise<string> {
  const outcome = await runseal.compile({ name, args }, { intent });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  const { documentDigest, id } = outcome.runbook;
  await runseal.approve(id, { ...ines, viewed: documentDigest });
  return id;
}

const ACCOUNTS = { a: "acc-1", b: "acc-2" };

async function ran({ plot }: Opened, name: string, intent: string, args: Record<string, string> = ACCOUNTS): Promise<string> {
  const id = await compiled(plot, name, args, intent);
  const run = await plot.runseal.execute(id, { labels: { team: "blue", odd: ODD } });
  await run.result();
  return run.runId;
}

/** Runs that a worker starts, one at a time. */
async function limited({ plot }: Opened): Promise<void> {
  const { runseal } = plot;
  const runs: RunHandle[] = [];
  for (const intent of ["limited", "limited behind"]) {
    runs.push(await runseal.submit(await compiled(plot, "plot.drained", ACCOUNTS, intent), { queue: "slow" }));
  }
  const worker = createWorker(runseal, { queues: [{ name: "slow", concurrency: 1, rate: { runs: 2, perMs: 60_000 } }] });
  worker.start();
  await Promise.all(runs.map((run) => run.result()));
  await worker.drain();
  await keep(plot, "limited", runs[0]?.runId ?? "");
  await keep(plot, "limited-behind", runs[1]?.runId ?? "");
}

/** A run before and after its payloads were dropped. */
async function dropped(opened: Opened): Promise<void> {
  const { plot, pool, stores } = opened;
  const runId = await ran(opened, "plot.drained", "dropped");
  await keep(plot, "whole", runId);
  const { seq } = await plot.runseal.head(runId);
  await dropPayloads(withRetention(stores, pool), { scope: "default", runId, fromSeq: 1, toSeq: seq, reason: "30 days" });
  await keep(plot, "dropped", runId);
}

/** Odd text everywhere where text may stand: in arguments, results, names of entities and people, messages. */
async function odd(opened: Opened): Promise<void> {
  const { plot } = opened;
  await keep(plot, "odd", await ran(opened, "plot.opened", `odd ${ODD}`, { a: ODD, b: `${ODD}2` }));
  const child = await compiled(plot, "plot.drained", { a: ODD, b: ODD }, "child");
  const runId = await ran(opened, "plot.family", "odd", { account: ODD, child });
  await plot.runseal.decide(runId, "asked", { ...ines, verdict: "approve", payload: { noted: `${ODD}\u0000` }, note: ODD });
  await keep(plot, "family-odd", runId);
}

/** Records the bundles of runs that were lived over PostgreSQL. */
export async function recordPostgres(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "runseal-golden-"));
  const cluster = await startCluster({ settings: UNSAFE_SETTINGS });
  const pool = new pg.Pool({ connectionString: cluster.url() });
  const stores = postgresStores(pool, { migrate: "auto" });
  const plot = openPlot(folder, () => undefined, stores);
  // nothing is waited for in the middle of a step
  plot.meanwhile = async () => undefined;
  const opened = { plot, pool, stores };
  await keep(plot, "postgres", await ran(opened, "plot.opened", "postgres"));
  await keep(plot, "postgres-parked", await ran(opened, "plot.long", "kill"));
  await keep(plot, "postgres-credited", await ran(opened, "plot.credited", "postgres"));
  await limited(opened);
  await dropped(opened);
  await odd(opened);
  await plot.runseal.close();
  await stores.close();
  await pool.end();
  await cluster.remove();
  rmSync(folder, { recursive: true, force: true });
}
