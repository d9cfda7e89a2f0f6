import { ArgoParameters } from "./argo-parameters.js";
import { ArgoTemplates } from "./argo-templates.js";
import type { Findings } from "./findings.js";
import type { Imported } from "./imported.js";
import { importObject, type Conversion } from "./run-importer.js";
import type { SourceNode } from "./source-node.js";

/** What an import may decide that the document leaves open. */
export interface ArgoOptions {
  /** Values of workflow parameters that choose what is converted, e.g. the one that names a DAG's target. Default: the document's. */
  readonly parameters?: { readonly [name: string]: string };
}

const KINDS = new Set(["Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate"]);

/** Parts of a specification that change what runs. */
const REFUSED = ["onExit", "hooks", "suspend", "shutdown", "synchronization", "templateDefaults", "workflowTemplateRef"] as const;

/** Parts that say where and how pods run: the handlers' business. */
const LEFT_TO_HANDLERS =
  /^(?:serviceAccountName|ttl|podGC|parallelism|volume|image|node|tolerations|affinity|activeDeadlineSeconds|priority|pod|security|workflowMetadata|archiveLogs|artifact|host|dns|automount|executor|schedulerName|retryStrategy|metrics|priorityClassName)/;

/**
 * Converts an Argo workflow (parsed) to macros and verbs: a macro per template that holds others, a verb per template that does
 * something itself.
 *
 * @see https://argo-workflows.readthedocs.io/en/latest/fields/
 */
export function importArgoWorkflow(document: unknown, options: ArgoOptions = {}): Imported {
  return importObject("argo-workflow", document, (root, findings) => convert(root, findings, options));
}

function convert(root: SourceNode, findings: Findings, options: ArgoOptions): Conversion | undefined {
  const kind = root.at("kind").requiredText();
  if (kind === undefined) return undefined;
  if (!KINDS.has(kind)) {
    const message = `"${kind}" is no ${[...KINDS].join(", ")}; when a workflow runs again is not part of a plan`;
    return findings.refuse("import.unknown_construct", "/kind", message);
  }
  const spec = root.at("spec");
  if (!spec.isObject()) return undefined;
  readSettings(spec, findings);
  const entrypoint = spec.at("entrypoint").requiredText();
  if (entrypoint === undefined) return undefined;
  const metadata = root.at("metadata");
  const name = metadata.at("name").text() ?? metadata.at("generateName").text()?.replace(/-+$/, "") ?? entrypoint;
  const parameters = new ArgoParameters(spec.at("arguments").at("parameters"), options.parameters ?? {}, findings);
  const templates = new ArgoTemplates(spec.at("templates"), parameters, findings);
  const converted = templates.convertRoot(entrypoint, name);
  if (converted === undefined) return undefined;
  return { name, ...converted };
}

function readSettings(spec: SourceNode, findings: Findings): void {
  for (const member of REFUSED) {
    const node = spec.at(member);
    if (node.isPresent && node.value !== false) {
      findings.refuse("import.run_time_choice", node.pointer, `"${member}" decides outside of the graph what runs`);
    }
  }
  const known = new Set<string>(["entrypoint", "arguments", "templates", ...REFUSED]);
  for (const [member, node] of spec.members()) {
    if (!LEFT_TO_HANDLERS.test(member)) continue;
    known.add(member);
    findings.note(node.pointer, `"${member}" is about pods and is left to the handlers`);
  }
  spec.refuseOthers(known, "a workflow");
}
