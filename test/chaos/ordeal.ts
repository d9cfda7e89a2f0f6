import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import pg from "pg";
import type { Aftermath } from "./aftermath.js";
import type { BuiltProcess } from "../kill/built-process.js";
import type { Cluster } from "../postgres/cluster.js";
import type { Jobs } from "./job-instance.js";
import type { Monkey, MonkeyName, Scene } from "./monkeys.js";
import type { Outcome } from "./list-append.js";
import { AckJournal, readJournals } from "./ack-journal.js";
import { Fleet } from "./fleet.js";
import { Load } from "./load.js";
import { RandomReads } from "./random-reads.js";
import { World } from "./world.js";
import { findLeaks, lookAround } from "./aftermath.js";
import { jobInstance } from "./job-instance.js";
import { MONKEYS, letLoose } from "./monkeys.js";
import { openStores } from "./open-stores.js";
import { startTcpProxy } from "../postgres/tcp-proxy.js";

/** What {@link endure} takes. */
export interface OrdealOptions {
  readonly cluster: Cluster;
  readonly built: BuiltProcess;
  /** A database of the cluster that nobody else uses; it is made. */
  readonly database: string;
  readonly monkeys: readonly MonkeyName[];
  /** One monkey more. */
  readonly extra?: Monkey;
  /** Where the database is made, when not beside the others. */
  readonly tablespace?: string;
  /** Called when all is set up and nobody works yet. */
  readonly before?: (database: string) => Promise<void>;
  /** Called when everybody has gone home and nobody has looked yet: to plant what has to be found. */
  readonly tamper?: (world: World) => Promise<void>;
  /** Monkeys go on until this has passed, milliseconds, and ... */
  readonly forMs: number;
  /** ... each has struck as often. Default 3. */
  readonly strikesMin?: number;
  /** Default 3. */
  readonly workers?: number;
  /** Jobs open at a time. Default 16. */
  readonly open?: number;
  /** Default 1 000. */
  readonly leaseMs?: number;
  /** Codes that a run may fail with: no trouble but the loss of its locks is a reason. Default none. */
  readonly mayFail?: readonly string[];
  /** How long the fleet has to end every job when the monkeys are gone, milliseconds. Default 40 000. */
  readonly calmMs?: number;
}

/** What came of it. */
export interface OrdealReport extends Aftermath {
  readonly strikes: Readonly<Record<string, number>>;
  /** Commits by what the processes knew of them. */
  readonly commits: Readonly<Record<Outcome, number>>;
  readonly reads: number;
  /** Requests that never reached the server, and replies that never came back from it. */
  readonly lostRequests: number;
  readonly lostReplies: number;
  /** Steps in doubt that somebody had to look after. */
  readonly doubts: number;
  readonly startUpMs: number;
  /** From the last strike to the end of the last job, milliseconds. */
  readonly calmedMs: number;
}

const SCHEMA = "runseal";

/** Lets a fleet work under trouble, and then looks whether everything is as it must be. */
export async function endure(options: OrdealOptions): Promise<OrdealReport> {
  const journals = mkdtempSync(join(tmpdir(), "runseal-chaos-"));
  try {
    return await endureOn(await setStage(journals, options), options);
  } finally {
    rmSync(journals, { recursive: true, force: true });
  }
}

async function endureOn(stage: Stage, options: OrdealOptions): Promise<OrdealReport> {
  const { fleet, load, world, journals, reads, runseal } = stage;
  try {
    await options.before?.(options.database);
    await fleet.start(options.workers ?? 3);
    load.start();
    reads.start();
    const strikes = await trouble(stage, options);
    await load.stop();
    const calmFrom = performance.now();
    const { doubts, open } = await calmDown(stage, options.calmMs ?? 40_000);
    const calmedMs = performance.now() - calmFrom;
    await reads.stop();
    const late = open === 0 ? [] : [`${open} runs had not ended ${Math.round(calmedMs)} ms after the last strike`];
    const ends = await fleet.drain();
    const stubborn = ends
      .filter(({ code }) => code !== 0)
      .map(({ code, text }) => `a worker drained with ${String(code)}: ${text}`);
    await options.tamper?.(world);
    const transactions = readJournals(journals);
    const evidence = {
      submitted: load.submitted,
      transactions: [...transactions, ...reads.reads],
      schema: SCHEMA,
      mayFail: options.mayFail ?? [],
    };
    const aftermath = await lookAround(runseal, world, evidence);
    await stage.goHome();
    const leaks = await findLeaks(world);
    return {
      ...aftermath,
      problems: [...fleet.accidents, ...late, ...stubborn, ...aftermath.problems, ...leaks],
      strikes,
      commits: countOutcomes(transactions.map(({ outcome }) => outcome)),
      reads: reads.reads.length,
      lostRequests: stage.proxy.struck.drop_request,
      lostReplies: stage.proxy.struck.drop_reply,
      doubts,
      startUpMs: Math.round(fleet.startUpMs),
      calmedMs: Math.round(calmedMs),
    };
  } finally {
    await stage.strike();
  }
}

