import ts from "typescript";
import { nodeRule, type Rule } from "../rule.js";
import { lineOf, type Finding, type SourceText } from "../source-tree.js";

/** What leaves a file: by name, and documented. */
export const exportStyle: readonly Rule[] = [
  nodeRule("export-star", (node) =>
    ts.isExportDeclaration(node) && (node.exportClause === undefined || ts.isNamespaceExport(node.exportClause))
      ? "exports everything; name what leaves"
      : undefined,
  ),
  nodeRule("default-export", (node) => (isDefaultExport(node) ? "exports a default; export a name" : undefined)),
  { name: "undocumented-export", find: undocumented },
];

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === "default";
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node)?.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword) ?? false)
  );
}

function undocumented(file: SourceText): readonly Finding[] {
  const listed = namesListed(file.ast);
  const documented = new Set<string>();
  const lacking = new Map<string, number>();
  for (const statement of file.ast.statements) {
    for (const name of namesOf(statement)) {
      if (!isExported(statement) && !listed.has(name)) continue;
      // one documented overload speaks for the others
      if (hasDoc(statement)) documented.add(name);
      else if (!lacking.has(name)) lacking.set(name, lineOf(file, statement));
    }
  }
  return [...lacking]
    .filter(([name]) => !documented.has(name))
    .map(([name, line]) => ({ path: file.path, line, message: `exports \`${name}\` without a docstring` }));
}

function namesListed(ast: ts.SourceFile): ReadonlySet<string> {
  const lists = ast.statements
    .filter((statement) => ts.isExportDeclaration(statement))
    .filter((statement) => statement.moduleSpecifier === undefined);
  const clauses = lists.flatMap((statement) =>
    statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause) ? [...statement.exportClause.elements] : [],
  );
  return new Set(clauses.map((element) => (element.propertyName ?? element.name).text));
}

function namesOf(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map((declaration) => declaration.name.getText());
  }
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement) ||
    ts.isModuleDeclaration(statement);
  return isNamed && statement.name !== undefined ? [statement.name.text] : [];
}

function isExported(statement: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(statement) &&
    (ts.getModifiers(statement)?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword) ?? false)
  );
}

function hasDoc(statement: ts.Statement): boolean {
  return ts
    .getJSDocCommentsAndTags(statement)
    .some((doc) => ts.isJSDoc(doc) && (ts.getTextOfJSDocComment(doc.comment) ?? "").trim() !== "");
}
