import type { Findings } from "./findings.js";
import { orderNodes, type GraphNode } from "./source-graph.js";
import type { SourceNode } from "./source-node.js";

/** One way out of a step. */
export interface SsmExit {
  /** Name of the next step; `null` = the end. */
  readonly target: string | null;
  readonly pointer: string;
  /** `choice` = the n-th choice of a branch, `default` when none of them holds. */
  readonly on: "success" | "failure" | "default" | { readonly choice: number };
}

/** A step of a document with its ways out; failing without a way out ends everything. */
export interface SsmFlowStep extends GraphNode {
  readonly node: SourceNode;
  readonly action: string;
  readonly exits: readonly SsmExit[];
  /** A failure has a way out. */
  readonly isAnswering: boolean;
  /** A failure makes the whole automation failed, whatever runs after it. */
  readonly isCritical: boolean;
  /** Whatever happens, unless the automation is ended, this step runs. */
  readonly isCertain: boolean;
}

/**
 * Reads which step comes after which, and puts those that can be reached into an order.
 *
 * Jumps forward, also those of `onFailure: step:x` and `aws:branch`, become conditions; jumps back are refused as the circle
 * they are; steps that nothing leads to are left out with a note.
 */
export function readFlow(steps: readonly SourceNode[], findings: Findings): readonly SsmFlowStep[] | undefined {
  const named = steps.flatMap((node, index) => readStep(node, steps[index + 1], findings) ?? []);
  if (findings.isRefused()) return undefined;
  const byName = new Map(named.map((step) => [step.name, step]));
  const reached = reachedFrom(named, byName);
  for (const step of named) {
    if (!reached.has(step.name)) findings.note(step.pointer, `"${step.name}" is never reached and is left out`);
  }
  const incoming = new Map<string, { readonly name: string; readonly pointer: string }[]>();
  for (const step of named) {
    if (!reached.has(step.name)) continue;
    for (const exit of step.exits) {
      if (exit.target === null) continue;
      const list = incoming.get(exit.target) ?? [];
      list.push({ name: step.name, pointer: exit.pointer });
      incoming.set(exit.target, list);
    }
  }
  const unknown = [...incoming].filter(([target]) => !byName.has(target));
  for (const [target, [from]] of unknown) {
    findings.refuse("import.unknown_reference", from?.pointer ?? "", `"${target}" is no step of the document`);
  }
  if (unknown.length > 0) return undefined;
  const kept = named.filter((step) => reached.has(step.name));
  const order = orderNodes(
    kept.map((step) => ({ ...step, after: incoming.get(step.name) ?? [] })),
    findings,
  );
  return order === undefined ? undefined : withCertainty(order);
}

function withCertainty(order: readonly SsmFlowStep[]): readonly SsmFlowStep[] {
  const certain = new Set(order.slice(0, 1).map((step) => step.name));
  for (const step of order) {
    const targets = new Set(step.exits.map((exit) => exit.target));
    const [target] = targets;
    // order is topological: whether this step is certain was settled by those before it
    if (targets.size === 1 && typeof target === "string" && certain.has(step.name)) certain.add(target);
  }
  return order.map((step) => ({ ...step, isCertain: certain.has(step.name) }));
}

function reachedFrom(steps: readonly SsmFlowStep[], byName: ReadonlyMap<string, SsmFlowStep>): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = steps.slice(0, 1).map((step) => step.name);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (reached.has(name)) continue;
    reached.add(name);
    for (const { target } of byName.get(name)?.exits ?? []) if (target !== null) open.push(target);
  }
  return reached;
}

function readStep(node: SourceNode, following: SourceNode | undefined, findings: Findings): SsmFlowStep | undefined {
  if (!node.isObject()) return undefined;
  const [name, action] = [node.at("name").requiredText(), node.at("action").requiredText()];
  if (name === undefined || action === undefined) return undefined;
  const about = { name, node, action, pointer: node.pointer, after: [], isCertain: false };
  const isEnd = node.at("isEnd").flag() ?? false;
  if (action === "aws:branch") {
    return { ...about, exits: branchExits(node, isEnd, findings), isAnswering: false, isCritical: false };
  }
  const next = node.at("nextStep").text() ?? following?.at("name").text() ?? null;
  const nextPointer = node.at("nextStep").isPresent ? node.at("nextStep").pointer : node.pointer;
  const success: SsmExit = { target: isEnd ? null : next, pointer: nextPointer, on: "success" };
  const failure = failureExit(node, success.target, findings);
  refuseCancelJump(node, findings);
  const isCritical = node.at("isCritical").flag() ?? !/^continue$/i.test(node.at("onFailure").text() ?? "");
  if (failure === undefined && node.at("isCritical").flag() === false) {
    findings.note(node.at("isCritical").pointer, "a failure of this step ends the run as failed, though it is not critical");
  }
  if (failure !== undefined && (action === "aws:approve" || action === "aws:pause")) {
    const message = "a refused approval leads to another step; a gate in a plan lets through or ends the run";
    findings.refuse("import.run_time_choice", failure.pointer, message);
  }
  return {
    ...about,
    exits: failure === undefined ? [success] : [success, failure],
    isAnswering: failure !== undefined,
    isCritical: failure !== undefined && isCritical,
  };
}

function failureExit(node: SourceNode, next: string | null, findings: Findings): SsmExit | undefined {
  const { pointer } = node.at("onFailure");
  const text = node.at("onFailure").text() ?? "Abort";
  if (/^abort$/i.test(text)) return undefined;
  if (/^continue$/i.test(text)) return { target: next, pointer, on: "failure" };
  const [, target] = /^step:\s*(.+)$/i.exec(text) ?? [];
  if (target !== undefined) return { target: target.trim(), pointer, on: "failure" };
  return findings.refuse("import.unknown_construct", pointer, `"${text}" is not Abort, Continue or step:<name>`);
}

function refuseCancelJump(node: SourceNode, findings: Findings): void {
  const onCancel = node.at("onCancel");
  const text = onCancel.text();
  if (text === undefined || !/^step:/i.test(text)) return;
  findings.refuse("import.run_time_choice", onCancel.pointer, "canceling leads to another step; a canceled run starts none");
}

function branchExits(node: SourceNode, isEnd: boolean, findings: Findings): readonly SsmExit[] {
  const inputs = node.at("inputs");
  const exits: SsmExit[] = [];
  for (const [choice, item] of inputs.at("Choices").items().entries()) {
    const target = item.at("NextStep").requiredText();
    if (target !== undefined) exits.push({ target, pointer: item.at("NextStep").pointer, on: { choice } });
  }
  if (exits.length === 0) inputs.at("Choices").missing();
  const otherwise = inputs.at("Default");
  if (otherwise.isPresent) {
    exits.push({ target: otherwise.text() ?? null, pointer: otherwise.pointer, on: "default" });
  } else if (isEnd) {
    exits.push({ target: null, pointer: node.pointer, on: "default" });
  } else {
    const message = "has no Default: that none of the choices holds would have to fail the run";
    findings.refuse("import.run_time_choice", inputs.pointer, message);
  }
  return exits;
}
