import { describe, expect, test } from "vitest";
import { Rig, rested } from "./rig.js";
import { buildRunbook, resultOf } from "./build-runbook.js";

describe("a run", () => {
  test("executes steps in plan order, hands results on and completes with the output", async () => {
    const seen: unknown[] = [];
    const rig = new Rig({
      verbs: {
        "math.add": {
          run: async (args) => {
            seen.push(args);
            const { a, b } = args as { a: number; b: number };
            return { sum: a + b };
          },
        },
      },
    });
    const runbook = buildRunbook({
      steps: [
        { id: "one", verb: "math.add", args: { a: 1, b: 2 } },
        { id: "two", verb: "math.add", args: { a: resultOf("one", "sum"), b: 10 }, dependsOn: ["one"] },
      ],
      output: { total: resultOf("two", "sum") },
    });
    const runId = await rig.submit(runbook);
    const end = rested(await rig.drive(runbook, runId));
    expect(end.result).toEqual({ status: "completed", runId, output: { total: 13 } });
    expect(seen).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 10 },
    ]);
    expect(await rig.story(runId)).toEqual([
      "run.submitted",
      "lease.taken",
      "run.started",
      "step.entered one 1",
      "step.completed one 1",
      "step.entered two 1",
      "step.completed two 1",
      "run.completed",
    ]);
  });
});
