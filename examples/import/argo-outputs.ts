import type { Draft } from "./draft.js";
import type { SourceNode } from "./source-node.js";
import { translateText, type ResolveReference } from "./translate.js";

/** The outputs that a template which holds others takes from its tasks. */
export function argoOutputs(template: SourceNode, resolve: ResolveReference): readonly (readonly [name: string, value: Draft])[] {
  const outputs = template.at("outputs");
  const kinds = [
    ["parameters", readOutputs(outputs.at("parameters"), (node) => node.at("valueFrom").at("parameter"), resolve)],
    ["artifacts", readOutputs(outputs.at("artifacts"), (node) => node.at("from"), resolve)],
  ] as const;
  return kinds.flatMap(([kind, members]) => (members.length === 0 ? [] : [[kind, { kind: "record", members }] as const]));
}

function readOutputs(
  list: SourceNode,
  sourceOf: (node: SourceNode) => SourceNode,
  resolve: ResolveReference,
): readonly (readonly [name: string, value: Draft])[] {
  return list.items().flatMap((node) => {
    const source = sourceOf(node);
    const [name, text] = [node.at("name").requiredText(), source.requiredText()];
    if (name === undefined || text === undefined) return [];
    const value = translateText(text.includes("{{") ? text : `{{${text}}}`, source.pointer, resolve);
    return value === undefined ? [] : [[name, value] as const];
  });
}
