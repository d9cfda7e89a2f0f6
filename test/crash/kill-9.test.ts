import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { effects, openStory } from "./story.js";
import type { Fault } from "./story.js";

const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const victim = join(import.meta.dirname, "victim.ts");
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "runseal-crash-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the story in a process of its own; true when it was killed at the fault point. */
function runVictim(fault: Fault, doubt: boolean): boolean {
  const child = spawnSync(process.execPath, ["--import", tsx, victim, folder, JSON.stringify(fault), String(doubt)], {
    encoding: "utf8",
    timeout: 60_000,
  });
  if (child.signal === "SIGKILL") return true;
  expect(child.stdout, child.stderr).toContain("rested");
  return false;
}

/** Goes on in this process with whatever the dead one left, and tells how it ended. */
async function recover(doubt: boolean) {
  const runseal = openStory(folder, null);
  const outcome = await runseal.compile({ name: "crash.story", args: { doubt } }, { intent: "crash" });
  if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
  await runseal.recover();
  const run = await runseal.execute(outcome.runbook.id);
  const result = await run.result();
  const view = await run.status();
  const verdict = await runseal.verify(run.runId);
  const runs = await runseal.list();
  await runseal.close();
  return { result, view, verdict, runs };
}

const points = ["before_commit", "after_commit", "before_effect", "after_effect"] as const;

describe("kill -9 at any moment, then resume from the file (A-143, D-075, X9, reliability A1 to A9)", () => {
  test.each(points)(
    "killed %s, each time in turn: one run, every effect once, no completed step again, the log verifies",
    { timeout: 120_000 },
    async (point) => {
      let killed = 0;
      for (let nth = 1; ; nth += 1) {
        rmSync(folder, { recursive: true, force: true });
        folder = mkdtempSync(join(tmpdir(), "runseal-crash-"));
        if (!runVictim({ point, nth }, false)) break;
        killed += 1;
        const { result, view, verdict, runs } = await recover(false);
        const where = `${point} ${nth}`;
        expect(result, where).toMatchObject({ status: "completed", output: { text: "a+b" } });
        expect(
          effects(folder).map((line) => line.split(" ")[0]),
          where,
        ).toEqual(["a", "b"]);
        expect(view.counts, where).toMatchObject({ completed: 3, failed: 0, skipped: 0 });
        expect(verdict, where).toMatchObject({ integrity: "ok", problems: [] });
        expect(runs, where).toHaveLength(1);
      }
      expect(killed).toBeGreaterThanOrEqual(2);
    },
  );

  test(
    "a write whose outcome only a person can know parks in doubt, and is not called again (decision 3.11)",
    { timeout: 60_000 },
    async () => {
      expect(runVictim({ point: "after_effect", nth: 3 }, true)).toBe(true);
      const { result, view } = await recover(true);
      expect(result).toMatchObject({ status: "parked", reason: "in_doubt", stepId: "c" });
      expect(view.steps.find((step) => step.stepId === "c")).toMatchObject({ status: "in_doubt", attempt: 1 });
      expect(effects(folder).map((line) => line.split(" ")[0])).toEqual(["a", "b", "c"]);
    },
  );
});