interface Stage extends Scene {
  readonly runseal: Jobs;
  readonly load: Load;
  readonly reads: RandomReads;
  /** Folder of what the processes were told. */
  readonly journals: string;
  /** Closes what this process has open in the database. */
  readonly goHome: () => Promise<void>;
  /** Removes everything, however far it got. */
  readonly strike: () => Promise<void>;
}

async function setStage(
  journals: string,
  { cluster, built, database, tablespace, leaseMs = 1_000, open = 16 }: OrdealOptions,
): Promise<Stage> {
  const proxy = await startTcpProxy(cluster.port);
  await createDatabase(cluster, database, tablespace);
  const worldUrl = cluster.url(database);
  const world = new World(worldUrl);
  await world.create();
  const { stores, close } = openStores({ name: "load", url: worldUrl, schema: SCHEMA }, "auto");
  const runseal = jobInstance({ stores: new AckJournal(journals, "load").watch(stores), world, name: "load", leaseMs });
  const load = new Load(runseal, open);
  const url = cluster.url(database, proxy.port);
  const fleet = new Fleet(built, { folder: journals, url, schema: SCHEMA, worldUrl, leaseMs });
  // makes the tables
  await runseal.list();
  await world.watchDisk(`${SCHEMA}.event_rows`);
  return {
    cluster,
    proxy,
    world,
    fleet,
    leaseMs,
    runseal,
    load,
    reads: new RandomReads(world, SCHEMA, () => [...load.submitted.values()]),
    journals,
    goHome: async () => {
      await runseal.close();
      await close();
    },
    strike: async () => {
      await fleet.abandon();
      await world.close();
      await proxy.close();
    },
  };
}

async function createDatabase(cluster: Cluster, name: string, tablespace = "pg_default"): Promise<void> {
  const client = new pg.Client({ connectionString: cluster.url() });
  await client.connect();
  await client.query(`CREATE DATABASE ${name} TABLESPACE ${tablespace}`);
  await client.end();
}

/** Lets the monkeys loose until they have struck often and long enough; puts right what they left wrong. */
async function trouble(stage: Stage, options: OrdealOptions): Promise<OrdealReport["strikes"]> {
  const { monkeys, extra, forMs, strikesMin = 3 } = options;
  const end = performance.now() + forMs;
  const isOver = (strikes: number): boolean => strikes >= strikesMin && performance.now() > end;
  const all = new Map<string, Monkey>(monkeys.map((name) => [name, MONKEYS[name]]));
  if (extra !== undefined) all.set("extra", extra);
  const strikes = await Promise.all(
    [...all].map(async ([name, monkey]) => [name, await letLoose(monkey, stage, isOver)] as const),
  );
  await stage.cluster.start();
  return Object.fromEntries(strikes);
}

/** Waits for the end of every job, looking after doubts as a person would. */
async function calmDown(stage: Stage, calmMs: number): Promise<{ readonly doubts: number; readonly open: number }> {
  const { load, runseal, world } = stage;
  let doubts = 0;
  const end = performance.now() + calmMs;
  for (;;) {
    doubts += await load.settleDoubts((key, attempt) => world.settle(key, attempt));
    const { length: open } = await load.persist(() => runseal.list({ status: ["queued", "running", "parked"], limit: 1_000 }));
    if (open === 0 || performance.now() > end) return { doubts, open };
    await later(50);
  }
}

function countOutcomes(outcomes: readonly Outcome[]): Readonly<Record<Outcome, number>> {
  const counts = { ok: 0, fail: 0, info: 0 };
  for (const outcome of outcomes) counts[outcome] += 1;
  return counts;
}
