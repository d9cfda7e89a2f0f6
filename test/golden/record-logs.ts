import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite } from "runseal/sqlite";
import { openService } from "../../examples/quickstart/service.js";
import type { Fault } from "../crash/story.js";
import { openStory } from "../crash/story.js";
import { keepFile } from "./frozen-folder.js";
import { formatLog, logOf } from "./log-file.js";

const root = join(import.meta.dirname, "../..");

async function keep(name: string, folder: string, runId: string, view: Parameters<typeof logOf>[2]): Promise<void> {
  const stores = openSqlite(join(folder, "runs.db"));
  keepFile(`${name}.jsonl`, formatLog(await logOf(stores, "default", view)));
  await stores.close();
  process.stdout.write(`${name} ${view.status} ${runId}\n`);
}

async function quickstart(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "runseal-golden-"));
  const { bank, runseal } = openService(folder);
  for (const id of ["acc-eur", "acc-usd", "acc-chf"]) bank.open(id, "c-7", "1.00");
  const outcome = await runseal.compile(runseal.invocation("customer.offboard", { customer: "c-7" }), { intent: "golden" });
  if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
  const ines = { principal: { issuer: "desk", subject: "ines" } };
  await runseal.approve(outcome.runbook.id, { ...ines, viewed: outcome.runbook.documentDigest });
  const run = await runseal.execute(outcome.runbook.id);
  await run.result();
  await runseal.decide(run.runId, "payout", { verdict: "approve", ...ines, payload: { iban: "DE02120300000000202051" } });
  spawnSync(process.execPath, [...process.execArgv, join(root, "examples/quickstart/dies-midway.ts"), folder, run.runId]);
  await (await runseal.resume(run.runId)).result();
  const view = await run.status();
  await runseal.close();
  bank.close();
  await keep("quickstart", folder, run.runId, view);
  rmSync(folder, { recursive: true, force: true });
}

async function crash(fault: Exclude<Fault, null>, doubt: boolean): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), "runseal-golden-"));
  const args = [...process.execArgv, join(root, "test/crash/victim.ts"), folder, JSON.stringify(fault), String(doubt)];
  const wasKilled = spawnSync(process.execPath, args).signal === "SIGKILL";
  const runseal = openStory(folder, null);
  const outcome = await runseal.compile({ name: "crash.story", args: { doubt } }, { intent: "crash" });
  if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
  await runseal.recover();
  const run = await runseal.execute(outcome.runbook.id);
  await run.result();
  const view = await run.status();
  await runseal.close();
  if (wasKilled) await keep(`crash-${fault.point}-${fault.nth}${doubt ? "-doubt" : ""}`, folder, run.runId, view);
  rmSync(folder, { recursive: true, force: true });
  return wasKilled;
}

/** Records the logs of the quickstart and of a story that is killed at every commit and effect. */
export async function recordLogs(): Promise<void> {
  await quickstart();
  for (const point of ["before_commit", "after_commit", "before_effect", "after_effect"] as const) {
    for (let nth = 1; await crash({ point, nth }, false); nth += 1);
  }
  await crash({ point: "after_effect", nth: 3 }, true);
}
