import ts from "typescript";
import type { Snippet } from "./markdown.js";

const ROOT = new URL("../..", import.meta.url).pathname;

/** What keeps a block from parsing, as `page:line message`. */
export function syntaxErrors({ page, line, text }: Snippet): readonly string[] {
  const { diagnostics = [] } = ts.transpileModule(text, {
    reportDiagnostics: true,
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  return diagnostics.map((diagnostic) => `${page}:${line + lineIn(text, diagnostic)} ${flat(diagnostic)}`);
}

/** What keeps blocks from compiling as strictly as the package does, as `page:line message`. */
export function typeErrors(checked: readonly Snippet[]): readonly string[] {
  if (checked.length === 0) return [];
  const config = ts.readConfigFile(`${ROOT}tsconfig.json`, (path) => ts.sys.readFile(path));
  const parsed = ts.parseJsonConfigFileContent(config.config, ts.sys, ROOT);
  const options = { ...parsed.options, noUnusedLocals: false, noUnusedParameters: false };
  // not on disk: a path inside the repository, so that imports resolve as they do for a test
  const files = new Map(checked.map((snippet, index) => [`${ROOT}test/docs/snippet-${index}.ts`, snippet]));
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists } = host;
  host.readFile = (path) => files.get(path)?.text ?? readFile(path);
  host.fileExists = (path) => files.has(path) || fileExists(path);
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files].flatMap(([path, { page, line, text }]) => {
    const file = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
    return found.map((diagnostic) => `${page}:${line + lineIn(text, diagnostic)} ${flat(diagnostic)}`);
  });
}

function lineIn(text: string, diagnostic: ts.Diagnostic): number {
  return text.slice(0, diagnostic.start ?? 0).split("\n").length;
}

function flat(diagnostic: ts.Diagnostic): string {
  return ts.flattenDiagnosticMessageText(diagnostic.messageText, " ");
}
