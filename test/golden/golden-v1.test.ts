import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { dropPayloads, verifyBundle } from "runseal";
import type { RunView } from "runseal";
import { ODD } from "./odd-text.js";
import { STORES, openPostgres } from "./each-stores.js";
import { beginState } from "../../src/history/run-state.js";
import { eventOf } from "../../src/history/read-event.js";
import { fold } from "../../src/history/fold.js";
import { frozenSums, sumsOf } from "./frozen-folder.js";
import { importBundle, linesOf, runbookIn } from "./import-bundle.js";
import { openPlot } from "../kill/process.js";
import { parseLog } from "./log-file.js";
import { runPlanOf } from "../../src/history/run-plan.js";
import { runStream } from "../../src/model/ids.js";
import { runViewOf } from "../../src/history/run-view.js";
import { verify as verifyAlone } from "../../examples/verify-bundle/verify.js";
import { verifyRun } from "../../src/history/verify-run.js";
import { withRetention } from "./with-retention.js";

const root = join(import.meta.dirname, "v1");
const folder = join(root, "bundles");
const names = readdirSync(folder).flatMap((name) => (name.endsWith(".jsonl") ? [name.slice(0, -".jsonl".length)] : []));
const logs = readdirSync(root).filter((name) => name.endsWith(".jsonl"));
const textOf = (name: string): string => readFileSync(join(folder, `${name}.jsonl`), "utf8");
const viewOf = (name: string): RunView => JSON.parse(readFileSync(join(folder, `${name}.view.json`), "utf8")) as RunView;
const isOpen = (name: string): boolean => ["running", "parked", "queued"].includes(viewOf(name).status);
/** Those whose payloads are all there: nothing else can be imported. */
const whole = names.filter((name) => name !== "dropped");
const ines = { principal: { issuer: "desk", subject: "ines" } };

let outside = "";
beforeAll(() => {
  outside = mkdtempSync(join(tmpdir(), "runseal-golden-"));
});
afterAll(() => {
  rmSync(outside, { recursive: true, force: true });
});

/** Which output a run that was left in the middle must end with. */
function endOf(name: string): unknown {
  const [story = ""] = name.split("-");
  if (story === "drained") return { last: "one" };
  return viewOf(story === "amended" || story === "postgres" ? "long" : story).output;
}

async function openOver(kind: keyof typeof STORES) {
  const { stores, remove } = await STORES[kind]();
  onTestFinished(remove);
  return { stores, plot: openPlot(mkdtempSync(join(outside, "plot-")), () => undefined, stores) };
}

