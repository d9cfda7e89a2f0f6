import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memoryStores, verifyBundle } from "runseal";
import type { RunView } from "runseal";
import { importBundle, linesOf, runbookIn } from "./import-bundle.js";
import { beginState } from "../../src/history/run-state.js";
import { eventOf } from "../../src/history/read-event.js";
import { fold } from "../../src/history/fold.js";
import { openPlot } from "../kill/process.js";
import { runPlanOf } from "../../src/history/run-plan.js";
import { runStream } from "../../src/model/ids.js";
import { runViewOf } from "../../src/history/run-view.js";

const folder = join(import.meta.dirname, "v0/bundles");
const names = readdirSync(folder).flatMap((name) => (name.endsWith(".jsonl") ? [name.slice(0, -".jsonl".length)] : []));
const views = JSON.parse(readFileSync(join(folder, "views.json"), "utf8")) as Readonly<Record<string, RunView>>;
const textOf = (name: string): string => readFileSync(join(folder, `${name}.jsonl`), "utf8");
const isOpen = (name: string): boolean => ["running", "parked", "queued"].includes(views[name]?.status ?? "");

let outside = "";
beforeAll(() => {
  outside = mkdtempSync(join(tmpdir(), "runseal-golden-"));
});
afterAll(() => {
  rmSync(outside, { recursive: true, force: true });
});

/** Which bundle shows how a run that was left in the middle must end. */
function endOf(name: string): unknown {
  const [story = ""] = name.split("-");
  if (story === "drained") return { last: "one" };
  return views[story === "amended" ? "long" : story]?.output;
}

function openOver(name: string) {
  const stores = memoryStores({ ownerAlive: () => false });
  return { stores, plot: openPlot(mkdtempSync(join(outside, `${name}-`)), () => undefined, stores) };
}

describe("bundles that earlier versions wrote (test/golden/v0/bundles)", () => {
  test("are there for every kind of run: ended in each way, parked for each reason, cut off, forked, amended, undone, children", () => {
    expect(names.length).toBeGreaterThanOrEqual(25);
    expect(Object.keys(views).sort()).toEqual([...names].sort());
    expect(new Set(names.map((name) => views[name]?.status))).toEqual(
      new Set(["completed", "failed", "canceled", "running", "parked"]),
    );
    const reasons = names.flatMap((name) => (views[name]?.status === "parked" ? [views[name].reason] : []));
    expect(new Set(reasons)).toEqual(new Set(["awaiting_signal", "human_gate", "in_doubt"]));
    const kinds = new Set(names.flatMap((name) => linesOf(textOf(name), "event").map((event) => event.kind)));
    for (const kind of ["fact.recorded", "artifact.written", "domain", "decision.made", "signal.received", "child.completed"])
      expect(kinds).toContain(kind);
    for (const kind of ["run.forked", "run.amended", "approval.consumed", "step.retry_scheduled", "step.in_doubt", "lock.released"])
      expect(kinds).toContain(kind);
  });

  test.each(names)("%s is sound by itself, and folds to what was seen then", (name) => {
    const bundle = textOf(name);
    const [header] = linesOf(bundle, "bundle");
    if (header === undefined) throw new TypeError(name);
    const head = { ...header.head, stream: runStream(header.runId) };
    expect(verifyBundle(bundle, { head })).toMatchObject({ integrity: "ok", completeness: "full", problems: [] });
    const state = beginState(runPlanOf(runbookIn(bundle)), header.scope, header.runId);
    const own = linesOf(bundle, "event").filter((event) => event.stream === head.stream);
    for (const event of own) fold(state, eventOf({ ...event, scope: header.scope }));
    expect(JSON.parse(JSON.stringify(runViewOf(state)))).toEqual(views[name]);
  });

  test.each(names)("%s is not what it was with any line left out, or moved", (name) => {
    const lines = textOf(name).trimEnd().split("\n");
    for (const index of lines.keys()) {
      const without = lines.toSpliced(index, 1);
      expect(verifyBundle(`${without.join("\n")}\n`).integrity, `without line ${index + 1}`).not.toBe("ok");
    }
  });

  test.each(names)("%s goes into fresh stores, and is the same run there", async (name) => {
    const { stores, plot } = openOver(name);
    const { scope, runId } = await importBundle(stores, textOf(name));
    const head = views[name]?.hash;
    expect((await plot.runseal.head(runId)).hash).toBe(head);
    expect(await plot.runseal.verify(runId)).toMatchObject({ integrity: "ok", problems: [] });
    const seen: string[] = [];
    for await (const event of stores.reader.read(scope, runStream(runId))) seen.push(event.hash);
    expect(seen.at(-1)).toBe(head);
    expect((await plot.runseal.status(runId)).steps).toEqual(views[name]?.steps);
    await plot.runseal.close();
  });

  test.each(names)("%s is replayed to the same events, in both modes (decision 3.17, reliability row 68)", async (name) => {
    const { stores, plot } = openOver(name);
    const { runId } = await importBundle(stores, textOf(name));
    // the times of an import are those of the import
    const toleranceMs = Number.MAX_SAFE_INTEGER;
    for (const mode of ["replay_decisions", "re_simulate"] as const) {
      const report = await plot.runseal.replay(runId, { mode, toleranceMs });
      expect({ mode, status: report.status, divergences: report.divergences }).toEqual({ mode, status: "equal", divergences: [] });
    }
    expect(plot.outside.lines).toEqual([]);
    await plot.runseal.close();
  });

  test.each(names.filter(isOpen))("%s goes on where it was, and ends as it would have then", async (name) => {
    const { stores, plot } = openOver(name);
    if (name.startsWith("family")) await stores.runbooks.put(runbookIn(textOf("family-child")));
    const { runId } = await importBundle(stores, textOf(name));
    const { runseal } = plot;
    const ines = { principal: { issuer: "desk", subject: "ines" } };
    const done = new Set((await runseal.status(runId)).steps.flatMap((step) => (step.status === "completed" ? [step.stepId] : [])));
    const run = await runseal.resume(runId);
    for (let result = await run.result(); result.status === "parked"; result = await run.result()) {
      const { reason, stepId, key } = result;
      if (reason === "awaiting_signal") await runseal.signal(runId, key ?? "", { noted: "thank you" });
      if (reason === "human_gate")
        await runseal.decide(runId, stepId ?? "", { ...ines, verdict: "approve", payload: { noted: "yes" } });
      if (reason === "in_doubt")
        await runseal.resolveDoubt(runId, stepId ?? "", { ...ines, outcome: "done", result: { noted: "one" } });
      await runseal.resume(runId);
    }
    expect(await run.result()).toMatchObject({ status: "completed", output: endOf(name) });
    expect(plot.outside.lines.filter((line) => done.has(line.stepId))).toEqual([]);
    expect(await runseal.verify(runId)).toMatchObject({ integrity: "ok", problems: [] });
    expect(verifyBundle(await runseal.export(runId))).toMatchObject({ integrity: "ok", completeness: "full", problems: [] });
    await runseal.close();
  });
});
