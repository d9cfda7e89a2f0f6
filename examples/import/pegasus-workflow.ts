import type { Findings } from "./findings.js";
import type { Imported } from "./imported.js";
import { convertJobs, type PegasusJob } from "./pegasus-jobs.js";
import { importObject, type Conversion } from "./run-importer.js";
import type { SourceNode } from "./source-node.js";

const CATALOGS = ["siteCatalog", "replicaCatalog", "transformationCatalog"];
const NOTED = [...CATALOGS, "hooks", "profiles", "metadata"];
const FIELDS = new Set(["pegasus", "name", "x-pegasus", "jobs", "jobDependencies", ...NOTED]);
const JOB_FIELDS = new Set([
  "type",
  "id",
  "nodeLabel",
  "name",
  "namespace",
  "version",
  "arguments",
  "uses",
  "profiles",
  "metadata",
  "stdin",
  "stdout",
  "stderr",
  "hooks",
]);

/**
 * Converts a Pegasus workflow of format 5 (parsed YAML) to one macro with a step per job.
 *
 * @see https://pegasus.isi.edu/documentation/reference-guide/yaml-schemas.html
 */
export function importPegasusWorkflow(document: unknown): Imported {
  return importObject("pegasus-workflow", document, convert);
}

function convert(root: SourceNode, findings: Findings): Conversion | undefined {
  const version = root.at("pegasus").text() ?? "";
  if (!/^5(?:\.|$)/.test(version)) {
    return findings.refuse("import.unknown_format", "/pegasus", `the version is "${version}"; this importer reads 5.x`);
  }
  root.refuseOthers(FIELDS, "a workflow");
  for (const member of NOTED) {
    if (root.at(member).isPresent) findings.note(`/${member}`, `"${member}" is for the planner of Pegasus and is left out`);
  }
  const after = readDependencies(root.at("jobDependencies"));
  const jobs = root
    .at("jobs")
    .items()
    .flatMap((node) => readJob(node, after, findings) ?? []);
  const known = new Set(jobs.map((job) => job.name));
  for (const [child, parents] of after) {
    const [first] = parents;
    if (!known.has(child) && first !== undefined && !findings.isRefused()) {
      findings.refuse("import.unknown_reference", first.pointer, `"${child}" is no job here`);
    }
  }
  return findings.isRefused() ? undefined : convertJobs(root.at("name").text() ?? "workflow", jobs, findings);
}

type After = ReadonlyMap<string, readonly { readonly name: string; readonly pointer: string }[]>;

function readDependencies(list: SourceNode): After {
  const after = new Map<string, { readonly name: string; readonly pointer: string }[]>();
  for (const node of list.items()) {
    const parent = node.at("id").requiredText();
    node.refuseOthers(new Set(["id", "children"]), "a dependency");
    for (const entry of node.at("children").items()) {
      const child = entry.requiredText();
      if (parent === undefined || child === undefined) continue;
      const parents = after.get(child) ?? [];
      parents.push({ name: parent, pointer: entry.pointer });
      after.set(child, parents);
    }
  }
  return after;
}

function readJob(node: SourceNode, after: After, findings: Findings): PegasusJob | undefined {
  if (!node.isObject()) return undefined;
  const type = node.at("type").text() ?? "job";
  if (type !== "job") {
    return findings.refuse("import.sub_workflow", node.at("type").pointer, `"${type}" plans and runs another workflow`);
  }
  node.refuseOthers(JOB_FIELDS, "a job");
  const [id, name] = [node.at("id").requiredText(), node.at("name").requiredText()];
  const files = readFiles(node, findings);
  if (id === undefined || name === undefined) return undefined;
  const [namespace, version] = [node.at("namespace").text(), node.at("version").text()];
  const dagman = node.at("profiles").at("dagman");
  const retry = dagman.at("RETRY").integer() ?? dagman.at("retry").integer() ?? 0;
  return {
    name: id,
    pointer: node.pointer,
    after: after.get(id) ?? [],
    transformationName: name,
    transformation: `${namespace === undefined ? "" : `${namespace}::`}${name}${version === undefined ? "" : `:${version}`}`,
    arguments: node
      .at("arguments")
      .items()
      .map((argument) => argument.text() ?? ""),
    ...files,
    profiles: node.at("profiles").value ?? {},
    tries: Math.min(1000, Math.max(0, retry) + 1),
  };
}

function readFiles(
  node: SourceNode,
  findings: Findings,
): { readonly reads: readonly string[]; readonly writes: readonly string[] } {
  const reads = new Set<string>();
  const writes = new Set<string>();
  for (const use of node.at("uses").items()) {
    const [file, type] = [use.at("lfn").requiredText(), use.at("type").requiredText()];
    if (file === undefined || type === undefined) continue;
    if (!["input", "output", "inout", "checkpoint"].includes(type)) {
      findings.refuse("import.unknown_construct", use.at("type").pointer, `"${type}" is no way to use a file`);
    }
    if (type !== "output") reads.add(file);
    if (type !== "input") writes.add(file);
  }
  const stdin = streamFile(node.at("stdin"));
  if (stdin !== undefined) reads.add(stdin);
  for (const stream of ["stdout", "stderr"]) {
    const file = streamFile(node.at(stream));
    if (file !== undefined) writes.add(file);
  }
  return { reads: [...reads], writes: [...writes] };
}

/** A stream is a file's name, or an object that names it. */
function streamFile(node: SourceNode): string | undefined {
  if (node.value === undefined) return undefined;
  return typeof node.value === "string" ? node.value : node.at("lfn").requiredText();
}
