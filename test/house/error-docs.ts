import ts from "typescript";
import { walk, type Finding, type SourceText } from "./source-tree.js";

/** The codes of `ErrorDetails`, in the order of the source. */
export function errorCodes(file: SourceText): readonly string[] {
  const codes: string[] = [];
  walk(file.ast, (node) => {
    if (!ts.isInterfaceDeclaration(node) || node.name.text !== "ErrorDetails") return;
    for (const member of node.members)
      if (member.name !== undefined && ts.isStringLiteral(member.name)) codes.push(member.name.text);
  });
  return codes;
}

/** What is wrong with the page of errors: codes without a paragraph, headings without a code, more or less than one paragraph. */
export function checkErrorDocs(codes: readonly string[], page: string): readonly string[] {
  const sections = page.split(/^### /m).slice(1);
  const seen = sections.map((section) => /^`([^`]+)`$/.exec(section.split("\n", 1)[0] ?? "")?.[1] ?? "(not a code)");
  const wrong = codes.filter((code) => !seen.includes(code)).map((code) => `"${code}" has no paragraph`);
  for (const [index, code] of seen.entries()) {
    if (!codes.includes(code)) wrong.push(`"${code}" is not a code`);
    else if (seen.indexOf(code) !== index) wrong.push(`"${code}" has two headings`);
    const paragraphs = paragraphsOf(sections[index] ?? "");
    if (paragraphs !== 1) wrong.push(`"${code}" has ${paragraphs} paragraphs, not one`);
  }
  return wrong;
}

/** Paragraphs of one section, up to the next heading of a higher level. */
function paragraphsOf(section: string): number {
  const [own = ""] = section.slice(section.indexOf("\n")).split(/^#{1,2} /m);
  return own.split(/\n\s*\n/).filter((paragraph) => paragraph.trim() !== "").length;
}

/** Codes that an `@throws` names and that don't exist. */
export function checkThrowsTags(file: SourceText, codes: readonly string[]): readonly Finding[] {
  return [...file.text.matchAll(/@throws((?:(?!@throws|@param|@returns|\*\/)[\s\S])*)/g)].flatMap((tag) => {
    const named = [...(tag[1] ?? "").matchAll(/`([a-z]+\.[a-z_]+)`/g)].map(([, code = ""]) => code);
    const line = file.ast.getLineAndCharacterOfPosition(tag.index).line + 1;
    return named
      .filter((code) => !codes.includes(code))
      .map((code) => ({ path: file.path, line, message: `says it throws "${code}", which is not a code` }));
  });
}