describe("test/golden/v1, which is kept for ever", () => {
  test("holds the files that it was frozen with, byte for byte (decision 4.2)", () => {
    const why = "test/golden/v1 is frozen: undo the change. A format that can't read or write it is a new one, recorded into test/golden/v2 beside it";
    expect(sumsOf(root), why).toBe(frozenSums(root));
  });

  test("has a run of every kind, and every story of v0", () => {
    const before = readdirSync(join(import.meta.dirname, "v0/bundles")).filter((name) => name.endsWith(".jsonl"));
    expect(names.map((name) => `${name}.jsonl`)).toEqual(expect.arrayContaining(before));
    const added = ["credited", "credited-entered", "postgres", "postgres-parked", "postgres-credited", "limited", "limited-behind"];
    expect(names).toEqual(expect.arrayContaining([...added, "whole", "dropped", "odd", "family-odd"]));
    expect(logs).toEqual(expect.arrayContaining(readdirSync(join(import.meta.dirname, "v0")).filter((name) => name.endsWith(".jsonl"))));
    expect(new Set(names.map((name) => viewOf(name).status))).toEqual(
      new Set(["completed", "failed", "canceled", "running", "parked"]),
    );
    expect(linesOf(textOf("credited"), "runbook")[0]?.contentText).toContain('"transactional":true');
    expect(linesOf(textOf("dropped"), "event").filter(({ payloadText }) => payloadText === "").length).toBeGreaterThan(3);
    expect(textOf("odd")).toContain(JSON.stringify(ODD).slice(1, 20));
  });

  test.each(logs)("the log %s verifies whole, and folds to what was seen then", (name) => {
    const log = parseLog(readFileSync(join(root, name), "utf8"));
    const verdict = verifyRun({ ...log, projection: log.head });
    expect(verdict).toMatchObject({ integrity: "ok", completeness: "full", problems: [] });
    const state = beginState(runPlanOf(log.runbook), log.scope, log.runId);
    for (const event of log.events) fold(state, eventOf(event));
    expect(JSON.parse(JSON.stringify(runViewOf(state)))).toEqual(JSON.parse(JSON.stringify(log.view)));
  });

  test.each(names)("the bundle %s is sound for the package and for the verifier that shares no code with it", (name) => {
    const bundle = textOf(name);
    const [header] = linesOf(bundle, "bundle");
    if (header === undefined) throw new TypeError(name);
    const head = { ...header.head, stream: runStream(header.runId) };
    const completeness = name === "dropped" ? "partial" : "full";
    expect(verifyBundle(bundle, { head })).toMatchObject({ integrity: "ok", completeness, problems: [] });
    const { isSound, problems } = verifyAlone(new TextEncoder().encode(bundle), head);
    expect({ isSound, problems }).toEqual({ isSound: true, problems: [] });
    const state = beginState(runPlanOf(runbookIn(bundle)), header.scope, header.runId);
    const own = linesOf(bundle, "event").filter((event) => event.stream === head.stream);
    for (const event of own) fold(state, eventOf({ ...event, scope: header.scope }));
    expect(JSON.parse(JSON.stringify(runViewOf(state)))).toEqual(viewOf(name));
  });

  describe.each(Object.keys(STORES) as (keyof typeof STORES)[])("over %s", (kind) => {
    test.each(whole)("%s is imported, verified, replayed in both modes, and goes on where it was (decision 3.17)", async (name) => {
      const { stores, plot } = await openOver(kind);
      const { runseal } = plot;
      const seen = viewOf(name);
      if (name.startsWith("family")) await stores.runbooks.put(runbookIn(textOf("family-child")));
      // compiled today it has the id that the parent names
      if (name === "family-odd") await runseal.compile({ name: "plot.drained", args: { a: ODD, b: ODD } }, { intent: "child" });
      const { runId } = await importBundle(stores, textOf(name));
      expect((await runseal.head(runId)).hash).toBe(seen.hash);
      expect(await runseal.verify(runId)).toMatchObject({ integrity: "ok", completeness: "full", problems: [] });
      expect((await runseal.status(runId)).steps).toEqual(seen.steps);
      const exported = await runseal.export(runId);
      const times = (text: string) => linesOf(text, "event").map((event) => ({ ...event, at: 0 }));
      expect(times(exported)).toEqual(times(textOf(name)));
      for (const mode of ["replay_decisions", "re_simulate"] as const) {
        // the times of an import are those of the import
        const report = await runseal.replay(runId, { mode, toleranceMs: Number.MAX_SAFE_INTEGER });
        expect({ mode, status: report.status, divergences: report.divergences }).toEqual({ mode, status: "equal", divergences: [] });
      }
      expect(plot.outside.lines).toEqual([]);
      if (isOpen(name)) await endsAsThen(plot, runId, name);
      await runseal.close();
    });
  });

  test("payloads dropped today, in PostgreSQL, leave the bytes that were left then: dropped is whole without them (decision 4.3)", async () => {
    const { stores, pool, schema, remove } = await openPostgres();
    onTestFinished(remove);
    const { runseal } = openPlot(mkdtempSync(join(outside, "plot-")), () => undefined, stores);
    const { scope, runId } = await importBundle(stores, textOf("whole"));
    const { seq } = await runseal.head(runId);
    await dropPayloads(withRetention(stores, pool, schema), { scope, runId, fromSeq: 1, toSeq: seq, reason: "30 days" });
    const events = (text: string) => linesOf(text, "event").map((event) => ({ ...event, at: 0 }));
    expect(events(await runseal.export(runId))).toEqual(events(textOf("dropped")));
    expect(await runseal.verify(runId)).toMatchObject({ integrity: "ok", completeness: "partial" });
    await stores.projections.rebuild(scope);
    expect((await runseal.head(runId)).hash).toBe(viewOf("dropped").hash);
    await runseal.close();
  });

  test.each(Object.keys(STORES) as (keyof typeof STORES)[])(
    "the start under limits is known over %s, and is there after the heads were rebuilt",
    async (kind) => {
      const { stores } = await openOver(kind);
      const { scope, runId } = await importBundle(stores, textOf("limited"));
      const before = await stores.reader.head(scope, runStream(runId));
      expect(before?.run?.startedAt).toBeGreaterThan(0);
      expect(before?.run?.queue).toBe("slow");
      await stores.projections.rebuild(scope);
      expect(await stores.reader.head(scope, runStream(runId))).toEqual(before);
    },
  );
});

async function endsAsThen({ runseal, outside: world }: ReturnType<typeof openPlot>, runId: string, name: string): Promise<void> {
  const done = new Set(viewOf(name).steps.flatMap((step) => (step.status === "completed" ? [step.stepId] : [])));
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
  expect(world.lines.filter((line) => done.has(line.stepId))).toEqual([]);
  expect(await runseal.verify(runId)).toMatchObject({ integrity: "ok", problems: [] });
  expect(verifyBundle(await runseal.export(runId))).toMatchObject({ integrity: "ok", completeness: "full", problems: [] });
}
