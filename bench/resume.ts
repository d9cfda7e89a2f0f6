import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import type { EngineParts } from "../src/engine/parts.js";
import type { HandlerEntry } from "../src/model/handler-entry.js";
import type { Stores } from "../src/stores/stores.js";
import { benchEnv, benchVerb, chainOf, median } from "./bench-run.js";
import { claimRun } from "../src/engine/claim-run.js";
import { driveRun } from "../src/engine/drive-run.js";
import { memoryStores } from "../src/stores/memory/memory-stores.js";
import { openSqlite } from "../src/sqlite/open-sqlite.js";
import { runStream } from "../src/model/ids.js";
import { submitRun } from "../src/engine/submit-run.js";

/**
 * What it costs to take up a run of 10,000 steps whose process died in the last of them: claim, fold, close the cut-off attempt, make it
 * again, end; beside reading the log and checking its chain (mark: at most 3 times).
 *
 * Run it with `npx tsx bench/resume.ts`.
 */
const STEPS = 10_000;
const ROUNDS = 7;
/** Short, because here nobody sees that an owner is dead: the run is free when its term has passed. */
const LEASE_MS = 50;
const runbook = chainOf(STEPS, (n) => (n === STEPS - 1 ? "write" : "pure"));
const pure = benchVerb("pure", async (args) => ({ n: (args as { n: number }).n + 1 }));

function partsOf(stores: Stores, write: NonNullable<HandlerEntry["run"]>): EngineParts {
  const writing = benchVerb("write", write);
  return {
    stores,
    env: benchEnv(),
    options: { leaseMs: LEASE_MS },
    handlers: (verb) => (verb.startsWith("bench.write") ? writing : pure),
  };
}

async function diesInTheLast(stores: Stores): Promise<string> {
  const abandon = new AbortController();
  const parts = partsOf(stores, () => {
    abandon.abort();
    return new Promise(() => undefined);
  });
  const request = { dedupKey: null, queue: "q", priority: 0, labels: {}, concurrency: null, parent: null, by: null };
  const { runId } = await submitRun(parts, { scope: "default", runbook, ...request });
  const claimed = await claimRun(parts, { scope: "default", runId, runbook, reason: "wake", build: {}, approvals: null });
  if (claimed.kind !== "claimed") throw claimed.error;
  await driveRun(parts, claimed.run, { abandon: abandon.signal });
  return runId;
}

/** Reading hashes: a store checks every payload and link that it hands out. */
async function readAndHash(stores: Stores, runId: string): Promise<number> {
  const began = performance.now();
  let seq = 0;
  for await (const event of stores.reader.read("default", runStream(runId))) ({ seq } = event);
  if (seq < 2 * STEPS - 1) throw new TypeError(`the log has ${seq} events`);
  return performance.now() - began;
}

async function resume(stores: Stores, runId: string): Promise<number> {
  const parts = partsOf(stores, async (args) => ({ n: (args as { n: number }).n + 1 }));
  const began = performance.now();
  const claimed = await claimRun(parts, { scope: "default", runId, runbook, reason: "recovered", build: {}, approvals: null });
  if (claimed.kind !== "claimed") throw claimed.error;
  const end = await driveRun(parts, claimed.run);
  if (end.kind !== "rested" || end.result.status !== "completed") throw new TypeError(`the run ended ${end.kind}`);
  return performance.now() - began;
}

type Pair = () => { readonly first: Stores; readonly second: Stores };

async function measure(name: string, pair: Pair): Promise<void> {
  const ratios: number[] = [];
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { first, second } = pair();
    const runId = await diesInTheLast(first);
    await new Promise((resolve) => void setTimeout(resolve, 4 * LEASE_MS));
    const readings = [await readAndHash(second, runId), await readAndHash(second, runId)];
    const ms = await resume(second, runId);
    times.push(ms);
    ratios.push(ms / Math.min(...readings));
    await first.close();
    await second.close();
  }
  console.log(
    `${name}: resume ${median(times).toFixed(0)} ms, ${median(ratios).toFixed(2)} times reading and hashing (mark 3.00)`,
  );
}

await measure("memory", () => {
  const first = memoryStores();
  return { first, second: memoryStores({ sharedWith: first }) };
});
const folder = mkdtempSync(join(tmpdir(), "runseal-bench-"));
let file = 0;
await measure("SQLite", () => {
  file += 1;
  const path = join(folder, `${file}.db`);
  return { first: openSqlite(path), second: openSqlite(path) };
});
rmSync(folder, { recursive: true });
