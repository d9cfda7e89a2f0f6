import ts from "typescript";
import { lineOf, type Finding, type SourceText } from "./source-tree.js";

/** What a door does besides re-exporting by name. */
export function checkDoor(file: SourceText): readonly Finding[] {
  return file.ast.statements
    .filter((statement) => !reexportsByName(statement))
    .map((statement) => ({ path: file.path, line: lineOf(file, statement), message: "does more than re-export by name" }));
}

function reexportsByName(statement: ts.Statement): boolean {
  if (!ts.isExportDeclaration(statement) || statement.exportClause === undefined) return false;
  // `export {}` says "nothing yet" and keeps the file a module
  return (
    ts.isNamedExports(statement.exportClause) &&
    (statement.moduleSpecifier !== undefined || statement.exportClause.elements.length === 0)
  );
}
