import type { Findings } from "./findings.js";
import type { Imported } from "./imported.js";
import { convertJobs, type PegasusJob } from "./pegasus-jobs.js";
import { importText, type Conversion } from "./run-importer.js";
import { childrenNamed, parseXml, type XmlElement } from "./xml-tree.js";

/** Parts of a workflow and of a job that say where things are, or who is told. */
const CATALOGS = new Set(["file", "filename", "executable", "transformation", "metadata", "invoke"]);
const JOB_PARTS = new Set(["argument", "profile", "uses", "stdin", "stdout", "stderr", "metadata", "invoke"]);

/**
 * Converts a Pegasus DAX (the XML format of Pegasus 2 to 4) to one macro with a step per job.
 *
 * @see https://pegasus.isi.edu/schema/dax-3.6.xsd
 */
export function importPegasusDax(text: string): Imported {
  return importText("pegasus-dax", text, convert);
}

function convert(text: string, findings: Findings): Conversion | undefined {
  const root = parseXml(text, findings);
  if (root === undefined) return findings.isRefused() ? undefined : findings.refuse("import.not_parsable", "", "has no element");
  if (root.name !== "adag") return findings.refuse("import.unknown_format", "xml:/", `the root is <${root.name}>, not <adag>`);
  const after = readDependencies(root, findings);
  const jobs: PegasusJob[] = [];
  for (const [index, child] of root.children.entries()) {
    if (typeof child === "string" || child.name === "child") continue;
    const pointer = `xml:/adag/${child.name}[${child.attributes["id"] ?? index}]`;
    if (child.name === "job") jobs.push(...(readJob(child, pointer, after, findings) ?? []));
    else if (child.name === "dax" || child.name === "dag") {
      findings.refuse("import.sub_workflow", pointer, `<${child.name}> plans and runs another workflow`);
    } else if (CATALOGS.has(child.name)) {
      findings.note(`xml:/adag/${child.name}`, `<${child.name}> is for the planner of Pegasus and is left out`);
    } else {
      findings.refuse("import.unknown_construct", pointer, `<${child.name}> is no part of a workflow that is known here`);
    }
  }
  const known = new Set(jobs.map((job) => job.name));
  for (const child of after.keys()) {
    if (!known.has(child) && !findings.isRefused()) {
      findings.refuse("import.unknown_reference", `xml:/adag/child[${child}]`, `"${child}" is no job here`);
    }
  }
  return findings.isRefused() ? undefined : convertJobs(root.attributes["name"] ?? "workflow", jobs, findings);
}

type After = ReadonlyMap<string, readonly { readonly name: string; readonly pointer: string }[]>;

function readDependencies(root: XmlElement, findings: Findings): After {
  const after = new Map<string, { readonly name: string; readonly pointer: string }[]>();
  for (const child of childrenNamed(root, "child")) {
    const name = child.attributes["ref"];
    const pointer = `xml:/adag/child[${name ?? ""}]`;
    const parents = childrenNamed(child, "parent").flatMap((parent) => parent.attributes["ref"] ?? []);
    if (name === undefined || parents.length < childrenNamed(child, "parent").length) {
      findings.refuse("import.missing_member", pointer, "a dependency without a ref");
      continue;
    }
    after.set(name, [...(after.get(name) ?? []), ...parents.map((parent) => ({ name: parent, pointer }))]);
  }
  return after;
}

function readJob(job: XmlElement, pointer: string, after: After, findings: Findings): readonly PegasusJob[] | undefined {
  const { id, name, namespace, version } = job.attributes;
  if (id === undefined || name === undefined) {
    return findings.refuse("import.missing_member", pointer, "a job without an id or without a name");
  }
  for (const child of job.children) {
    if (typeof child === "string" || JOB_PARTS.has(child.name)) continue;
    findings.refuse("import.unknown_construct", pointer, `<${child.name}> is no part of a job that is known here`);
  }
  const profiles = readProfiles(job);
  const retry = Number(profiles.find((profile) => profile.namespace === "dagman" && /^retry$/i.test(profile.key))?.value ?? 0);
  return [
    {
      name: id,
      pointer,
      after: after.get(id) ?? [],
      transformationName: name,
      transformation: `${namespace === undefined ? "" : `${namespace}::`}${name}${version === undefined ? "" : `:${version}`}`,
      arguments: childrenNamed(job, "argument").map(argumentText),
      ...readFiles(job, pointer, findings),
      profiles,
      tries: Number.isSafeInteger(retry) ? Math.min(1000, Math.max(0, retry) + 1) : 1,
    },
  ];
}

/** The text of an argument, with the names of the files in it. */
function argumentText(argument: XmlElement): string {
  const parts = argument.children.map((child) => (typeof child === "string" ? child : (fileOf(child) ?? "")));
  return parts.join("").replace(/\s+/g, " ").trim();
}

function fileOf(element: XmlElement): string | undefined {
  return element.attributes["name"] ?? element.attributes["file"];
}

function readProfiles(job: XmlElement): readonly { readonly namespace: string; readonly key: string; readonly value: string }[] {
  return childrenNamed(job, "profile").map(({ attributes, children }) => ({
    namespace: attributes["namespace"] ?? "",
    key: attributes["key"] ?? "",
    value: children
      .filter((child) => typeof child === "string")
      .join("")
      .trim(),
  }));
}

function readFiles(
  job: XmlElement,
  pointer: string,
  findings: Findings,
): { readonly reads: readonly string[]; readonly writes: readonly string[] } {
  const reads = new Set<string>();
  const writes = new Set<string>();
  for (const use of childrenNamed(job, "uses", "stdin", "stdout", "stderr")) {
    const file = fileOf(use);
    const link = use.attributes["link"] ?? (use.name === "stdin" ? "input" : use.name === "uses" ? undefined : "output");
    if (file === undefined || file === "") {
      findings.refuse("import.missing_member", pointer, `<${use.name}> names no file`);
      continue;
    }
    if (link === "input" || link === "inout" || link === "checkpoint") reads.add(file);
    if (link === "output" || link === "inout" || link === "checkpoint") writes.add(file);
    if (link === undefined || !["input", "output", "inout", "none", "checkpoint"].includes(link)) {
      findings.refuse("import.unknown_construct", pointer, `<${use.name}> uses "${file}" as "${link ?? ""}"`);
    }
  }
  return { reads: [...reads], writes: [...writes] };
}
