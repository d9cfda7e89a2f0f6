import ts from "typescript";
import { nodeRule, type Rule } from "../rule.js";

const BUILT_IN = new Set([
  "Error",
  "TypeError",
  "RangeError",
  "SyntaxError",
  "ReferenceError",
  "EvalError",
  "URIError",
  "AggregateError",
  "DOMException",
]);

/** How this house fails: one class, typed codes, nothing swallowed. */
export const errorStyle: readonly Rule[] = [
  nodeRule("bare-error", (node) => {
    if (
      (ts.isNewExpression(node) || ts.isCallExpression(node)) &&
      ts.isIdentifier(node.expression) &&
      BUILT_IN.has(node.expression.text)
    ) {
      return `makes a bare ${node.expression.text}; throw a RunsealError with a code`;
    }
    if (ts.isThrowStatement(node) && isLiteral(node.expression)) return "throws a literal; throw a RunsealError with a code";
    return undefined;
  }),
  nodeRule(
    "error-class",
    (node) => (ts.isClassLike(node) && extendsError(node) ? "declares a second error class; add a code instead" : undefined),
    ["errors/error.ts"],
  ),
  nodeRule("empty-catch", (node) => {
    if (ts.isCatchClause(node) && node.block.statements.length === 0) return "swallows what it catches";
    if (ts.isCallExpression(node) && isNamed(node.expression, "catch") && node.arguments.some(isEmptyFunction))
      return "swallows a rejection";
    return undefined;
  }),
];

function isLiteral(node: ts.Expression): boolean {
  return (
    ts.isLiteralExpression(node) ||
    ts.isTemplateExpression(node) ||
    ts.isObjectLiteralExpression(node) ||
    ts.isArrayLiteralExpression(node)
  );
}

function extendsError(node: ts.ClassLikeDeclaration): boolean {
  const clause = node.heritageClauses?.find((heritage) => heritage.token === ts.SyntaxKind.ExtendsKeyword);
  return (
    clause?.types.some(
      ({ expression }) => ts.isIdentifier(expression) && (BUILT_IN.has(expression.text) || expression.text.endsWith("Error")),
    ) ?? false
  );
}

function isNamed(callee: ts.Expression, name: string): boolean {
  return ts.isPropertyAccessExpression(callee) && callee.name.text === name;
}

function isEmptyFunction(node: ts.Expression): boolean {
  if (!ts.isArrowFunction(node) && !ts.isFunctionExpression(node)) return false;
  if (ts.isBlock(node.body)) return node.body.statements.length === 0;
  return ts.isIdentifier(node.body) && node.body.text === "undefined";
}
