import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, posix } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { pathsBelow } from "../house/source-tree.js";
import { syntaxErrors, typeErrors } from "./check-snippets.js";
import { anchorsOf, linksOf, snippetsOf, type Snippet } from "./markdown.js";
import { runSnippet } from "./run-snippet.js";

const ROOT = new URL("../..", import.meta.url).pathname;
const pages = ["README.md", "CONTRIBUTING.md", ...pathsBelow(`${ROOT}docs`, [".md"]).map((path) => `docs/${path}`)].filter(
  (path) => existsSync(ROOT + path),
);
const read = (page: string): string => readFileSync(ROOT + page, "utf8");
const snippets = pages.flatMap((page) => snippetsOf(page, read(page)));

/** The compiler reads the whole package; a busy machine needs its time. */
const COMPILER_MS = 120_000;

describe("the pages", { timeout: COMPILER_MS }, () => {
  test("are seen at all", () => {
    expect(pages).toEqual(expect.arrayContaining(["CONTRIBUTING.md", "docs/errors.md", "docs/glossary.md"]));
  });

  test("hold only TypeScript that parses", () => {
    expect(snippets.flatMap((snippet) => syntaxErrors(snippet))).toEqual([]);
  });

  test("hold checked and runnable blocks that compile as strictly as the package", () => {
    expect(typeErrors(snippets.filter((snippet) => snippet.mode !== "read"))).toEqual([]);
  });

  test("link only to files and headings that exist", () => {
    expect(pages.flatMap((page) => linksOf(page, read(page)).flatMap(deadLink))).toEqual([]);
  });
});

describe("runnable blocks", { timeout: COMPILER_MS }, () => {
  const runnable = snippets.filter((snippet) => snippet.mode === "run");
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  test("run to their end as printed", () => {
    const outcomes = runnable.map((snippet) => ({ at: `${snippet.page}:${snippet.line}`, ...runSnippet(snippet, folders) }));
    expect(outcomes.filter(({ status }) => status !== 0)).toEqual([]);
  });

  test("that throw are seen", () => {
    const text = 'import { RunsealError } from "runseal";\nthrow new RunsealError("store.closed", "seen red", { call: "x" });\n';
    const { status, stderr } = runSnippet({ page: "x.md", line: 1, mode: "run", text }, folders);
    expect({ status, threw: stderr.includes("RunsealError: seen red") || stderr.includes("Error: seen red") }).toEqual({
      status: 1,
      threw: true,
    });
  });
});

describe("the checks of pages have been seen red", { timeout: COMPILER_MS }, () => {
  const snippet = (text: string): Snippet => ({ page: "docs/x.md", line: 3, mode: "check", text });

  test("a block that doesn't parse, with page and line", () => {
    expect(syntaxErrors(snippet("const a = ;\n"))).toEqual(["docs/x.md:4 Expression expected."]);
  });

  test("a block that doesn't compile, with page and line", () => {
    expect(typeErrors([snippet('import { isRunsealError } from "runseal";\nisRunsealError(1, "no.code");\n')])).toEqual([
      "docs/x.md:5 Argument of type '\"no.code\"' is not assignable to parameter of type 'keyof ErrorDetails'.",
    ]);
  });

  test("a link to nowhere, a heading that isn't there, and none for code or the web", () => {
    const text =
      "[a](gone.md) [b](errors.md#nope) [c](errors.md#values-and-bytes) `[d](gone.md)` [e](https://example.com/gone)\n[f](#here)\n";
    expect(linksOf("docs/x.md", text).flatMap(deadLink)).toEqual([
      "docs/x.md:1 gone.md: no such file",
      "docs/x.md:1 errors.md#nope: no such heading",
      "docs/x.md:2 #here: no such file",
    ]);
  });

  test("blocks are found with their mode and line", () => {
    const text = "# A\n\n```ts run\nrun();\n```\n\n```ts\nread();\n```\n```sh\nls\n```\n```ts check\ncheck();\n```\n";
    expect(snippetsOf("a.md", text).map(({ line, mode, text: content }) => [line, mode, content])).toEqual([
      [3, "run", "run();\n"],
      [7, "read", "read();\n"],
      [13, "check", "check();\n"],
    ]);
  });
});

function deadLink({ page, line, path, anchor }: ReturnType<typeof linksOf>[number]): readonly string[] {
  const target = path === "" ? page : posix.normalize(posix.join(dirname(page), path));
  const shown = `${page}:${line} ${path}${anchor === "" ? "" : `#${anchor}`}`;
  if (!existsSync(ROOT + target)) return [`${shown}: no such file`];
  return anchor === "" || anchorsOf(read(target)).has(anchor) ? [] : [`${shown}: no such heading`];
}
