import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";

const files = inject("packedFiles");
const consumer = inject("consumer");

/** What may be in the tarball; anything else is a surprise. */
const ALLOWED = [
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/,
  /^dist\/(index|sqlite|postgres|testing)\.(js|cjs|d\.ts|d\.cts|js\.map|cjs\.map)$/,
  // code and declarations that several doors share
  /^dist\/[\w-]+-[\w-]{6,}\.(js|cjs|d\.ts|d\.cts|js\.map|cjs\.map)$/,
  /^migrations\/(sqlite|postgres)\/\d{4}[\w-]*\.sql$/,
  /^docs\/[\w/-]+\.(md|svg)$/,
];

test("the tarball holds the doors, the migrations, the docs, and what a licence needs", () => {
  const doors = ["index", "sqlite", "postgres", "testing"].flatMap((door) =>
    ["js", "cjs", "d.ts", "d.cts"].map((ending) => `dist/${door}.${ending}`),
  );
  const required = [...doors, "package.json", "README.md", "LICENSE", "CHANGELOG.md", "docs/errors.md"];
  expect(required.filter((path) => !files.includes(path))).toEqual([]);
  for (const folder of ["migrations/sqlite/", "migrations/postgres/"])
    expect(files.filter((path) => path.startsWith(folder)).length).toBeGreaterThan(0);
});

test("the tarball holds nothing that the allow-list does not name", () => {
  expect(files.filter((path) => !ALLOWED.some((pattern) => pattern.test(path)))).toEqual([]);
});

const built = files.filter((path) => path.startsWith("dist/"));
const textOf = (path: string): string => readFileSync(join(consumer, "node_modules/runseal", path), "utf8");

test("the built code names no path of the machine that built it", () => {
  const root = new URL("../..", import.meta.url).pathname;
  expect(built.length).toBeGreaterThan(0);
  expect(built.filter((path) => textOf(path).includes(root))).toEqual([]);
});

test("the CommonJS build is the code as written: no helper stands for a class field, `?.` or `??`", () => {
  const cjs = built.filter((path) => path.endsWith(".cjs"));
  expect(cjs.length).toBeGreaterThan(0);
  expect(cjs.filter((path) => /_optionalChain|_nullishCoalesce|__init\d*\(\)/.test(textOf(path)))).toEqual([]);
});
