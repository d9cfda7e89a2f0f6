import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { beginState } from "../../src/history/run-state.js";
import { documentDigestOf, runbookIdOf } from "../../src/model/runbook-digest.js";
import { eventOf } from "../../src/history/read-event.js";
import { fold } from "../../src/history/fold.js";
import { runPlanOf } from "../../src/history/run-plan.js";
import { runViewOf } from "../../src/history/run-view.js";
import { verifyRun } from "../../src/history/verify-run.js";
import { parseLog } from "./log-file.js";

const folder = join(import.meta.dirname, "v0");
const files = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));

describe("logs that earlier versions wrote (test/golden/v0)", () => {
  test("there are some: the quickstart's and one for every place where the story is killed", () => {
    expect(files).toContain("quickstart.jsonl");
    expect(files.filter((name) => name.startsWith("crash-")).length).toBeGreaterThanOrEqual(16);
  });

  test.each(files)("%s verifies, and folds to what was seen then", (name) => {
    const log = parseLog(readFileSync(join(folder, name), "utf8"));
    expect(runbookIdOf(log.runbook.content)).toBe(log.runbook.id);
    expect(documentDigestOf(log.runbook.id, log.runbook.document)).toBe(log.runbook.documentDigest);
    const verdict = verifyRun({ ...log, projection: log.head });
    // written before a start stored its manifest: sound, and said to be incomplete
    expect(verdict).toMatchObject({ integrity: "ok", completeness: "partial" });
    expect(verdict.problems.map((problem) => problem.rule)).toEqual(["manifest_missing"]);
    const state = beginState(runPlanOf(log.runbook), log.scope, log.runId);
    for (const event of log.events) fold(state, eventOf(event));
    expect(JSON.parse(JSON.stringify(runViewOf(state)))).toEqual(JSON.parse(JSON.stringify(log.view)));
  });

  test("any event that is changed, left out or moved is found, by its seq", () => {
    const log = parseLog(readFileSync(join(folder, "quickstart.jsonl"), "utf8"));
    for (const [index, event] of log.events.entries()) {
      const changed = log.events.with(index, { ...event, payloadText: event.payloadText.replace("{", '{"x":1,') });
      expect(verifyRun({ ...log, events: changed }).integrity).toMatchObject({ seq: event.seq });
      if (index + 1 === log.events.length) continue;
      expect(verifyRun({ ...log, events: log.events.toSpliced(index, 1) }).integrity).toMatchObject({ seq: event.seq + 1 });
    }
    const short = verifyRun({ ...log, keptHead: log.head, events: log.events.slice(0, -1) });
    expect(short.problems.map((problem) => problem.rule)).toContain("log_truncated");
  });
});
