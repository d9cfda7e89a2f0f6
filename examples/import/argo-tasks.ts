import type { JsonValue } from "runseal";
import { readDependencies } from "./argo-depends.js";
import type { Findings } from "./findings.js";
import { orderNodes, type GraphNode } from "./source-graph.js";
import { isJsonList, type SourceNode } from "./source-node.js";

/** A task of a DAG template, or a step of a steps template. */
export interface ArgoTask extends GraphNode {
  readonly node: SourceNode;
  /** Name of the template that it runs. */
  readonly template: string;
  /** Present: it runs once for each of these. */
  readonly items?: readonly JsonValue[];
}

const ITEMS_MAX = 10_000;

const FIELDS = new Set(["name", "template", "arguments", "dependencies", "depends", "when", "withItems", "withSequence"]);

/**
 * Reads the tasks of a template that holds others, in an order in which each comes after what it waits for.
 *
 * @param targets - of a DAG: the tasks to reach; empty = all. Tasks that none of them needs are left out with a note.
 */
export function readTasks(template: SourceNode, targets: readonly string[], findings: Findings): readonly ArgoTask[] | undefined {
  const isDag = template.at("dag").isPresent;
  const tasks = isDag ? dagTasks(template.at("dag").at("tasks"), findings) : groupedTasks(template.at("steps"), findings);
  if (findings.isRefused()) return undefined;
  const order = orderNodes(tasks, findings);
  if (order === undefined || targets.length === 0) return order;
  return needed(order, targets, template.at("dag").at("target").pointer, findings);
}

function dagTasks(list: SourceNode, findings: Findings): readonly ArgoTask[] {
  if (list.items().length === 0) list.missing();
  return list.items().flatMap((node) => {
    const task = readTask(node, findings);
    return task === undefined ? [] : [{ ...task, after: readDependencies(node, findings) }];
  });
}

/** Groups run one after another; the steps of one group together. */
function groupedTasks(list: SourceNode, findings: Findings): readonly ArgoTask[] {
  const tasks: ArgoTask[] = [];
  let before: GraphNode["after"] = [];
  if (list.items().length === 0) list.missing();
  for (const group of list.items()) {
    const nodes = isJsonList(group.value) ? group.items() : [group];
    const read = nodes.flatMap((node) => readTask(node, findings) ?? []);
    tasks.push(...read.map((task) => ({ ...task, after: before })));
    if (read.length > 0) before = read.map(({ name, pointer }) => ({ name, pointer }));
  }
  return tasks;
}

function readTask(node: SourceNode, findings: Findings): ArgoTask | undefined {
  if (!node.isObject()) return undefined;
  refuseForeign(node, findings);
  const name = node.at("name").requiredText();
  const template = node.at("template").requiredText();
  const items = readItems(node, findings);
  if (name === undefined || template === undefined) return undefined;
  return { name, pointer: node.pointer, node, template, after: [], ...(items === undefined ? {} : { items }) };
}

function refuseForeign(node: SourceNode, findings: Findings): void {
  const reasons: readonly (readonly [
    member: string,
    code: "import.sub_workflow" | "import.loop" | "import.run_time_choice",
    why: string,
  ])[] = [
    ["templateRef", "import.sub_workflow", "names a template of another document"],
    ["withParam", "import.loop", "loops over a list that only running tells"],
    ["continueOn", "import.run_time_choice", "goes on after a failure; a plan stops what depends on it"],
    ["onExit", "import.run_time_choice", "runs a template when the task has ended, however it went"],
    ["hooks", "import.run_time_choice", "runs templates while the task goes on"],
  ];
  for (const [member, code, why] of reasons) {
    if (node.at(member).isPresent) findings.refuse(code, node.at(member).pointer, why);
  }
  node.refuseOthers(new Set([...FIELDS, ...reasons.map(([member]) => member)]), "a task");
}

function readItems(node: SourceNode, findings: Findings): readonly JsonValue[] | undefined {
  const [items, sequence] = [node.at("withItems"), node.at("withSequence")];
  if (items.isPresent) {
    if (!isJsonList(items.value) || JSON.stringify(items.value).includes("{{")) {
      return findings.refuse("import.loop", items.pointer, "loops over a list that only running tells");
    }
    return withinLimit(items.value, items.pointer, findings);
  }
  return sequence.isPresent ? sequenceOf(sequence, findings) : undefined;
}

/** `count`, or `start` to `end`, with an optional printf format of one `%d`. */
function sequenceOf(node: SourceNode, findings: Findings): readonly JsonValue[] | undefined {
  const text = JSON.stringify(node.value);
  if (text.includes("{{")) return findings.refuse("import.loop", node.pointer, "counts to a number that only running tells");
  const [count, start, end] = [node.at("count").integer(), node.at("start").integer() ?? 0, node.at("end").integer()];
  const last = end ?? (count === undefined ? undefined : start + count - 1);
  if (last === undefined) return node.at("count").missing();
  const step = last < start && end !== undefined ? -1 : 1;
  const length = Math.max(0, (last - start) * step + 1);
  const format = node.at("format").text() ?? "%d";
  if (!/^[^%]*%0?\d{0,2}[dx][^%]*$/.test(format)) {
    return findings.refuse("import.expression", node.at("format").pointer, `"${format}" is more than one number in a text`);
  }
  if (length > ITEMS_MAX) return withinLimit(new Array<JsonValue>(ITEMS_MAX + 1).fill(0), node.pointer, findings);
  return Array.from({ length }, (_, index) => formatted(format, start + index * step));
}

function formatted(format: string, number: number): string {
  return format.replace(/%(0?)(\d{0,2})([dx])/, (_match, zero: string, width: string, base: string) =>
    number.toString(base === "x" ? 16 : 10).padStart(Number(width || 0), zero === "0" ? "0" : " "),
  );
}

function withinLimit(items: readonly JsonValue[], pointer: string, findings: Findings): readonly JsonValue[] | undefined {
  if (items.length <= ITEMS_MAX) return items;
  return findings.refuse("import.too_large", pointer, `loops more than ${ITEMS_MAX} times`);
}

function needed(
  order: readonly ArgoTask[],
  targets: readonly string[],
  pointer: string,
  findings: Findings,
): readonly ArgoTask[] | undefined {
  const wanted = new Set(targets);
  const names = new Set(order.map((task) => task.name));
  for (const target of wanted) {
    if (!names.has(target)) findings.refuse("import.unknown_reference", pointer, `the target "${target}" is no task`);
  }
  // backwards through the order, everything that a wanted task waits for is wanted too
  for (const task of order.toReversed()) {
    if (wanted.has(task.name)) for (const { name } of task.after) wanted.add(name);
  }
  for (const task of order) {
    if (!wanted.has(task.name)) findings.note(task.pointer, `"${task.name}" is not needed for the target and is left out`);
  }
  return findings.isRefused() ? undefined : order.filter((task) => wanted.has(task.name));
}
