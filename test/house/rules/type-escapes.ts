import ts from "typescript";
import { nodeRule, type Rule } from "../rule.js";

/** Files that index typed arrays in a hot loop, where a check per read is measured and felt. */
const INDEXES_TYPED_ARRAYS = ["compile/kahn.ts"];

/** The one file where the recorder's Proxy takes on the builder's types. */
const BUILDER_TYPES = ["catalog/symbolic.ts"];

/** Ways to tell the compiler to look away. */
export const typeEscapes: readonly Rule[] = [
  nodeRule(
    "non-null",
    (node) => (assertsPresence(node) ? "asserts with `!`; use `present(value, rule)` or check" : undefined),
    INDEXES_TYPED_ARRAYS,
  ),
  nodeRule("any", (node) => (node.kind === ts.SyntaxKind.AnyKeyword ? "says `any`; say `unknown` and narrow" : undefined)),
  nodeRule("double-cast", (node) => (castsTwice(node) ? "casts through `unknown`; write a guard" : undefined), BUILDER_TYPES),
];

function assertsPresence(node: ts.Node): boolean {
  if (ts.isNonNullExpression(node)) return true;
  return (ts.isPropertyDeclaration(node) || ts.isVariableDeclaration(node)) && node.exclamationToken !== undefined;
}

function castsTwice(node: ts.Node): boolean {
  if (!ts.isAssertionExpression(node)) return false;
  const inner = withoutParentheses(node.expression);
  return (
    ts.isAssertionExpression(inner) && inner.type.kind !== ts.SyntaxKind.ConstKeyword && !ts.isConstTypeReference(inner.type)
  );
}

function withoutParentheses(node: ts.Expression): ts.Expression {
  return ts.isParenthesizedExpression(node) ? withoutParentheses(node.expression) : node;
}
