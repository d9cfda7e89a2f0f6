import type { JsonValue } from "runseal";
import { data, type Draft } from "./draft.js";
import type { Findings } from "./findings.js";
import type { ResolveReference } from "./translate.js";

/** What the expressions of one task may name. */
export interface KestraScope {
  readonly taskId: string;
  readonly taskType: string;
  readonly flowId: string;
  readonly namespace: string;
  readonly inputs: ReadonlySet<string>;
  readonly variables: { readonly [name: string]: JsonValue };
  /** The label of an earlier task; `later` where it does not come before. */
  task(name: string): string | undefined;
}

const PATH = /^[A-Za-z_][\w-]*(?:\.[\w-]+|\[(?:'[^']*'|"[^"]*"|\d+)\])*$/;

/** Makes the function that says what `{{ ... }}` means in a flow: paths are read, everything more is a formula and refused. */
export function kestraResolver(scope: KestraScope, findings: Findings): ResolveReference {
  return (name, pointer) => {
    if (name.startsWith("secret(")) {
      findings.note(pointer, `"{{ ${name} }}" stays a reference; the handler reads the secret`);
      return "text";
    }
    if (!PATH.test(name)) {
      return findings.refuse("import.expression", pointer, `"${name.slice(0, 60)}" is a formula of the flow's own language`);
    }
    const path = name.split(/\.|\[|\]/).flatMap((part) => (part === "" ? [] : [part.replace(/^['"]|['"]$/g, "")]));
    return named(path, name, scope, findings, pointer);
  };
}

function named(
  path: readonly string[],
  name: string,
  scope: KestraScope,
  findings: Findings,
  pointer: string,
): Draft | "text" | undefined {
  const [root = "", first = "", ...rest] = path;
  const fixed: { readonly [name: string]: string } = {
    "task.id": scope.taskId,
    "task.type": scope.taskType,
    "flow.id": scope.flowId,
    "flow.namespace": scope.namespace,
  };
  const known = Object.hasOwn(fixed, name) ? fixed[name] : undefined;
  if (known !== undefined) return data(known);
  if (root === "inputs" && scope.inputs.has(first)) return { kind: "param", path: [first, ...rest] };
  if (root === "vars" && Object.hasOwn(scope.variables, first) && rest.length === 0) {
    const value = scope.variables[first] ?? null;
    if (typeof value !== "string" || !value.includes("{{")) return data(value);
    return findings.refuse("import.expression", pointer, `the variable "${first}" is computed`);
  }
  if (root === "outputs") {
    const label = scope.task(first);
    if (label !== undefined) return { kind: "result", label, path: rest };
    return findings.refuse("import.unknown_reference", pointer, `"${name}" names no task that comes before`);
  }
  if (root === "taskrun") {
    findings.note(pointer, `"{{ ${name} }}" is known while running and is left to the handler`);
    return "text";
  }
  if (["execution", "trigger", "envs", "globals", "labels", "kestra", "flow"].includes(root)) {
    return { kind: "bind", name: findings.binds(name) };
  }
  return findings.refuse("import.unknown_reference", pointer, `"${name}" names nothing that the flow has`);
}
