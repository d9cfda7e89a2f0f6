import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { calls, openRivals } from "./rivals.js";

const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const rival = join(import.meta.dirname, "rival.ts");
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "runseal-rivals-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function compete(what: "execute" | "resume", id: string): Promise<readonly string[]> {
  const startAt = String(Date.now() + 3_000);
  const one = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, ["--import", tsx, rival, folder, what, id, startAt], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let text = "";
      child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
      child.once("error", reject);
      child.once("exit", () => resolve(text.trim()));
    });
  return Promise.all([one(), one()]);
}

async function sealed() {
  const runseal = openRivals(folder);
  const outcome = await runseal.compile({ name: "file.touch_both", args: { a: "f-1", b: "f-2" } }, { intent: "rivals" });
  if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
  return { runseal, runbook: outcome.runbook };
}

describe("two processes on one file (X9, X.5-7, X.5-19)", () => {
  test(
    "both execute the same approved runbook: one run, one spent approval, every step called once",
    { timeout: 60_000 },
    async () => {
      const { runseal, runbook } = await sealed();
      await runseal.approve(runbook.id, { principal: { subject: "ines" }, viewed: runbook.documentDigest });
      const said = await compete("execute", runbook.id);
      const runs = await runseal.list();
      expect(runs.filter((run) => run.status === "completed")).toHaveLength(1);
      expect(runs.every((run) => run.status === "completed" || run.useKey === null)).toBe(true);
      expect(said.filter((line) => line.startsWith("completed")).length).toBeGreaterThanOrEqual(1);
      for (const line of said)
        expect(line).toMatch(/^(completed|refused (lease\.held|admission\.approval_consumed|store\.conflict))/);
      expect(calls(folder).map((line) => line.split(" ")[1])).toEqual(["first", "second"]);
      const approvals = await runseal.approvals(runbook.id);
      expect(approvals.map((approval) => [approval.status, approval.runId])).toEqual([
        ["consumed", runs.find((run) => run.status === "completed")?.runId],
      ]);
      await runseal.close();
    },
  );

  test(
    "both resume the same run: one has it, the other gets a typed refusal or its end, and every step is called once (reliability row 39)",
    { timeout: 60_000 },
    async () => {
      const { runseal, runbook } = await sealed();
      await runseal.approve(runbook.id, { principal: { subject: "ines" }, viewed: runbook.documentDigest });
      const run = await runseal.submit(runbook.id);
      const said = await compete("resume", run.runId);
      expect((await run.status()).status).toBe("completed");
      for (const line of said) expect(line).toMatch(/^(completed|refused (lease\.held|lease\.stale|store\.conflict))/);
      expect(said.some((line) => line.startsWith("completed"))).toBe(true);
      expect(calls(folder).map((line) => line.split(" ")[1])).toEqual(["first", "second"]);
      const epochs: number[] = [];
      for await (const event of run.events()) epochs.push(event.epoch);
      expect(new Set(epochs)).toEqual(new Set([0, 1]));
      expect(await runseal.verify(run.runId)).toMatchObject({ integrity: "ok", problems: [] });
      await runseal.close();
    },
  );

  test("an approval is spent once, whoever asks second is told", { timeout: 60_000 }, async () => {
    const { runseal, runbook } = await sealed();
    await runseal.approve(runbook.id, { principal: { subject: "ines" }, viewed: runbook.documentDigest });
    const other = openRivals(folder);
    const [first, second] = await Promise.all([runseal.execute(runbook.id), other.execute(runbook.id)]);
    expect(second.runId).toBe(first.runId);
    expect((await first.result()).status).toBe("completed");
    expect((await runseal.approvals(runbook.id)).filter((approval) => approval.status === "consumed")).toHaveLength(1);
    expect(calls(folder)).toHaveLength(2);
    await runseal.close();
    await other.close();
  });
});
