import { apply, data, joined, type Draft } from "./draft.js";
import type { Findings } from "./findings.js";
import { isRecord, type SourceNode } from "./source-node.js";
import { translate, type ResolveReference } from "./translate.js";

const DEPTH_MAX = 32;
const EQUALITIES = new Set(["StringEquals", "NumericEquals", "BooleanEquals"]);
const MEMBERS = new Set(["Variable", "NextStep", "And", "Or", "Not", ...EQUALITIES]);

/**
 * Reads a choice of `aws:branch` as a condition over parameters and results.
 *
 * Equality, `And`, `Or` and `Not` are said in a plan; ranges and parts of texts are not.
 *
 * @returns `undefined` when it was refused
 */
export function readCondition(node: SourceNode, resolve: ResolveReference, findings: Findings, depth = 0): Draft | undefined {
  if (depth > DEPTH_MAX) return findings.refuse("import.too_large", node.pointer, "is nested too deep");
  if (!node.isObject() || !isRecord(node.value)) return undefined;
  const parts: (Draft | undefined)[] = [];
  for (const [name, member] of node.members()) {
    if (!MEMBERS.has(name)) {
      const message = `"${name}" can't be said as a condition of a step; equality, And, Or and Not can`;
      parts.push(findings.refuse("import.run_time_choice", member.pointer, message));
    } else if (name === "And" || name === "Or") {
      const items = member.items().map((item) => readCondition(item, resolve, findings, depth + 1));
      parts.push(joined(name === "And" ? "all" : "any", items));
    } else if (name === "Not") {
      const inner = readCondition(member, resolve, findings, depth + 1);
      parts.push(inner === undefined ? undefined : apply("not", inner));
    } else if (EQUALITIES.has(name)) {
      parts.push(equality(node, member, resolve, findings));
    }
  }
  if (parts.length === 0) return findings.refuse("import.missing_member", node.pointer, "holds no condition");
  return joined("all", parts);
}

function equality(node: SourceNode, wanted: SourceNode, resolve: ResolveReference, findings: Findings): Draft | undefined {
  const variable = node.at("Variable");
  if (variable.value === undefined) return variable.missing();
  const [found, expected] = [variable, wanted].map((side) => translate(side.value ?? null, side.pointer, resolve, findings));
  return found === undefined || expected === undefined ? undefined : apply("eq", found, expected);
}

/** A condition that always holds. */
export const ALWAYS: Draft = data(true);
