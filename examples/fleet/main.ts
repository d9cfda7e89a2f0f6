import { setTimeout as later } from "node:timers/promises";
import pg from "pg";
import type { FleetProcess } from "./process.js";
import { Billing } from "./billing.js";
import { startCluster } from "../../test/postgres/cluster.js";
import { startProcess } from "./process.js";

/** Short, so that nobody waits long here for what a dead worker held; ten seconds is the default. */
const LEASE_MS = 2_000;
const CUSTOMERS = ["ada", "ben", "cleo", "dora"];
const PREVIEW_LINES = 16;

interface Step {
  readonly stepId: string;
  readonly status: string;
  readonly attempt: number;
  readonly result?: { readonly by?: string };
}

interface Run {
  readonly status: string;
  readonly epoch: number;
  readonly steps: readonly Step[];
  readonly counts: { readonly total: number; readonly completed: number };
}

interface LogEvent {
  readonly seq: number;
  readonly kind: string;
  readonly epoch: number;
  readonly payload: { readonly stepId?: string; readonly owner?: string };
}

const begun = performance.now();
const chapter = (title: string): void => {
  console.log(`\n\u001b[1m${title}\u001b[0m`);
};
const say = (text: string): void => {
  console.log(`   ${((performance.now() - begun) / 1000).toFixed(1).padStart(5)} s  ${text}`);
};

/** Asks until it is so. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await later(20);
  }
}

chapter("1  A PostgreSQL, and in it one schema for Runseal and one for the bills");
const given = process.env["DATABASE_URL"];
const cluster = given === undefined ? await startCluster() : undefined;
const env = { DATABASE_URL: given ?? cluster?.url() ?? "", LEASE_MS: String(LEASE_MS) };
const processes: FleetProcess[] = [];
const start = (script: string, name: string, more: Readonly<Record<string, string>> = {}): FleetProcess => {
  const started = startProcess(script, name, { ...env, ...more });
  processes.push(started);
  return started;
};
const pool = new pg.Pool({ connectionString: env.DATABASE_URL });
const billing = new Billing(pool);

try {
  say(await start("migrate.ts", "migrate").said("up to date"));

  chapter("2  An API process and three workers: nothing else, no other service");
  const api = start("api.ts", "api", { PORT: "0" });
  const workers = ["worker-1", "worker-2", "worker-3"].map((name) => start("worker.ts", name, { WORKER_NAME: name }));
  const port = (await api.said("listens on")).split(" ").at(-1) ?? "";
  await Promise.all(workers.map((worker) => worker.said("works")));
  for (const { name, child } of [api, ...workers]) say(`${name.padEnd(8)}  process ${String(child.pid)}`);
  const ask = async <T>(path: string, body?: unknown): Promise<T> => {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    return (await (await fetch(`http://127.0.0.1:${port}${path}`, init)).json()) as T;
  };

  chapter("3  An operator orders the bills of October over HTTP: sealed, shown, stored");
  const order = { month: "2026-10", customers: CUSTOMERS };
  const { runId, preview } = await ask<{ runId: string; preview: string }>("/bills", order);
  const lines = preview.split("\n");
  for (const line of lines.slice(0, PREVIEW_LINES)) console.log(`   ${line}`);
  console.log(`   ... and ${lines.length - PREVIEW_LINES} lines more: every step, every write, every lock`);
  say(`run ${runId}`);

  chapter("4  A worker takes it. In the middle of a payment the power goes: kill -9");
  const told = new Set<string>();
  const look = async (): Promise<Run> => {
    const run = await ask<Run>(`/runs/${runId}`);
    for (const { stepId, status, attempt, result } of run.steps) {
      if (status !== "completed" || told.has(stepId)) continue;
      told.add(stepId);
      say(`${stepId.padEnd(24)} ${result?.by ?? ""}${attempt > 1 ? `, attempt ${attempt}` : ""}`);
    }
    return run;
  };
  const holder = await until(async () => {
    const { steps } = await look();
    const [last] = steps.filter(({ status }) => status === "completed").slice(-1);
    const isPaying = steps.some(({ stepId, status }) => stepId.includes("charge") && status === "entered");
    return told.size >= 4 && isPaying ? last?.result?.by : undefined;
  });
  const paid = (await billing.payments()).length;
  await until(async () => ((await billing.payments()).length > paid || (await look()).status !== "running" ? true : undefined));
  const victim = workers.find(({ name }) => name === holder);
  victim?.child.kill("SIGKILL");
  const killedAt = performance.now();
  await victim?.end;
  say(`\u001b[31m${holder} is killed\u001b[0m: the bank has the order, the log does not know`);

  chapter(`5  Its lease runs out (${LEASE_MS / 1000} s), another worker takes the run and asks the bank before it does anything`);
  await until(async () => ((await look()).epoch > 1 ? true : undefined));
  const outageMs = performance.now() - killedAt;
  say(`\u001b[32manother worker holds the run\u001b[0m, ${(outageMs / 1000).toFixed(1)} s after the kill`);
  const end = await until(async () => {
    const run = await look();
    return ["completed", "failed", "canceled"].includes(run.status) ? run : undefined;
  });
  say(`run is ${end.status}: ${end.counts.completed} of ${end.counts.total} steps`);

  chapter("6  The log tells it all");
  const events = await ask<readonly LogEvent[]>(`/runs/${runId}/events`);
  for (const { seq, kind, epoch, payload } of events) {
    const { stepId = payload.owner ?? "" } = payload;
    console.log(`   ${String(seq).padStart(3)}  epoch ${epoch}  ${kind.padEnd(16)} ${stepId}`);
  }

  chapter("7  The bank: every customer was charged once");
  const payments = await billing.payments();
  for (const { customer, payments: count, cents } of payments) {
    console.log(`   ${customer.padEnd(5)} ${count} payment, ${(cents / 100).toFixed(2)}`);
  }
  const isRight = payments.length === CUSTOMERS.length && payments.every(({ payments: count }) => count === 1);

  chapter("8  SIGTERM: those who are left finish what they are at, and go");
  const rest = [api, ...workers.filter((worker) => worker !== victim)];
  for (const { child } of rest) child.kill("SIGTERM");
  const ends = await Promise.all(rest.map(async ({ name, end: over }) => ({ name, ...(await over) })));
  for (const { name, code } of ends) say(`${name.padEnd(8)}  exit code ${String(code)}`);
  if (end.status !== "completed" || !isRight || ends.some(({ code }) => code !== 0)) process.exitCode = 1;
} finally {
  for (const { child } of processes) child.kill("SIGKILL");
  await pool.end();
  await cluster?.remove();
}
