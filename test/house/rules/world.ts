import ts from "typescript";
import { nodeRule, type Rule } from "../rule.js";

/** Where the world may be touched by name; everywhere else it is injected. */
const CLOCK_ROOMS = ["time/", "testing/"];
const TIMER_ROOMS = ["time/", "testing/", "instance/env.ts"];
const CHANCE_ROOMS = ["instance/", "sql/", "sqlite/", "postgres/"];
const PROCESS_ROOMS = ["instance/", "sql/", "sqlite/"];

const TIMERS = new Set(["setTimeout", "setInterval", "setImmediate"]);
const PROCESS = new Set(["process", "console", "globalThis", "fetch"]);
const CHANCE = new Set(["randomUUID", "randomBytes", "randomInt", "getRandomValues"]);
const LOCALE = new Set([
  "localeCompare",
  "toLocaleString",
  "toLocaleDateString",
  "toLocaleTimeString",
  "toLocaleLowerCase",
  "toLocaleUpperCase",
]);

/** What would make two machines disagree: clocks, chance, timers, the process, the locale. */
export const worldRules: readonly Rule[] = [
  nodeRule("clock", (node) => (readsClock(node) ? "reads the clock; take a Clock" : undefined), CLOCK_ROOMS),
  nodeRule(
    "timer",
    (node) => (isUse(node) && TIMERS.has(node.text) ? `calls ${node.text}; take a Clock` : undefined),
    TIMER_ROOMS,
  ),
  nodeRule("chance", (node) => (drawsChance(node) ? "draws a random number; take it as an argument" : undefined), CHANCE_ROOMS),
  nodeRule("process", (node) => (isUse(node) && PROCESS.has(node.text) ? `reaches for ${node.text}` : undefined), PROCESS_ROOMS),
  nodeRule("locale", (node) => {
    if (ts.isPropertyAccessExpression(node) && LOCALE.has(node.name.text)) return `calls ${node.name.text}; compare by code unit`;
    return isUse(node) && node.text === "Intl" ? "uses Intl, which differs between machines" : undefined;
  }),
];

/** Whether a node is a name that is read as a value: not a declaration, a property, a key or a type. */
function isUse(node: ts.Node): node is ts.Identifier {
  if (!ts.isIdentifier(node)) return false;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if (ts.isTypeReferenceNode(parent) || ts.isQualifiedName(parent) || ts.isTypeQueryNode(parent)) return false;
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || ts.isImportClause(parent)) return false;
  return !(isDeclaration(parent) && parent.name === node);
}

function isDeclaration(node: ts.Node): node is ts.NamedDeclaration {
  return (
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isBindingElement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isMethodSignature(node) ||
    ts.isPropertyDeclaration(node) ||
    ts.isPropertySignature(node) ||
    ts.isGetAccessor(node) ||
    ts.isSetAccessor(node)
  );
}

/** `Date` as a value in any position but the right of `instanceof`: even `new Date(ms)` formats by the machine's zone. */
function readsClock(node: ts.Node): boolean {
  if (!isUse(node)) return false;
  if (node.text === "performance") return true;
  if (node.text !== "Date") return false;
  const { parent } = node;
  return !(
    ts.isBinaryExpression(parent) &&
    parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword &&
    parent.right === node
  );
}

function drawsChance(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) {
    if (ts.isIdentifier(node.expression) && node.expression.text === "Math" && node.name.text === "random") return true;
    return CHANCE.has(node.name.text);
  }
  return isUse(node) && CHANCE.has(node.text);
}
