import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { EVENTS } from "../src/model/event.js";
import { checkErrorDocs, checkThrowsTags, errorCodes } from "./house/error-docs.js";
import type { Rule } from "./house/rule.js";
import { errorStyle } from "./house/rules/errors.js";
import { exportStyle } from "./house/rules/exports.js";
import { shapeRules } from "./house/rules/shape.js";
import { testRules } from "./house/rules/test-files.js";
import { typeEscapes } from "./house/rules/type-escapes.js";
import { findWords } from "./house/rules/words.js";
import { worldRules } from "./house/rules/world.js";
import { parseSource, pathsBelow, printed, readSourceTree } from "./house/source-tree.js";

const ROOT = new URL("..", import.meta.url).pathname;
const sourceRules: readonly Rule[] = [...typeEscapes, ...errorStyle, ...exportStyle, ...worldRules, ...shapeRules];
const source = readSourceTree(`${ROOT}src`);
const read = (path: string): string => readFileSync(ROOT + path, "utf8");

describe("src", () => {
  test("is seen at all", () => {
    expect(source.length).toBeGreaterThan(5);
  });

  test.each(sourceRules.map((rule) => [rule.name, rule] as const))("keeps the rule %s", (_name, rule) => {
    expect(printed(source.flatMap(rule.find))).toEqual([]);
  });

  test("names only codes that exist where it says what is thrown", () => {
    const codes = errorCodes(parseSource("errors/error.ts", read("src/errors/error.ts")));
    // a reason may name an event
    const names = [...codes, ...Object.keys(EVENTS)];
    expect(printed(source.flatMap((file) => checkThrowsTags(file, names)))).toEqual([]);
  });

  test("declares every code once, and docs/errors.md has one paragraph for each", () => {
    const declared = errorCodes(parseSource("errors/error.ts", read("src/errors/error.ts")));
    expect(declared.length).toBeGreaterThan(50);
    expect(new Set(declared).size).toBe(declared.length);
    expect(checkErrorDocs(declared, read("docs/errors.md"))).toEqual([]);
  });
});

describe("the tree", () => {
  const FOLDERS = ["src", "test", "examples", "bench", "docs", "migrations", ".ci"];
  const TEXTS = [".ts", ".mts", ".cts", ".js", ".cjs", ".mjs", ".json", ".md", ".sql", ".yaml", ".yml", "run", "node-matrix"];
  const top = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "package.json",
    "tsconfig.json",
    "vitest.config.ts",
    "tsup.config.ts",
    "eslint.config.js",
    "knip.json",
  ];
  // data of others keeps its own spelling; the test of these words has to write them
  const isOurs = (path: string): boolean =>
    !path.startsWith("test/fixtures/") && !path.startsWith("bench/node_modules/") && path !== "test/tidy.test.ts";
  const below = FOLDERS.flatMap((folder) => pathsBelow(ROOT + folder, TEXTS).map((path) => `${folder}/${path}`));
  const paths = [...top.filter((path) => existsSync(ROOT + path)), ...below].filter(isOurs);

  test("is seen at all", () => {
    expect(paths).toEqual(
      expect.arrayContaining(["src/errors/error.ts", "docs/errors.md", "test/house/rule.ts", "package.json"]),
    );
  });

  test("spells canceled with one l, leaves nothing unfinished, and names no machine's paths", () => {
    expect(printed(paths.flatMap((path) => findWords(path, read(path))))).toEqual([]);
  });
});

describe("test files", () => {
  const tests = readSourceTree(`${ROOT}test`).filter((file) => file.path.endsWith(".test.ts"));

  test("are seen at all", () => {
    expect(tests.map((file) => file.path)).toEqual(expect.arrayContaining(["architecture.test.ts", "tidy.test.ts"]));
  });

  test.each(testRules.map((rule) => [rule.name, rule] as const))("keep the rule %s", (_name, rule) => {
    expect(printed(tests.flatMap(rule.find))).toEqual([]);
  });
});

