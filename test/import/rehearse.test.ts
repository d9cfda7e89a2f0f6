import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryStores } from "runseal";
import { openSqlite } from "runseal/sqlite";
import { afterAll, describe, expect, test } from "vitest";
import type { Imported } from "../../examples/import/imported.js";
import { importKestraFlow } from "../../examples/import/kestra-flow.js";
import { Recorder } from "../../examples/import/recorder.js";
import { rehearse, type Rehearsal } from "../../examples/import/rehearse.js";
import { importArgoWorkflow } from "../../examples/import/argo-workflow.js";
import { importSsmAutomation } from "../../examples/import/ssm-automation.js";
import { stepIds } from "./compile-imported.js";
import { CONVERTED, FIXTURES, importFixture } from "./fixtures.js";
import { sourceGraph } from "./source-graphs.js";

const ROOT = new URL("../..", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "runseal-import-test-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function rehearsed(
  imported: Imported,
  recorder: Recorder,
  args?: { readonly [name: string]: unknown },
): Promise<Rehearsal> {
  const stores = memoryStores();
  const rehearsal = await rehearse(imported, stores, { recorder, intent: "test", ...(args === undefined ? {} : { args }) });
  await stores.close();
  if ("kind" in rehearsal) throw new TypeError(JSON.stringify(rehearsal));
  return rehearsal;
}

describe("documents of the field, run on the embedded store", () => {
  test.each(CONVERTED)(
    "%s: every handler is called once, after all that the source puts before it, and the log verifies",
    async (name) => {
      const imported = importFixture(name);
      const recorder = new Recorder();
      const stores = openSqlite(join(folder, `${name.replaceAll("/", "-")}.db`));
      const rehearsal = await rehearse(imported, stores, { recorder, intent: name });
      await stores.close();
      expect(rehearsal).toMatchObject({ status: "completed", isVerified: true, skipped: [] });
      const [graph, ids] = [sourceGraph(name), stepIds(imported)];
      const gates = new Set(imported.verbs.filter((verb) => verb.mode === "human_gate").map((verb) => verb.name));
      const gated = new Set(gates.size > 0 ? [ids.get("approve")] : []);
      const wanted = graph.nodes.map((node) => ids.get(node)).filter((id) => !gated.has(id));
      expect(recorder.calls.map((call) => call.stepId).sort()).toEqual(wanted.sort());
      const begun = recorder.calls.map((call) => call.stepId);
      const early = graph.edges.filter(([before, after]) => {
        const [first, second] = [ids.get(before) ?? "", ids.get(after) ?? ""];
        return begun.includes(first) && begun.indexOf(second) < recorder.ended.indexOf(first);
      });
      expect(early).toEqual([]);
    },
  );
});

describe("an Automation document with failures on its way", () => {
  const state = (name: string, more: object = {}): object => ({
    name,
    action: "aws:changeInstanceState",
    inputs: { InstanceIds: ["i-1"], DesiredState: "stopped" },
    ...more,
  });
  const document = {
    schemaVersion: "0.3",
    mainSteps: [
      state("begin"),
      state("risky", { onFailure: "step:clean" }),
      state("more", { onFailure: "step:clean", isCritical: false }),
      state("clean"),
    ],
  };
  const run = async (...failing: readonly string[]) => {
    const recorder = new Recorder((stepId) => failing.includes(stepId));
    const { status, skipped, isVerified } = await rehearsed(importSsmAutomation(document), recorder);
    return { called: recorder.calls.map((call) => call.stepId), status, skipped, isVerified };
  };

  test("runs all of it, and no verdict, where nothing fails", async () => {
    expect(await run()).toEqual({
      called: ["begin", "risky", "more", "clean"],
      status: "completed",
      skipped: ["verdict"],
      isVerified: true,
    });
  });

  test("jumps over what a failed step would have led to, cleans up, and is failed by the verdict where it was critical", async () => {
    expect(await run("risky")).toEqual({
      called: ["begin", "risky", "clean", "verdict"],
      status: "failed",
      skipped: ["more"],
      isVerified: true,
    });
  });

  test("is completed where the failed step was not critical", async () => {
    expect(await run("more")).toMatchObject({
      called: ["begin", "risky", "more", "clean"],
      status: "completed",
      skipped: ["verdict"],
    });
  });

  test("stops where a failure leads nowhere", async () => {
    expect(await run("begin")).toMatchObject({ called: ["begin"], status: "failed" });
  });
});

