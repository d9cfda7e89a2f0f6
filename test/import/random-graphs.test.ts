import { fc, test as property } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { importArgoWorkflow } from "../../examples/import/argo-workflow.js";
import { importDagman } from "../../examples/import/dagman.js";
import { importKestraFlow } from "../../examples/import/kestra-flow.js";
import { importPegasusWorkflow } from "../../examples/import/pegasus-workflow.js";
import type { Imported } from "../../examples/import/imported.js";
import { planImported, stepIds } from "./compile-imported.js";
import { depths, type SourceGraph } from "./source-graphs.js";

/** A graph without circles, its nodes in any order of writing. */
const graphs: fc.Arbitrary<SourceGraph> = fc.integer({ min: 1, max: 12 }).chain((size) => {
  const names = Array.from({ length: size }, (_, index) => `N${index}`);
  const pairs = names.flatMap((after, index) => names.slice(0, index).map((before) => [before, after] as const));
  return fc.record({ nodes: fc.shuffledSubarray(names, { minLength: size }), edges: fc.subarray(pairs) });
});

const beforeOf = ({ edges }: SourceGraph, node: string): readonly string[] =>
  edges.filter(([, after]) => after === node).map(([before]) => before);

const WRITERS: { readonly [format: string]: (graph: SourceGraph) => Imported } = {
  DAGMan: ({ nodes, edges }) =>
    importDagman([...nodes.map((node) => `JOB ${node} x`), ...edges.map(([a, b]) => `PARENT ${a} CHILD ${b}`)].join("\n")),
  Argo: (graph) =>
    importArgoWorkflow({
      kind: "Workflow",
      spec: {
        entrypoint: "main",
        templates: [
          {
            name: "main",
            dag: { tasks: graph.nodes.map((name) => ({ name, template: "t", dependencies: beforeOf(graph, name) })) },
          },
          { name: "t", container: {} },
        ],
      },
    }),
  Kestra: (graph) =>
    importKestraFlow({
      id: "f",
      namespace: "n",
      tasks: [
        {
          id: "d",
          type: "io.kestra.plugin.core.flow.Dag",
          tasks: graph.nodes.map((id) => ({ task: { id, type: "x.Y" }, dependsOn: beforeOf(graph, id) })),
        },
      ],
    }),
  Pegasus: ({ nodes, edges }) =>
    importPegasusWorkflow({
      pegasus: "5.0",
      jobs: nodes.map((id) => ({ id, name: "p", uses: [{ lfn: `out ${id}`, type: "output" }] })),
      jobDependencies: edges.map(([id, child]) => ({ id, children: [child] })),
    }),
};

describe("a graph of any shape", () => {
  for (const [format, write] of Object.entries(WRITERS)) {
    property.prop([graphs])(`in ${format} is planned in phases of its longest paths, every step once`, (graph) => {
      const imported = write(graph);
      expect(imported.report.refusals).toEqual([]);
      const { plan } = planImported(imported);
      const ids = stepIds(imported);
      const found = new Map(plan.phases.flatMap((phase, depth) => phase.map((id) => [id, depth] as const)));
      expect(found).toEqual(new Map([...depths(graph)].map(([node, depth]) => [ids.get(node), depth])));
      expect(plan.steps).toHaveLength(graph.nodes.length);
    });

    property.prop([graphs.filter(({ nodes }) => nodes.length > 1), fc.nat(), fc.nat()])(
      `in ${format} with one way back is refused, with a circle that is really there`,
      (graph, from, to) => {
        const [a, b] = [graph.nodes[from % graph.nodes.length] ?? "", graph.nodes[to % graph.nodes.length] ?? ""];
        const edges = [...graph.edges, [a, b], [b, a]] as const;
        const [refusal] = write({ nodes: graph.nodes, edges }).report.refusals;
        expect(refusal?.code).toBe("import.cycle");
        const path = refusal?.message.split(": ")[1]?.split(" -> ") ?? [];
        expect(path.length).toBeGreaterThan(1);
        expect(path[0]).toBe(path.at(-1));
        const steps = path.slice(1).map((after, index) => `${path[index] ?? ""} ${after}`);
        expect(steps.every((step) => edges.some(([before, after]) => `${before} ${after}` === step))).toBe(true);
      },
    );
  }
});
