import { describe, expect, test } from "vitest";
import { CONVERTED, FIXTURES, importFixture, type FixtureName } from "./fixtures.js";
import { planImported, stepIds } from "./compile-imported.js";
import { depths, sourceGraph } from "./source-graphs.js";

interface Expected {
  readonly verdict: "converted" | "refused";
  /** Why: what was refused, else what the reader is told. */
  readonly why: readonly string[];
  readonly steps: number;
  readonly phases: number;
  readonly writes: number;
}

const converted = (steps: number, phases: number, writes: number, ...why: readonly string[]): Expected => ({
  verdict: "converted",
  why,
  steps,
  phases,
  writes,
});

/** Every file of the field: what became of it, and why. */
const TABLE: { readonly [name in FixtureName]: Expected } = {
  "ssm/ASGChangeStandbyState": converted(3, 3, 1),
  "ssm/CreateImage": converted(1, 1, 0),
  "ssm/DeleteCloudFormation": converted(2, 2, 1),
  "ssm/RestartEC2Instance": converted(3, 3, 1),
  "ssm/StopEC2Instance": converted(2, 2, 1),
  "ssm/UpdateCloudFormation": converted(4, 4, 1),
  "argo/diamond": converted(4, 3, 0),
  "argo/multiroot": converted(4, 2, 0),
  "argo/nested": converted(16, 9, 0),
  "argo/targets": converted(
    3,
    3,
    0,
    'the import decides "target" = "E", because it chooses the tasks that run',
    '"B" is not needed for the target and is left out',
    '"D" is not needed for the target and is left out',
  ),
  "kestra/dag": converted(6, 4, 0),
  "kestra/cyclic": {
    verdict: "refused",
    why: ["import.cycle /tasks/0/tasks/0 the steps wait for each other in a circle: task1 -> task2 -> task1"],
    steps: 0,
    phases: 0,
    writes: 0,
  },
  "pegasus/inner": converted(20, 2, 0, '"transformationCatalog" is for the planner of Pegasus and is left out'),
  "pegasus/workflow": converted(
    4,
    3,
    5,
    '"replicaCatalog" is for the planner of Pegasus and is left out',
    '"transformationCatalog" is for the planner of Pegasus and is left out',
    '"hooks" is for the planner of Pegasus and is left out',
  ),
  "pegasus/pipeline.dax": converted(
    12,
    10,
    17,
    "<invoke> is for the planner of Pegasus and is left out",
    "<file> is for the planner of Pegasus and is left out",
    "<executable> is for the planner of Pegasus and is left out",
  ),
  "pegasus/blackdiamond": converted(4, 3, 5, "<filename> is for the planner of Pegasus and is left out"),
  "dagman/abcd": converted(4, 4, 0),
  "dagman/pipeline": converted(
    7,
    5,
    0,
    ...Array<string>(2).fill("MAXJOBS is about the process that runs the graph and is left out"),
  ),
};

describe("the documents of the field", () => {
  test("are each in the table, converted or refused", () => {
    expect(Object.keys(TABLE).sort()).toEqual(Object.keys(FIXTURES).sort());
  });

  test.each(Object.entries(TABLE) as [FixtureName, Expected][])("%s is what the table says, and why", (name, expected) => {
    const imported = importFixture(name);
    const { refusals, notes } = imported.report;
    const why =
      refusals.length === 0
        ? notes.map((note) => note.message)
        : refusals.map((one) => `${one.code} ${one.pointer} ${one.message}`);
    expect({ verdict: refusals.length === 0 ? "converted" : "refused", why }).toEqual({
      verdict: expected.verdict,
      why: expected.why,
    });
    if (refusals.length > 0) {
      expect([imported.verbs, imported.macros, imported.report.root]).toEqual([[], [], null]);
      return;
    }
    const planned = planImported(imported);
    const writes = new Set(
      [...planned.writeSet.byStep.values()].flatMap((step) => step.writes.map(({ kind, id }) => `${kind} ${id}`)),
    );
    expect([planned.plan.steps.length, planned.plan.phases.length, writes.size]).toEqual([
      expected.steps,
      expected.phases,
      expected.writes,
    ]);
  });
});

describe("checked against the document itself, not against the compiler", () => {
  test.each(CONVERTED)("%s: every step of the source is planned once, in a valid order", (name) => {
    const imported = importFixture(name);
    const [graph, ids, planned] = [sourceGraph(name), stepIds(imported), planImported(imported)];
    const order = planned.plan.steps.map((step) => step.id);
    expect([...order].sort()).toEqual(graph.nodes.map((node) => ids.get(node)).sort());
    expect(new Set(order).size).toBe(graph.nodes.length);
    const place = new Map(order.map((id, index) => [id, index]));
    const backwards = graph.edges.filter(
      ([before, after]) => (place.get(ids.get(before) ?? "") ?? -1) >= (place.get(ids.get(after) ?? "") ?? -1),
    );
    expect(backwards).toEqual([]);
  });

  test.each(CONVERTED)("%s: the phases are those of the longest path", (name) => {
    const imported = importFixture(name);
    const [graph, ids, planned] = [sourceGraph(name), stepIds(imported), planImported(imported)];
    const wanted = new Map([...depths(graph)].map(([node, depth]) => [ids.get(node), depth]));
    const found = new Map(planned.plan.phases.flatMap((phase, depth) => phase.map((id) => [id, depth] as const)));
    expect(found).toEqual(new Map([...wanted].map(([id, depth]) => [id ?? "", depth])));
  });

  test.each(CONVERTED.filter((name) => sourceGraph(name).writes !== undefined))(
    "%s: the write-set of each step is the outputs that it declares",
    (name) => {
      const imported = importFixture(name);
      const [graph, ids, planned] = [sourceGraph(name), stepIds(imported), planImported(imported)];
      const found = graph.nodes.map((node) => {
        const writes = planned.writeSet.byStep.get(ids.get(node) ?? "")?.writes ?? [];
        expect(writes.every(({ kind, source }) => kind === "file" && source === "declared")).toBe(true);
        return [node, writes.map((write) => write.id)];
      });
      expect(new Map(found as [string, string[]][])).toEqual(graph.writes);
    },
  );
});
