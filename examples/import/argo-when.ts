import { apply, joined, type Draft } from "./draft.js";
import type { Findings } from "./findings.js";
import type { SourceNode } from "./source-node.js";
import { translateText, type ResolveReference } from "./translate.js";

/**
 * Reads the `when` of a task: comparisons with `==` and `!=`, joined by `&&` or by `||`.
 *
 * @returns `undefined` when there is none, or when it was refused
 */
export function readWhen(node: SourceNode, resolve: ResolveReference, findings: Findings): Draft | undefined {
  const text = node.text();
  if (text === undefined) return undefined;
  const operator = text.includes("||") ? "any" : "all";
  const parts = text.split(operator === "any" ? "||" : "&&").map((part) => comparison(part, node.pointer, resolve));
  if (parts.includes("refused")) return undefined;
  const condition = joined(
    operator,
    parts.map((part) => (typeof part === "object" ? part : undefined)),
  );
  if (condition !== undefined) return condition;
  const message = `"${text.slice(0, 80)}" is more than comparisons with == and != joined by one of && and ||`;
  return findings.refuse("import.expression", node.pointer, message);
}

function comparison(text: string, pointer: string, resolve: ResolveReference): Draft | "refused" | undefined {
  const [, left, operator, right] = /^\s*([^=!<>&|()]+?)\s*(==|!=)\s*([^=!<>&|()]+?)\s*$/.exec(text) ?? [];
  if (left === undefined || right === undefined) return undefined;
  const sides = [left, right].map((side) => translateText(unquoted(side), pointer, resolve));
  const [a, b] = sides;
  if (a === undefined || b === undefined) return "refused";
  const isEqual = apply("eq", asText(a), asText(b));
  return operator === "==" ? isEqual : apply("not", isEqual);
}

/** Both sides are texts to the workflow engine; what is written is one already. */
function asText(side: Draft): Draft {
  return side.kind === "data" ? side : apply("concat", side);
}

function unquoted(text: string): string {
  const isQuoted = text.length > 1 && /^["']/.test(text) && text.endsWith(text.charAt(0));
  return isQuoted ? text.slice(1, -1) : text;
}
