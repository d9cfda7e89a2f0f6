import type { Findings } from "./findings.js";
import { orderNodes, type GraphNode } from "./source-graph.js";
import type { SourceNode } from "./source-node.js";

/** A task that does something itself, and those that come right before it. */
export interface KestraTask extends GraphNode {
  readonly node: SourceNode;
  readonly type: string;
}

const DEPTH_MAX = 32;
const FLOW_TYPE = /^io\.kestra\.(?:core\.tasks\.flows|plugin\.core\.flow)\.(\w+)$/;
const GROUP_FIELDS = new Set(["id", "type", "description", "tasks", "concurrent"]);

/** What flow tasks that are not groups mean to a plan. */
const REFUSED_FLOWS: {
  readonly [name: string]: readonly ["import.run_time_choice" | "import.loop" | "import.sub_workflow", string];
} = {
  If: ["import.run_time_choice", "chooses tasks by an expression"],
  Switch: ["import.run_time_choice", "chooses tasks by an expression"],
  AllowFailure: ["import.run_time_choice", "goes on after a failure"],
  ForEach: ["import.loop", "loops over a list that only running tells"],
  ForEachItem: ["import.loop", "loops over a list that only running tells"],
  EachSequential: ["import.loop", "loops over a list that only running tells"],
  EachParallel: ["import.loop", "loops over a list that only running tells"],
  LoopUntil: ["import.loop", "repeats until something holds"],
  WaitFor: ["import.loop", "repeats until something holds"],
  Flow: ["import.sub_workflow", "runs another flow"],
  Subflow: ["import.sub_workflow", "runs another flow"],
  Template: ["import.sub_workflow", "runs a template of another document"],
};

/**
 * Takes the groups of a flow apart (`Dag`, `Sequential`, `Parallel`) to its tasks and what each waits for.
 *
 * Top-level tasks run one after another. A group is entered when everything before it has ended, and has ended when its last
 * tasks have.
 *
 * @returns in an order in which each task comes after what it waits for; `undefined` when something was refused
 */
export function readKestraTasks(list: SourceNode, findings: Findings): readonly KestraTask[] | undefined {
  const flattening = new Flattening(findings);
  flattening.sequence(list.items(), [], 0);
  if (findings.isRefused()) return undefined;
  return orderNodes(flattening.tasks, findings);
}

class Flattening {
  readonly tasks: KestraTask[] = [];
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Adds tasks one after another and gives the names of the last. */
  sequence(nodes: readonly SourceNode[], before: readonly string[], depth: number): readonly string[] {
    let last = before;
    for (const node of nodes) last = this.#add(node, last, depth);
    return last;
  }

  #add(node: SourceNode, before: readonly string[], depth: number): readonly string[] {
    const [id, type] = [node.at("id").requiredText(), node.at("type").requiredText()];
    if (!node.isObject() || id === undefined || type === undefined) return before;
    if (depth > DEPTH_MAX) {
      this.#findings.refuse("import.too_large", node.pointer, `groups are nested deeper than ${DEPTH_MAX}`);
      return before;
    }
    if (node.at("disabled").flag() === true) {
      this.#findings.note(node.pointer, `"${id}" is disabled and is left out`);
      return before;
    }
    const [, flow] = FLOW_TYPE.exec(type) ?? [];
    if (flow === "Dag") return this.#dag(node, before, depth);
    if (flow === "Sequential" || flow === "Parallel") return this.#group(node, flow, before, depth);
    if (flow !== undefined && flow !== "Pause" && flow !== "Sleep") return this.#refused(node, flow, before);
    if (node.at("tasks").isPresent) return this.#refused(node, type, before);
    this.tasks.push({
      name: id,
      pointer: node.pointer,
      node,
      type,
      after: before.map((name) => ({ name, pointer: node.pointer })),
    });
    return [id];
  }

  #refused(node: SourceNode, flow: string, before: readonly string[]): readonly string[] {
    const known = Object.hasOwn(REFUSED_FLOWS, flow) ? REFUSED_FLOWS[flow] : undefined;
    const [code, why] = known ?? (["import.unknown_construct", "is no group that a plan knows"] as const);
    this.#findings.refuse(code, node.at("type").pointer, `"${flow}" ${why}`);
    return before;
  }

  #group(node: SourceNode, flow: string, before: readonly string[], depth: number): readonly string[] {
    node.refuseOthers(GROUP_FIELDS, "a group");
    const nodes = node.at("tasks").items();
    if (flow === "Sequential") return this.sequence(nodes, before, depth + 1);
    const ends = nodes.flatMap((task) => this.#add(task, before, depth + 1));
    return ends.length === 0 ? before : [...new Set(ends)];
  }

  #dag(node: SourceNode, before: readonly string[], depth: number): readonly string[] {
    node.refuseOthers(GROUP_FIELDS, "a group");
    const items = node
      .at("tasks")
      .items()
      .flatMap((item) => {
        item.refuseOthers(new Set(["task", "dependsOn"]), "a task of a graph");
        const name = item.at("task").at("id").requiredText();
        const after = item
          .at("dependsOn")
          .items()
          .flatMap((entry) => {
            const dependency = entry.requiredText();
            return dependency === undefined ? [] : [{ name: dependency, pointer: entry.pointer }];
          });
        return name === undefined ? [] : [{ name, pointer: item.pointer, task: item.at("task"), after }];
      });
    if (items.length === 0) node.at("tasks").missing();
    const order = orderNodes(items, this.#findings);
    if (order === undefined) return before;
    const endsOf = new Map<string, readonly string[]>();
    const waitedFor = new Set(order.flatMap((item) => item.after.map(({ name }) => name)));
    for (const item of order) {
      const ends = item.after.flatMap(({ name }) => endsOf.get(name) ?? []);
      endsOf.set(item.name, this.#add(item.task, item.after.length === 0 ? before : [...new Set(ends)], depth + 1));
    }
    const last = order.filter((item) => !waitedFor.has(item.name)).flatMap((item) => endsOf.get(item.name) ?? []);
    return last.length === 0 ? before : [...new Set(last)];
  }
}
