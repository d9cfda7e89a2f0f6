import { toposort } from "runseal";
import type { Findings } from "./findings.js";

/** A step of a document, and the names of those that come before it. */
export interface GraphNode {
  readonly name: string;
  readonly pointer: string;
  readonly after: readonly { readonly name: string; readonly pointer: string }[];
}

/**
 * Puts the steps of a document into an order in which each comes after what it waits for; ties keep the document's order.
 *
 * Names that stand twice, names of nothing and circles are refused, the circle as the path it is.
 *
 * @returns `undefined` when anything was refused
 * @remarks Time O(nodes + edges).
 */
export function orderNodes<N extends GraphNode>(nodes: readonly N[], findings: Findings): readonly N[] | undefined {
  const byName = new Map<string, N>();
  let isSound = true;
  for (const node of nodes) {
    if (byName.has(node.name)) {
      findings.refuse("import.duplicate_name", node.pointer, `the name "${node.name}" stands twice`);
      isSound = false;
    }
    byName.set(node.name, node);
  }
  const edges: (readonly [before: string, after: string])[] = [];
  for (const node of nodes) {
    for (const before of node.after) {
      if (byName.has(before.name)) {
        edges.push([before.name, node.name]);
      } else {
        findings.refuse("import.unknown_reference", before.pointer, `"${before.name}" is no step here`);
        isSound = false;
      }
    }
  }
  return isSound ? sorted(nodes, byName, edges, findings) : undefined;
}

function sorted<N extends GraphNode>(
  nodes: readonly N[],
  byName: ReadonlyMap<string, N>,
  edges: readonly (readonly [before: string, after: string])[],
  findings: Findings,
): readonly N[] | undefined {
  const sorting = toposort(
    nodes.map((node) => node.name),
    edges,
  );
  if ("cycle" in sorting) {
    const [first = ""] = sorting.cycle;
    const path = sorting.cycle.join(" -> ");
    return findings.refuse(
      "import.cycle",
      byName.get(first)?.pointer ?? "",
      `the steps wait for each other in a circle: ${path}`,
    );
  }
  return sorting.order.flatMap((name) => byName.get(name) ?? []);
}
