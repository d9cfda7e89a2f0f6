import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, describe, expect, test } from "vitest";
import { doors as built } from "../tsup.config.js";
import { importsOf } from "./house/imports.js";
import { readSourceTree } from "./house/source-tree.js";
import { readSurface, surfaceDiff, type Surface } from "./house/surface.js";

const ROOT = new URL("..", import.meta.url).pathname;
const GOLDEN = `${ROOT}test/golden/surface.json`;
const DOORS = {
  runseal: `${ROOT}src/index.ts`,
  "runseal/sqlite": `${ROOT}src/sqlite.ts`,
  "runseal/postgres": `${ROOT}src/postgres.ts`,
  "runseal/testing": `${ROOT}src/testing.ts`,
};
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  skipLibCheck: true,
  noEmit: true,
};

const current = readSurface(DOORS, OPTIONS);
if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(GOLDEN, `${JSON.stringify(current, null, 2)}\n`);
const golden = JSON.parse(readFileSync(GOLDEN, "utf8")) as Surface;

describe("the surface", () => {
  test("is every name that the doors export, as recorded (UPDATE_GOLDEN=1 records a change)", () => {
    expect(current["runseal"]?.values).toContain("isRunsealError");
    expect(surfaceDiff(golden, current)).toEqual([]);
    expect(current).toEqual(golden);
  });

  test("has one list of doors: the package's exports, the build's entries, the path mapping, and the files of src", () => {
    const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8")) as { exports: Record<string, unknown> };
    const { compilerOptions } = JSON.parse(readFileSync(`${ROOT}tsconfig.json`, "utf8")) as {
      compilerOptions: { paths: Record<string, unknown> };
    };
    const files = readSourceTree(`${ROOT}src`).flatMap((file) => (file.room === "" ? [file.path.replace(/\.ts$/, "")] : []));
    const doors = Object.keys(golden).sort();
    const exported = Object.keys(exports).filter((door) => door !== "./package.json");
    expect(exported.map((door) => door.replace(/^\./, "runseal")).sort()).toEqual(doors);
    expect(Object.keys(compilerOptions.paths).sort()).toEqual(doors);
    expect(files.map(doorOf).sort()).toEqual(doors);
    expect(Object.keys(built).map(doorOf).sort()).toEqual(doors);
  });

  test("opens no door to the engine: execute is the only way to a handler (decision 3.1)", () => {
    const opened = readSourceTree(`${ROOT}src`).flatMap((file) =>
      file.room === "" ? importsOf(file).map((edge) => edge.to) : [],
    );
    expect(opened.length).toBeGreaterThan(0);
    expect(opened.filter((path) => path.startsWith("engine/"))).toEqual([]);
  });
});

function doorOf(file: string): string {
  return file === "index" ? "runseal" : `runseal/${file}`;
}

describe("a changed surface is seen", () => {
  const folder = mkdtempSync(join(tmpdir(), "runseal-surface-"));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  const read = (text: string): Surface => {
    writeFileSync(
      join(folder, "room.ts"),
      "export class A {}\nexport type T = 1;\nexport const v = 1;\nexport interface I { readonly i: 1 }",
    );
    writeFileSync(join(folder, "door.ts"), text);
    return readSurface({ door: join(folder, "door.ts") }, OPTIONS);
  };

  test("values, types, and a class that leaves as a type only", () => {
    expect(read('export { A, v } from "./room.js";\nexport type { I, T } from "./room.js";')).toEqual({
      door: { values: ["A", "v"], types: ["I", "T"] },
    });
    expect(read('export type { A } from "./room.js";\nexport { v as w, type T } from "./room.js";')).toEqual({
      door: { values: ["w"], types: ["A", "T"] },
    });
  });

  test("as one line for each name that left, came, or became a type", () => {
    const before: Surface = { door: { values: ["A", "gone"], types: ["T"] } };
    const after: Surface = { door: { values: ["came"], types: ["A", "T"] } };
    expect(surfaceDiff(before, after)).toEqual(["- door: value A", "- door: value gone", "+ door: value came", "+ door: type A"]);
    expect(surfaceDiff(before, {})).toEqual(["- door: value A", "- door: value gone", "- door: type T"]);
  });
});
