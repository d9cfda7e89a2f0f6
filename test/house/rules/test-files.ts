import ts from "typescript";
import { nodeRule, type Rule } from "../rule.js";

const RUNNERS = new Set(["test", "it", "describe", "suite", "bench", "fcTest"]);
const ALIASES = new Set(["xit", "xtest", "xdescribe", "fit", "fdescribe"]);
const WAITS = new Set(["setTimeout", "setInterval"]);
// also the name of an innocent builder, so only what is waited for counts
const AWAITED_WAITS = new Set(["sleep", "delay"]);

/** What a test file doesn't do: leave tests out, wait for time to pass, replace our own modules. */
export const testRules: readonly Rule[] = [
  nodeRule("left-out-test", (node) => {
    if (
      ts.isPropertyAccessExpression(node) &&
      ["only", "skip", "todo", "fails"].includes(node.name.text) &&
      startsAtRunner(node.expression)
    ) {
      return `leaves tests out with .${node.name.text}`;
    }
    return ts.isCallExpression(node) && ts.isIdentifier(node.expression) && ALIASES.has(node.expression.text)
      ? `leaves tests out with ${node.expression.text}`
      : undefined;
  }),
  nodeRule("sleep", (node) => {
    if (ts.isCallExpression(node)) {
      const name = calleeName(node.expression);
      const waits = WAITS.has(name) || (AWAITED_WAITS.has(name) && ts.isAwaitExpression(node.parent));
      return waits ? `waits with ${name}; use a manual clock or a condition` : undefined;
    }
    if (
      ts.isImportDeclaration(node) &&
      ts.isStringLiteral(node.moduleSpecifier) &&
      /^(node:)?timers(\/promises)?$/.test(node.moduleSpecifier.text)
    ) {
      return "imports timers; use a manual clock or a condition";
    }
    return undefined;
  }),
  nodeRule("mock", (node) =>
    ts.isCallExpression(node) && /^vi\.(mock|doMock|hoisted)$/.test(node.expression.getText())
      ? "mocks a module; use the seam's fake"
      : undefined,
  ),
];

function startsAtRunner(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return RUNNERS.has(node.text);
  if (ts.isPropertyAccessExpression(node) || ts.isCallExpression(node) || ts.isTaggedTemplateExpression(node)) {
    return startsAtRunner(ts.isTaggedTemplateExpression(node) ? node.tag : node.expression);
  }
  return false;
}

function calleeName(callee: ts.Expression): string {
  if (ts.isIdentifier(callee)) return callee.text;
  return ts.isPropertyAccessExpression(callee) && callee.expression.getText() === "globalThis" ? callee.name.text : "";
}
