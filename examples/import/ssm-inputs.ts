import { data, type Draft } from "./draft.js";
import type { SsmParameter } from "./ssm-parameters.js";

/** Inputs that are lists by contract, where documents also write one text, or a list around a list parameter. */
const LISTS: ReadonlyMap<string, readonly string[]> = new Map([
  ["aws:changeInstanceState", ["InstanceIds"]],
  ["aws:runCommand", ["InstanceIds"]],
]);

/** Writes inputs the way their contract has them, as the service itself reads them. */
export function normalizedInputs(action: string, inputs: Draft, parameters: ReadonlyMap<string, SsmParameter>): Draft {
  const lists = LISTS.get(action) ?? [];
  if (inputs.kind !== "record" || lists.length === 0) return inputs;
  const members = inputs.members.map(
    ([name, value]) => [name, lists.includes(name) ? asList(value, parameters) : value] as const,
  );
  return { kind: "record", members };
}

function asList(value: Draft, parameters: ReadonlyMap<string, SsmParameter>): Draft {
  if (value.kind === "list") {
    const [only] = value.items;
    return value.items.length === 1 && only !== undefined && isListParameter(only, parameters) ? only : value;
  }
  if (value.kind === "data" && typeof value.value === "string") return data([value.value]);
  const isText = value.kind === "apply" || (value.kind === "param" && !isListParameter(value, parameters));
  return isText ? { kind: "list", items: [value] } : value;
}

function isListParameter(value: Draft, parameters: ReadonlyMap<string, SsmParameter>): boolean {
  if (value.kind !== "param") return false;
  return parameters.get(value.path[0] ?? "")?.isList ?? false;
}