/** Rule, file, offending source, what is found; every rule stands here at least once. */
const RED: readonly (readonly [rule: string, path: string, text: string, found: readonly string[]])[] = [
  ["non-null", "model/a.ts", "const a = b!;\nclass C { d!: number }\nlet e!: string;", ["1", "2", "3"]],
  ["non-null", "compile/kahn.ts", "const a = b[0]!;", []],
  [
    "any",
    "model/a.ts",
    "const a: any = 1;\nconst b = a as any;\nfunction f(x: readonly any[]): Map<string, any> { return x; }",
    ["1", "2", "3", "3"],
  ],
  [
    "double-cast",
    "model/a.ts",
    "const a = b as unknown as string;\nconst c = (d as never) as number;\nconst e = f as const;",
    ["1", "2"],
  ],
  ["double-cast", "catalog/symbolic.ts", "const a = b as unknown as string;", []],
  [
    "bare-error",
    "model/a.ts",
    'throw new Error("x");\nreject(new TypeError());\nthrow "text";\nthrow { code: 1 };\nthrow caught;\nthrow new RunsealError("a");',
    ["1", "2", "3", "4"],
  ],
  ["bare-error", "model/a.ts", 'const e = Error("x");\nconst t = `Error`;', ["1"]],
  [
    "error-class",
    "stores/a.ts",
    "class A extends Error {}\nclass B extends StoreError {}\nclass C extends Map {}\nclass D {}",
    ["1", "2"],
  ],
  [
    "empty-catch",
    "model/a.ts",
    "try { a(); } catch {}\ntry { a(); } catch (e) { /* why */ }\ntry { a(); } catch (e) { log(e); }",
    ["1", "2"],
  ],
  [
    "empty-catch",
    "model/a.ts",
    "p.catch(() => {});\np.catch(() => undefined);\np.catch(function () {});\np.catch(log);\np.catch((e) => log(e));",
    ["1", "2", "3"],
  ],
  ["export-star", "index.ts", 'export * from "./a.js";\nexport * as b from "./b.js";\nexport { c } from "./c.js";', ["1", "2"]],
  [
    "default-export",
    "model/a.ts",
    "export default 1;\nexport default function f() {}\nexport { x as default };\nexport { y };",
    ["1", "2", "3"],
  ],
  [
    "undocumented-export",
    "model/a.ts",
    "export const a = 1;\n/** B. */\nexport const b = 1;\n/** */\nexport type C = 1;\nexport interface D {}\n// E\nexport class E {}",
    ["1", "5", "6", "8"],
  ],
  [
    "undocumented-export",
    "model/a.ts",
    "/** F. */\nexport function f(): void;\nexport function f(x?: number): void {}\nconst g = 1;\nexport { g as h };\nconst own = 1;",
    ["4"],
  ],
  [
    "clock",
    "model/a.ts",
    "Date.now();\nnew Date();\nnew Date(0);\nperformance.now();\nconst now = Date;\nif (x instanceof Date) y();\nlet t: Date;\nconst o = { Date: 1 };",
    ["1", "2", "3", "4", "5"],
  ],
  ["clock", "time/clock.ts", "Date.now();", []],
  [
    "timer",
    "engine/a.ts",
    "setTimeout(f, 1);\nclock.setTimeout(f, 1);\nsetImmediate(f);\nconst s = setInterval;",
    ["1", "3", "4"],
  ],
  ["timer", "time/clock.ts", "setTimeout(f, 1);", []],
  ["chance", "engine/a.ts", "Math.random();\ncrypto.randomUUID();\nrandomUUID();\nMath.max(1);\nenv.random();", ["1", "2", "3"]],
  [
    "process",
    "engine/a.ts",
    "process.pid;\nconsole.log(1);\nglobalThis.x;\nconst a = { process: 1 };\na.process;\nfunction f(process: number) {}",
    ["1", "2", "3"],
  ],
  ["process", "sqlite/a.ts", "process.pid;", []],
  [
    "locale",
    "sqlite/a.ts",
    "a.localeCompare(b);\nnew Intl.Collator();\na.toLocaleLowerCase();\na.toLowerCase();",
    ["1", "2", "3"],
  ],
  ["file-name", "model/utils.ts", "", ["1"]],
  ["file-name", "model/index.ts", "", ["1"]],
  ["file-name", "model/writeSet.ts", "", ["1"]],
  ["file-name", "model/write-set.ts", "", []],
  ["privacy", "model/a.ts", "class A { private b = 1; protected c() {} #d = 1; }", ["1", "1"]],
  ["decorator", "model/a.ts", "@sealed\nclass A {}", ["1"]],
  ["enum", "model/a.ts", "enum A { B }\nnamespace N {}", ["1", "2"]],
  [
    "left-out-test",
    "a.test.ts",
    "test.only(f);\ndescribe.concurrent.skip(f);\ntest.each([1]).todo(f);\nxit(f);\ntest.skipIf(x)(f);\nset.only(f);",
    ["1", "2", "3", "4"],
  ],
  [
    "sleep",
    "a.test.ts",
    'await new Promise((r) => setTimeout(r, 5));\nawait sleep(5);\nglobalThis.setTimeout(f);\nimport { setTimeout as wait } from "node:timers/promises";\nclock.setTimeout(f);\nconst step = sleep("PT5S");',
    ["1", "2", "3", "4"],
  ],
  ["mock", "a.test.ts", 'vi.mock("../src/index.js");\nvi.fn();', ["1"]],
];

