import { data, type Draft } from "./draft.js";
import type { Findings } from "./findings.js";
import type { ResolveReference } from "./translate.js";

/** A task whose outputs may be named. */
export interface ArgoTaskPlace {
  readonly label: string;
  /** It runs for each of a list, so that its outputs are many. */
  readonly isLoop: boolean;
}

/** What references may name in one place of a workflow. */
export interface ArgoScope {
  /** Inputs of the template around, by `parameters.<name>` or `artifacts.<name>`. */
  input(kind: "parameters" | "artifacts", name: string): Draft | undefined;
  workflowParameter(name: string): Draft | undefined;
  /** An earlier task of the template around; `later` where it does not come before. */
  task(name: string): ArgoTaskPlace | "later" | undefined;
  /** The path that a template declares for one of its artifacts or output parameters, e.g. `inputs.artifacts.src.path`. */
  declaredPath(reference: string): string | undefined;
  readonly hasItem: boolean;
}

/** Known to the pod alone. */
const OF_POD = /^(?:pod\.name|node\.name|retries|lastRetry\..*|(?:steps|tasks)\.name)$/;
const NAMES = /^[A-Za-z0-9_][\w.-]*$/;

/** Makes the function that says what `{{ ... }}` means in a workflow. */
export function argoResolver(scope: ArgoScope, findings: Findings): ResolveReference {
  return (name, pointer) => {
    if (name.startsWith("=")) {
      return findings.refuse("import.expression", pointer, `"${name.slice(0, 60)}" is a formula of the workflow engine`);
    }
    if (!NAMES.test(name)) return "text";
    if (OF_POD.test(name)) {
      findings.note(pointer, `"{{${name}}}" is known to the pod alone and is left to the handler`);
      return "text";
    }
    return known(name, scope, findings, pointer);
  };
}

function known(name: string, scope: ArgoScope, findings: Findings, pointer: string): Draft | undefined {
  const unknown = <T>(what: string): T | undefined =>
    findings.refuse("import.unknown_reference", pointer, `"${name}" names ${what}`);
  const [root = "", second = "", third = "", ...rest] = name.split(".");
  if (root === "item") {
    if (!scope.hasItem) return unknown("the item of no loop");
    return { kind: "item", path: name.split(".").slice(1) };
  }
  if (root === "inputs" && (second === "parameters" || second === "artifacts")) {
    const path = scope.declaredPath(name);
    const key = [third, ...rest].join(".");
    return path === undefined ? (scope.input(second, key) ?? unknown("no input of the template")) : data(path);
  }
  if (root === "outputs") {
    const path = scope.declaredPath(name);
    return path === undefined ? unknown("no output of the template") : data(path);
  }
  if (root === "workflow") return workflowValue(name, scope, findings) ?? unknown("no parameter of the workflow");
  if (root === "tasks" || root === "steps") return outputOf(second, [third, ...rest], scope, { name, pointer, findings });
  return unknown("nothing that a workflow has");
}

function workflowValue(name: string, scope: ArgoScope, findings: Findings): Draft | undefined {
  const [, parameter] = /^workflow\.parameters\.(.+)$/.exec(name) ?? [];
  if (parameter !== undefined) return scope.workflowParameter(parameter);
  if (name === "workflow.parameters" || /^workflow\.(?:outputs|status|failures|duration)/.test(name)) return undefined;
  return { kind: "bind", name: findings.binds(name) };
}

function outputOf(
  task: string,
  path: readonly string[],
  scope: ArgoScope,
  at: { readonly name: string; readonly pointer: string; readonly findings: Findings },
): Draft | undefined {
  const place = scope.task(task);
  if (place === undefined || place === "later") {
    const what = place === "later" ? "a task that does not come before" : "no task of the template";
    return at.findings.refuse("import.unknown_reference", at.pointer, `"${at.name}" names ${what}`);
  }
  if (place.isLoop) {
    return at.findings.refuse("import.loop", at.pointer, `"${at.name}" is one text made of the outputs of a loop`);
  }
  const [outputs, kind = "", ...name] = path;
  if (outputs === "outputs" && (kind === "parameters" || kind === "artifacts") && name.length > 0) {
    return { kind: "result", label: place.label, path: [kind, name.join(".")] };
  }
  if (outputs === "outputs" && (kind === "result" || kind === "exitCode") && name.length === 0) {
    return { kind: "result", label: place.label, path: [kind] };
  }
  const message = `"${at.name}" is about how a task went; a plan's steps read what it gave`;
  return at.findings.refuse("import.run_time_choice", at.pointer, message);
}
