import { describe, expect, test } from "vitest";
import type { RunbookSketch, StepSketch, VerbSketch } from "./build-runbook.js";
import type { Runbook } from "../../src/model/runbook.js";
import { ManualEnv } from "./manual-env.js";
import { Rig, rested } from "./rig.js";
import { buildRunbook, resultOf, written } from "./build-runbook.js";
import { playCommits, recordCommits } from "./record-commits.js";
import { runStream } from "../../src/model/ids.js";
import { verifyRun } from "../../src/history/verify-run.js";

interface Scenario {
  readonly sketch: RunbookSketch;
  readonly concurrency?: number;
  readonly verbs: (calls: string[]) => { readonly [name: string]: VerbSketch };
}

const write = { effect: "write", recovery: "idempotent" } as const;

const counting =
  (calls: string[], run: (stepId: string, attempt: number) => unknown): VerbSketch["run"] =>
  async (_, ctx) => {
    calls.push(ctx.stepId);
    return run(ctx.stepId, ctx.attempt);
  };

const scenarios: { readonly [name: string]: Scenario } = {
  sequential: {
    sketch: {
      steps: [
        { id: "a", ...write, writes: [written("account", "1")] },
        { id: "b", effect: "read", dependsOn: ["a"] },
        { id: "c", dependsOn: ["b"], args: { b: resultOf("b") } },
        { id: "d", ...write, dependsOn: ["c"] },
      ],
      output: { d: resultOf("d") },
    },
    verbs: (calls) => ({ "test.work": { run: counting(calls, (id) => `result of ${id}`) } }),
  },
  parallel: {
    concurrency: 3,
    sketch: {
      steps: [
        { id: "a", ...write },
        { id: "b", ...write },
        { id: "c", effect: "read" },
        { id: "d", ...write, dependsOn: ["a", "b"], args: { a: resultOf("a") } },
        { id: "e", dependsOn: ["c", "d"] },
      ],
      output: { all: [resultOf("a"), resultOf("b"), resultOf("c"), resultOf("d"), resultOf("e")] },
    },
    verbs: (calls) => ({ "test.work": { run: counting(calls, (id) => `result of ${id}`) } }),
  },
  retrying: {
    sketch: {
      steps: [
        { id: "a", ...write, retry: { attemptsMax: 4, baseMs: 10, maxMs: 10 } },
        { id: "b", ...write, dependsOn: ["a"] },
      ],
      output: { a: resultOf("a") },
    },
    verbs: (calls) => ({
      "test.work": {
        run: counting(calls, (id, attempt) => {
          if (id === "a" && attempt < 3) throw new Error("again");
          return id;
        }),
      },
    }),
  },
  skipping: {
    sketch: {
      steps: [
        { id: "a", ...write },
        { id: "b", ...write, dependsOn: ["a"], when: { $: "eq", of: [resultOf("a"), "no"] } },
        { id: "c", dependsOn: ["b"], args: { b: resultOf("b") } },
        { id: "d", ...write, dependsOn: ["b"], args: { b: resultOf("b") }, optional: ["b"] },
      ],
      output: { d: resultOf("d") },
    },
    verbs: (calls) => ({ "test.work": { run: counting(calls, (id) => id) } }),
  },
  failing: {
    sketch: {
      steps: [
        { id: "a", ...write },
        { id: "b", ...write, dependsOn: ["a"] },
        { id: "c", dependsOn: ["b"] },
      ],
    },
    verbs: (calls) => ({
      "test.work": {
        run: counting(calls, (id) => {
          if (id === "b") throw Object.assign(new Error("no"), { retryable: false });
          return id;
        }),
      },
    }),
  },
  large: {
    sketch: {
      steps: [
        { id: "a", ...write },
        { id: "b", ...write, dependsOn: ["a"], args: { a: resultOf("a") } },
      ],
      output: { b: resultOf("b") },
    },
    verbs: (calls) => ({ "test.work": { run: counting(calls, (id) => id.repeat(40_000)) } }),
  },
};

async function verdictOf(rig: Rig, runbook: Runbook, runId: string) {
  const events = [];
  for await (const event of rig.stores.reader.read("default", runStream(runId))) events.push(event);
  const head = await rig.stores.reader.head("default", runStream(runId));
  const { integrity, completeness, status, problems } = verifyRun({
    scope: "default",
    runId,
    runbook,
    events,
    ...(head !== undefined && { projection: head }),
  });
  return { integrity, completeness, status, problems };
}

describe.each(Object.entries(scenarios))("a crash after any commit of a %s run", (_, scenario) => {
  test("is followed by the same outcome, and no completed step is called again (X.5-10, reliability 1-9)", async () => {
    const runbook = buildRunbook(scenario.sketch);
    const calls: string[] = [];
    const verbs = scenario.verbs(calls);
    const base = new Rig({ verbs });
    const recorder = recordCommits(base.stores);
    const rig = new Rig({ stores: recorder.stores, env: base.env, verbs });
    const runId = await rig.submit(runbook, { concurrency: scenario.concurrency ?? null });
    const whole = rested(await rig.drive(runbook, runId));
    expect(await verdictOf(rig, runbook, runId)).toEqual({
      integrity: "ok",
      completeness: "full",
      status: whole.view.status,
      problems: [],
    });
    expect(recorder.commits.length).toBeGreaterThan(2);
    for (let count = 1; count < recorder.commits.length; count += 1) {
      const recalled: string[] = [];
      const env = new ManualEnv();
      const again = new Rig({ env, verbs: scenario.verbs(recalled), ownerAlive: () => false });
      await playCommits(again.stores, recorder.commits.slice(0, count));
      const done = (await again.events(runId)).flatMap((event) =>
        event.kind === "step.completed" ? [event.payload.stepId] : [],
      );
      const { result, view } = rested(await again.drive(runbook, runId, {}, "recovered"));
      expect(result).toEqual(whole.result);
      expect(outcomes(view.steps)).toEqual(outcomes(whole.view.steps));
      expect(recalled.filter((id) => done.includes(id))).toEqual([]);
      expect(await verdictOf(again, runbook, runId)).toMatchObject({ integrity: "ok", status: view.status, problems: [] });
    }
  });
});

function outcomes(
  steps: readonly { readonly stepId: string; readonly status: string; readonly result?: unknown; readonly resultRef?: string }[],
) {
  return steps.map(({ stepId, status, result, resultRef }) => ({ stepId, status, result, resultRef }));
}

describe("the log of a run that has ended", () => {
  test("is not added to by whoever claims it later", async () => {
    const steps: StepSketch[] = [{ id: "a", ...write }];
    const rig = new Rig({ verbs: { "test.work": { run: async () => null } } });
    const runbook = buildRunbook({ steps });
    const runId = await rig.submit(runbook);
    await rig.drive(runbook, runId);
    const before = await rig.story(runId);
    await expect(rig.claim(runbook, runId)).rejects.toMatchObject({ code: "run.terminal" });
    expect(await rig.story(runId)).toEqual(before);
  });
});