describe("every rule has been seen red", () => {
  const rules = new Map([...sourceRules, ...testRules].map((rule) => [rule.name, rule]));

  test("and stands in the table", () => {
    expect([...new Set(RED.map(([name]) => name))].sort()).toEqual([...rules.keys()].sort());
  });

  test.each(RED)("%s in %s: %j", (name, path, text, lines) => {
    const findings = rules.get(name)?.find(parseSource(path, text)) ?? [];
    expect(findings.map((finding) => `${finding.line}`)).toEqual(lines);
    expect(findings.every((finding) => finding.path === path && finding.message !== "")).toBe(true);
  });

  test.each([
    ["// the run was cancelled", "spells canceled with two l"],
    ["// a cancellation, canceled", undefined],
    ["// TODO: later", "leaves a note to finish; finish it or say so in the docs"],
    ["const todo = 1;", undefined],
    ['const path = "/home/me/x";', "names a path of one machine"],
    ['const path = "/work/x";', "names a path of one machine"],
    ["see docs/work/x and ~/home/x and https://a.example/work", undefined],
    ["cd /tmp/place", "names a path of one machine; use os.tmpdir()"],
  ])("words: %s", (text, message) => {
    expect(findWords("a.md", text).map((finding) => finding.message)).toEqual(message === undefined ? [] : [message]);
  });

  test("an @throws with a code that does not exist", () => {
    const text =
      "/**\n * A.\n * @throws `a.one` and\n *   `a.gone` when\n * @returns `a.nothing`\n */\n/** @throws {@link E} `a.two` */\n";
    expect(printed(checkThrowsTags(parseSource("m/a.ts", text), ["a.one"]))).toEqual([
      'm/a.ts:3 says it throws "a.gone", which is not a code',
      'm/a.ts:7 says it throws "a.two", which is not a code',
    ]);
  });

  test("docs/errors.md: a code without a paragraph, a heading without a code, two headings, two paragraphs, none", () => {
    const page =
      "# Errors\n\nIntro.\n\n## Values\n\n### `a.one`\n\nText.\n\n### `a.two`\n\nText.\n\nMore.\n\n## Other\n\nIntro.\n\n### `a.one`\n\nText.\n\n### `a.gone`\n\nText.\n\n### `a.bare`\n";
    expect(checkErrorDocs(["a.one", "a.two", "a.three", "a.bare"], page)).toEqual([
      '"a.three" has no paragraph',
      '"a.two" has 2 paragraphs, not one',
      '"a.one" has two headings',
      '"a.gone" is not a code',
      '"a.bare" has 0 paragraphs, not one',
    ]);
    expect(
      errorCodes(
        parseSource("errors/error.ts", 'interface ErrorDetails { "a.one": {}; "a.two": {} }\ninterface Other { "b.x": {} }'),
      ),
    ).toEqual(["a.one", "a.two"]);
  });
});
