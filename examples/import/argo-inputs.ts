import type { ArgoTask } from "./argo-tasks.js";
import { data, record, type Draft } from "./draft.js";
import type { Findings } from "./findings.js";
import { isRecord, type SourceNode } from "./source-node.js";
import { translate, translateText, type ResolveReference } from "./translate.js";

/** The parameters and artifacts of a template, as drafts in the place where it runs. */
export interface ArgoInputs {
  readonly parameters: ReadonlyMap<string, Draft>;
  readonly artifacts: ReadonlyMap<string, Draft>;
}

/** Names that JavaScript asks of every object, so that a macro can't have them as parameters. */
const RESERVED = new Set(["__proto__", "length", "map", "then", "toJSON", "toString", "constructor", "valueOf", "prototype"]);

/** The name of a parameter or artifact; `undefined` when a macro can't have it. */
export function parameterName(node: SourceNode, findings: Findings): string | undefined {
  const name = node.at("name").requiredText();
  if (name === undefined || (/^[\w.-]{1,128}$/.test(name) && !RESERVED.has(name))) return name;
  return findings.refuse("import.not_expressible", node.pointer, `"${name.slice(0, 40)}" can't be the name of a parameter`);
}

/** The inputs that a template declares, each as `draftOf` says. */
export function declaredInputs(
  template: SourceNode,
  draftOf: (kind: "parameters" | "artifacts", name: string, node: SourceNode) => Draft | undefined,
  findings: Findings,
): ArgoInputs {
  const read = (kind: "parameters" | "artifacts"): ReadonlyMap<string, Draft> => {
    const drafts = new Map<string, Draft>();
    for (const node of template.at("inputs").at(kind).items()) {
      const name = parameterName(node, findings);
      const draft = name === undefined ? undefined : draftOf(kind, name, node);
      if (name === undefined) continue;
      if (draft === undefined) node.missing();
      else drafts.set(name, draft);
    }
    return drafts;
  };
  return { parameters: read("parameters"), artifacts: read("artifacts") };
}

/** What an input is where nobody gives it: a parameter's default, an artifact as the template declares it. */
export function ownInput(kind: "parameters" | "artifacts", node: SourceNode): Draft | undefined {
  if (kind === "artifacts") return data(node.value ?? null);
  const value = node.at("value").text() ?? node.at("default").text();
  return value === undefined ? undefined : data(value);
}

/** The inputs of a template as a task gives them; `undefined` when something was refused. */
export function givenInputs(
  task: ArgoTask,
  template: SourceNode,
  resolve: ResolveReference,
  findings: Findings,
): ArgoInputs | undefined {
  const given = task.node.at("arguments");
  given.refuseOthers(new Set(["parameters", "artifacts"]), "arguments");
  const parameters = new Map<string, Draft | undefined>();
  for (const node of given.at("parameters").items()) {
    node.refuseOthers(new Set(["name", "value", "default"]), "an argument");
    const value = node.at("value");
    const text = value.text();
    parameters.set(
      parameterName(node, findings) ?? "",
      text === undefined ? value.missing<Draft>() : translateText(text, value.pointer, resolve),
    );
  }
  const artifacts = new Map(
    given
      .at("artifacts")
      .items()
      .map((node) => [parameterName(node, findings) ?? "", artifactDraft(node, resolve, findings)]),
  );
  if (findings.isRefused()) return undefined;
  const inputs = declaredInputs(
    template,
    (kind, name, node) => (kind === "parameters" ? parameters : artifacts).get(name) ?? ownInput(kind, node),
    findings,
  );
  return findings.isRefused() ? undefined : inputs;
}

/** Inputs as members of a step's or macro's arguments; kinds without any are left out. */
export function inputMembers({ parameters, artifacts }: ArgoInputs): { readonly [name: string]: Draft | undefined } {
  return {
    parameters: parameters.size === 0 ? undefined : record(Object.fromEntries(parameters)),
    artifacts: artifacts.size === 0 ? undefined : record(Object.fromEntries(artifacts)),
  };
}

function artifactDraft(node: SourceNode, resolve: ResolveReference, findings: Findings): Draft | undefined {
  const from = node.at("from").text();
  if (from !== undefined) return translateText(from.includes("{{") ? from : `{{${from}}}`, node.at("from").pointer, resolve);
  const members = Object.entries(isRecord(node.value) ? node.value : {});
  return translate(Object.fromEntries(members.filter(([name]) => name !== "name")), node.pointer, resolve, findings);
}
