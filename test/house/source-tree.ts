import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import ts from "typescript";

/** One parsed source file of a tree. */
export interface SourceText {
  /** Path from the root of the tree, with `/`. */
  readonly path: string;
  /** First folder of the path; empty for a file at the root (a door). */
  readonly room: string;
  readonly text: string;
  readonly ast: ts.SourceFile;
}

/** One thing a rule found; `line` counts from 1. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** Parses a text as one file of a tree, for a rule's own test. */
export function parseSource(path: string, text: string): SourceText {
  const room = path.includes("/") ? path.slice(0, path.indexOf("/")) : "";
  return { path, room, text, ast: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

/** Every path below `root` that ends in one of `endings`, sorted, with `/`; empty where the folder is absent. */
export function pathsBelow(root: string, endings: readonly string[]): readonly string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

/** Parses every TypeScript file below `root`. */
export function readSourceTree(root: string): readonly SourceText[] {
  return pathsBelow(root, [".ts", ".mts", ".cts", ".tsx"]).map((path) =>
    parseSource(path, readFileSync(join(root, path), "utf8")),
  );
}

/** Visits every node of a file, parents first. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  node.forEachChild((child) => {
    walk(child, visit);
  });
}

/** The line of a node, counted from 1. */
export function lineOf(file: SourceText, node: ts.Node): number {
  return file.ast.getLineAndCharacterOfPosition(node.getStart(file.ast)).line + 1;
}

/** Findings as lines a person can click: `path:line message`. */
export function printed(findings: readonly Finding[]): readonly string[] {
  return findings.map((finding) => `${finding.path}:${finding.line} ${finding.message}`);
}