describe("an Automation document with a branch", () => {
  const nap = (name: string, more: object = {}): object => ({
    name,
    action: "aws:sleep",
    inputs: { Duration: "PT1M" },
    ...more,
  });
  const branched = importSsmAutomation({
    schemaVersion: "0.3",
    parameters: { Key: { type: "String", default: "" } },
    mainSteps: [
      {
        name: "look",
        action: "aws:executeAwsApi",
        inputs: { Service: "s3", Api: "GetBucket" },
        outputs: [{ Name: "State", Selector: "$.State", Type: "String" }],
      },
      {
        name: "which",
        action: "aws:branch",
        inputs: {
          Choices: [
            { NextStep: "keyed", Not: { Variable: "{{ Key }}", StringEquals: "" } },
            { NextStep: "seen", Variable: "{{ look.State }}", StringEquals: "State-1" },
          ],
          Default: "neither",
        },
      },
      nap("keyed", { nextStep: "last" }),
      nap("seen", { nextStep: "last" }),
      nap("neither"),
      nap("last"),
    ],
    outputs: ["look.State"],
  });

  test.each([
    ["a parameter", { Key: "k" }, ["look", "keyed", "last"], ["seen", "neither"]],
    ["a result", {}, ["look", "seen", "last"], ["keyed", "neither"]],
  ])("takes the way that %s chooses, and skips the others", async (_by, args, called, skipped) => {
    const recorder = new Recorder();
    const rehearsal = await rehearsed(branched, recorder, args);
    expect(recorder.calls.map((call) => call.stepId)).toEqual(called);
    expect(rehearsal).toMatchObject({ status: "completed", output: { "look.State": "State-1" }, isVerified: true });
    expect([...rehearsal.skipped].sort()).toEqual([...skipped].sort());
  });
});

describe("other documents that a run decides something in", () => {
  test("an Argo task whose condition does not hold is skipped, and what depends on it runs", async () => {
    const task = (name: string, more: object = {}): object => ({ name, template: "work", ...more });
    const imported = importArgoWorkflow({
      kind: "Workflow",
      spec: {
        entrypoint: "main",
        templates: [
          {
            name: "main",
            dag: {
              tasks: [
                task("a"),
                task("b", { depends: "a", when: "{{tasks.a.outputs.result}} == heads" }),
                task("c", { depends: "b", withItems: ["x", "y"] }),
              ],
            },
          },
          { name: "work", script: { image: "i", source: "flip" } },
        ],
      },
    });
    const recorder = new Recorder();
    expect(await rehearsed(imported, recorder)).toMatchObject({ status: "completed", skipped: ["b"], isVerified: true });
    expect(recorder.calls.map((call) => call.stepId).sort()).toEqual(["a", "c[x]/each", "c[y]/each"]);
  });

  test("a Kestra flow waits for the people and the times that it names", async () => {
    const imported = importKestraFlow({
      id: "f",
      namespace: "n",
      tasks: [
        { id: "a", type: "io.kestra.plugin.core.log.Log", message: "m" },
        { id: "gate", type: "io.kestra.plugin.core.flow.Pause" },
        { id: "nap", type: "io.kestra.plugin.core.flow.Sleep", duration: "PT1M" },
        { id: "b", type: "io.kestra.plugin.core.log.Log", message: "m" },
      ],
    });
    const recorder = new Recorder();
    expect(await rehearsed(imported, recorder)).toMatchObject({ status: "completed", skipped: [], isVerified: true });
    expect(recorder.calls.map((call) => call.stepId)).toEqual(["a", "nap", "b"]);
  });
});

describe("the command", () => {
  const command = (...files: readonly string[]): string =>
    execFileSync(process.execPath, [`${ROOT}node_modules/tsx/dist/cli.mjs`, `${ROOT}examples/import/main.ts`, ...files], {
      cwd: ROOT,
      encoding: "utf8",
    });

  test("prints what became of each file, and why", () => {
    const bad = join(folder, "bad.json");
    writeFileSync(bad, '{"schemaVersion":"0.3","mainSteps":[{"name":"a","action":"aws:loop"}]}');
    const lines = command(`test/fixtures/${FIXTURES["pegasus/blackdiamond"]}`, bad, join(folder, "missing.json")).split("\n");
    expect(lines[1]).toMatch(/^blackdiamond\.dax +pegasus-dax +converted +4 +3 +5 +4 +rb_[0-9a-f]{12} +completed, verified$/);
    expect(lines.slice(3, 5)).toEqual([
      expect.stringMatching(/^bad\.json +ssm-automation +refused$/),
      "    import.loop at /mainSteps/0/action: aws:loop repeats steps a number of times that only running tells",
    ]);
    expect(lines[5]).toMatch(/^missing\.json +not readable$/);
  });
});
