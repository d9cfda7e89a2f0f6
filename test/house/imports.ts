import { posix } from "node:path";
import ts from "typescript";
import { lineOf, walk, type SourceText } from "./source-tree.js";

/** One edge that leaves a file: an import, a re-export, an import type, a dynamic import or a `require`. */
export interface ImportEdge {
  readonly from: string;
  readonly line: number;
  /** Path of a file in the tree; the bare specifier of a package; `(computed)` where the target is not a literal. */
  readonly to: string;
  readonly inTree: boolean;
}

/** Every edge that leaves `file`, type-only ones included. */
export function importsOf(file: SourceText): readonly ImportEdge[] {
  const edges: ImportEdge[] = [];
  walk(file.ast, (node) => {
    const target = targetOf(node);
    if (target === undefined) return;
    const line = lineOf(file, node);
    if (target === null) edges.push({ from: file.path, line, to: "(computed)", inTree: false });
    else if (target.startsWith(".")) edges.push({ from: file.path, line, to: resolved(file.path, target), inTree: true });
    else edges.push({ from: file.path, line, to: target, inTree: false });
  });
  return edges;
}

/** The specifier a node imports; `null` where it is computed; `undefined` where the node imports nothing. */
function targetOf(node: ts.Node): string | null | undefined {
  if (ts.isImportDeclaration(node)) return literal(node.moduleSpecifier);
  if (ts.isExportDeclaration(node)) return node.moduleSpecifier === undefined ? undefined : literal(node.moduleSpecifier);
  if (ts.isExternalModuleReference(node)) return literal(node.expression);
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? literal(node.argument.literal) : null;
  if (ts.isCallExpression(node) && loadsModule(node.expression)) return literal(node.arguments[0]);
  return undefined;
}

function literal(node: ts.Node | undefined): string | null {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : null;
}

const LOADERS = new Set(["require", "getBuiltinModule"]);

function loadsModule(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  if (ts.isPropertyAccessExpression(callee)) return callee.name.text === "getBuiltinModule";
  return ts.isIdentifier(callee) && LOADERS.has(callee.text);
}

function resolved(from: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(from), specifier)).replace(/\.([mc]?)js$/, ".$1ts");
}
