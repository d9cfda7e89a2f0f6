import { parse } from "yaml";
import { fixtureText, type FixtureName } from "./fixtures.js";

/** What a document says of itself, read by a few lines that share nothing with the importers or the compiler. */
export interface SourceGraph {
  /** Names of steps as the document has them; steps of nested graphs are `outer/inner`. */
  readonly nodes: readonly string[];
  readonly edges: readonly (readonly [before: string, after: string])[];
  /** Files that a step declares to write; absent where the format declares none. */
  readonly writes?: ReadonlyMap<string, readonly string[]>;
}

/** Reads the graph of a fixture. */
export function sourceGraph(name: FixtureName): SourceGraph {
  const text = fixtureText(name);
  if (name.startsWith("ssm/")) return automationGraph(text);
  if (name === "argo/targets") return reaching(argoGraph(text), ["E"]);
  if (name.startsWith("argo/")) return argoGraph(text);
  if (name.startsWith("kestra/")) return kestraGraph(text);
  if (name.startsWith("dagman/")) return dagmanGraph(text);
  return text.includes("<adag") ? daxGraph(text) : pegasusGraph(text);
}

/** How many edges the longest path to each node has. */
export function depths(graph: SourceGraph): ReadonlyMap<string, number> {
  const depth = new Map(graph.nodes.map((node) => [node, 0]));
  // after as many rounds as there are nodes, every path has been walked
  for (const _ of graph.nodes) {
    for (const [before, after] of graph.edges) {
      depth.set(after, Math.max(depth.get(after) ?? 0, (depth.get(before) ?? 0) + 1));
    }
  }
  return depth;
}

/** The names of the fixtures run one after another: none of them jumps. */
function automationGraph(text: string): SourceGraph {
  const { mainSteps } = JSON.parse(text) as { mainSteps: readonly { name: string; nextStep?: string; isEnd?: boolean }[] };
  expectPlain(mainSteps);
  const nodes = mainSteps.map((step) => step.name);
  return { nodes, edges: nodes.slice(1).map((node, index) => [nodes[index] ?? "", node]) };
}

function expectPlain(steps: readonly { nextStep?: string; isEnd?: boolean }[]): void {
  if (steps.some((step) => step.nextStep !== undefined || step.isEnd !== undefined)) throw new TypeError("a step that jumps");
}

interface ArgoTemplate {
  readonly name: string;
  readonly dag?: { readonly tasks: readonly { readonly name: string; readonly template: string; readonly depends?: string }[] };
}

function argoGraph(text: string): SourceGraph {
  const { spec } = parse(text) as { spec: { entrypoint: string; templates: readonly ArgoTemplate[] } };
  const graphOf = (template: string): SourceGraph => {
    const tasks = spec.templates.find((one) => one.name === template)?.dag?.tasks;
    if (tasks === undefined) return { nodes: [""], edges: [] };
    const inner = new Map(tasks.map((task) => [task.name, under(task.name, graphOf(task.template))]));
    const nodesOf = (task: string): readonly string[] => inner.get(task)?.nodes ?? [];
    const between = tasks.flatMap((task) =>
      (task.depends ?? "")
        .split("&&")
        .map((name) => name.trim())
        .flatMap((name) => nodesOf(name).flatMap((before) => nodesOf(task.name).map((after) => [before, after] as const))),
    );
    return {
      nodes: [...inner.values()].flatMap((graph) => graph.nodes),
      edges: [...[...inner.values()].flatMap((graph) => graph.edges), ...between],
    };
  };
  return graphOf(spec.entrypoint);
}

function under(name: string, graph: SourceGraph): SourceGraph {
  const path = (node: string): string => (node === "" ? name : `${name}/${node}`);
  return { nodes: graph.nodes.map(path), edges: graph.edges.map(([before, after]) => [path(before), path(after)]) };
}

function reaching(graph: SourceGraph, targets: readonly string[]): SourceGraph {
  const needed = new Set(targets);
  for (const _ of graph.nodes) for (const [before, after] of graph.edges) if (needed.has(after)) needed.add(before);
  return {
    nodes: graph.nodes.filter((node) => needed.has(node)),
    edges: graph.edges.filter(([, after]) => needed.has(after)),
  };
}

function kestraGraph(text: string): SourceGraph {
  const flow = parse(text) as { tasks: readonly [{ tasks: readonly { task: { id: string }; dependsOn?: readonly string[] }[] }] };
  const [{ tasks }] = flow.tasks;
  return {
    nodes: tasks.map(({ task }) => task.id),
    edges: tasks.flatMap(({ task, dependsOn = [] }) => dependsOn.map((before) => [before, task.id] as const)),
  };
}

function dagmanGraph(text: string): SourceGraph {
  const nodes = [...text.matchAll(/^JOB (\S+)/gm)].map(([, name]) => name ?? "");
  const edges = [...text.matchAll(/^PARENT (\S+) CHILD (\S+)$/gm)].map(
    ([, before, after]) => [before ?? "", after ?? ""] as const,
  );
  return { nodes, edges };
}

function pegasusGraph(text: string): SourceGraph {
  const { jobs, jobDependencies } = parse(text) as {
    jobs: readonly { id: string; uses: readonly { lfn: string; type: string }[] }[];
    jobDependencies: readonly { id: string; children: readonly string[] }[];
  };
  const files = jobs.flatMap((job) => job.uses.map((use) => ({ job: job.id, file: use.lfn, link: use.type })));
  const edges = jobDependencies.flatMap(({ id, children }) => children.map((child) => [id, child] as const));
  return withFiles(
    jobs.map((job) => job.id),
    edges,
    files,
  );
}

function daxGraph(text: string): SourceGraph {
  const plain = text.replace(/<!--[\s\S]*?-->/g, "");
  const attribute = (tag: string, ...names: readonly string[]): string =>
    names.map((name) => new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]).find((value) => value !== undefined) ?? "";
  const jobs = [...plain.matchAll(/<job ([^>]*)>([\s\S]*?)<\/job>/g)].map(([, head = "", body = ""]) => ({
    id: attribute(` ${head}`, "id"),
    tags: [...body.matchAll(/<(?:uses|stdout)( [^>]*)>/g)].map(([, tag]) => tag ?? ""),
  }));
  const edges = [...plain.matchAll(/<child ref="([^"]*)">([\s\S]*?)<\/child>/g)].flatMap(([, child = "", body = ""]) =>
    [...body.matchAll(/<parent ref="([^"]*)"/g)].map(([, parent]) => [parent ?? "", child] as const),
  );
  const files = jobs.flatMap(({ id, tags }) =>
    tags.map((tag) => ({ job: id, file: attribute(tag, "name", "file"), link: attribute(tag, "link") })),
  );
  return withFiles(
    jobs.map((job) => job.id),
    edges,
    files,
  );
}

/** Who reads a file comes after who writes it. */
function withFiles(
  nodes: readonly string[],
  edges: readonly (readonly [string, string])[],
  files: readonly { readonly job: string; readonly file: string; readonly link: string }[],
): SourceGraph {
  const outputs = files.filter(({ link }) => link === "output");
  const inputs = files.filter(({ link }) => link === "input");
  const flow = inputs.flatMap(({ job, file }) =>
    outputs.filter((output) => output.file === file).map((output) => [output.job, job] as const),
  );
  const writes = new Map(
    nodes.map((node) => [node, [...new Set(outputs.filter(({ job }) => job === node).map(({ file }) => file))].sort()]),
  );
  return { nodes, edges: [...edges, ...flow], writes };
}
