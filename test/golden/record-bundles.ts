import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PlotProcess } from "../kill/process.js";
import { keepBundle as keep } from "./keep-bundle.js";
import { openPlot } from "../kill/process.js";
import { plotScenarios } from "../kill/scenarios.js";

const ines = { principal: { issuer: "desk", subject: "ines" } };

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "runseal-golden-"));
  await work(folder);
  rmSync(folder, { recursive: true, force: true });
}

/** The runs of a scenario as a process left them that died at a point, or did not. */
async function left(name: string, scenario: string, point = "none", nth = 1): Promise<void> {
  await inFolder(async (folder) => {
    const victim = join(import.meta.dirname, "../kill/victim.ts");
    spawnSync(process.execPath, [...process.execArgv, victim, folder, scenario, point, String(nth)]);
    const plot = openPlot(folder, () => undefined);
    for (const [index, { runId }] of (await plot.runseal.list()).entries()) {
      await keep(plot, index === 0 ? name : `${name}-earlier`, runId);
    }
    await plot.runseal.close();
  });
}

async function compiled({ runseal }: PlotProcess, name: string, args: Record<string, string>, intent: string): Promise<string> {
  const outcome = await runseal.compile({ name, args }, { intent });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  return outcome.runbook.id;
}

async function ran({ runseal }: PlotProcess, id: string): Promise<string> {
  const { documentDigest } = await runseal.preview(id);
  await runseal.approve(id, { ...ines, viewed: documentDigest });
  const run = await runseal.execute(id);
  await run.result();
  return run.runId;
}

const TWO = { a: "acc-1", b: "acc-2" };

/** A run with a gate and a child, as it waits for the gate and at its end, and the child. */
async function family(): Promise<void> {
  await inFolder(async (folder) => {
    const plot = openPlot(folder, () => undefined);
    plot.meanwhile = async () => undefined;
    const child = await compiled(plot, "plot.drained", { a: "acc-1", b: "acc-1" }, "child");
    const runId = await ran(plot, await compiled(plot, "plot.family", { account: "acc-1", child }, "golden"));
    await keep(plot, "family-at-gate", runId);
    await plot.runseal.decide(runId, "asked", { ...ines, verdict: "approve", payload: { noted: "yes" } });
    await keep(plot, "family-decided", runId);
    await (await plot.runseal.resume(runId)).result();
    await keep(plot, "family", runId);
    const [one] = await plot.runseal.list({ parent: runId });
    await keep(plot, "family-child", one?.runId ?? "");
    await plot.runseal.close();
  });
}

/** A fork from the second step, and an amended run that waits. */
async function newPlans(): Promise<void> {
  await inFolder(async (folder) => {
    const plot = openPlot(folder, () => undefined);
    const runId = await ran(plot, await compiled(plot, "plot.opened", TWO, "golden"));
    const fork = await plot.runseal.fork(runId, { from: "second" });
    await keep(plot, "fork", await ran(plot, fork.runbook.id));
    const parked = await ran(plot, await compiled(plot, "plot.long", TWO, "golden"));
    const wanted = await compiled(plot, "plot.long", TWO, "golden, again");
    const amended = await plot.runseal.amend(parked, wanted);
    await keep(plot, "amended", await ran(plot, amended.runbook.id));
    await keep(plot, "amended-earlier", parked);
    await plot.runseal.close();
  });
}

/** A doubt that a person settles as failed. */
async function failed(): Promise<void> {
  await inFolder(async (folder) => {
    const plot = openPlot(folder, () => undefined);
    const runId = await ran(plot, await compiled(plot, "plot.doubtful", TWO, "golden"));
    await plot.runseal.resolveDoubt(runId, "paid", { ...ines, outcome: "failed", message: "the bank says no" });
    await (await plot.runseal.resume(runId)).result();
    await keep(plot, "failed", runId);
    await plot.runseal.close();
  });
}

/** Records the bundles of every scenario that processes are killed in, of a family, of new plans and of a failure. */
export async function recordBundles(): Promise<void> {
  // a family is recorded below, in each of its states
  for (const scenario of Object.keys(plotScenarios)) if (scenario !== "family") await left(scenario, scenario);
  await left("long-at-start", "long", "start.after_commit");
  await left("long-at-fact", "long", "fact.after_commit");
  await left("long-failed-once", "long", "failed.after_commit");
  await left("long-in-a-handler", "long", "handler.before", 3);
  await left("long-two-in-flight", "long", "message.after_commit");
  await left("long-parked", "long", "rest.after_commit");
  await left("long-signaled", "long", "message.after_put", 2);
  await left("doubtful-in-doubt", "doubtful", "rest.after_commit");
  await left("doubtful-settled", "doubtful", "message.after_put");
  await left("undone-in-the-middle", "undone", "entered.after_commit", 4);
  await left("credited-entered", "credited", "entered.after_commit", 2);
  await family();
  await newPlans();
  await failed();
}
