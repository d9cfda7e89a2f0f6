import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, inject, test } from "vitest";
import { readSurface, surfaceDiff, type Surface } from "../house/surface.js";

const ROOT = new URL("../..", import.meta.url).pathname;
const consumer = inject("consumer");
const golden = JSON.parse(readFileSync(`${ROOT}test/golden/surface.json`, "utf8")) as Surface;
const doors = Object.keys(golden);
const values = Object.fromEntries(Object.entries(golden).map(([door, surface]) => [door, surface.values]));

interface Output {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(file: string, text: string): Output {
  writeFileSync(join(consumer, file), text);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: consumer, encoding: "utf8", timeout: 240_000 });
  return { status, stdout, stderr };
}

const PRINT = `const names = (door) => Object.keys(door).filter((name) => name !== "default" && name !== "module.exports" && name !== "__esModule").sort();`;

describe("a consumer of the packed package", () => {
  test("imports every door as ESM and finds the names of the surface", () => {
    const loads = doors.map((door) => `${JSON.stringify(door)}: names(await import(${JSON.stringify(door)}))`);
    const { stdout, stderr, status } = run("doors.mjs", `${PRINT}\nconsole.log(JSON.stringify({ ${loads.join(", ")} }));`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual(values);
  });

  test("requires every door as CommonJS and finds the same names", () => {
    const loads = doors.map((door) => `${JSON.stringify(door)}: names(require(${JSON.stringify(door)}))`);
    const { stdout, status } = run("doors.cjs", `${PRINT}\nconsole.log(JSON.stringify({ ${loads.join(", ")} }));`);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual(values);
  });

  test("recognises an error of the CJS copy with the ESM copy's isRunsealError, and the other way round", () => {
    const { stdout, stderr } = run(
      "copies.mjs",
      `import { createRequire } from "node:module";
       import * as esm from "runseal";
       const cjs = createRequire(import.meta.url)("runseal");
       const make = (copy) => new copy.RunsealError("store.closed", "the store is closed", { call: "commit" });
       console.log(JSON.stringify([
         esm.RunsealError === cjs.RunsealError,
         make(cjs) instanceof esm.RunsealError,
         esm.isRunsealError(make(cjs)), esm.isRunsealError(make(cjs), "store.closed"), esm.isRunsealError(make(cjs), "store.full"),
         cjs.isRunsealError(make(esm)), cjs.isRunsealError(make(esm), "store.closed"), cjs.isRunsealError(new Error("x")),
       ]));`,
    );
    expect(stderr).not.toContain("Error");
    // the first two say why the others matter: two classes, one error
    expect(JSON.parse(stdout)).toEqual([false, false, true, true, false, true, true, false]);
  });

  test.each(["smoke.mjs", "smoke.cjs"])("runs a small story from end to end: %s", (file) => {
    cpSync(`${ROOT}test/package/smoke`, consumer, { recursive: true });
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: consumer, encoding: "utf8", timeout: 240_000 });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/: ok\n$/);
  });

  test("type-checks as .mts and as .cts with every type of the surface, strictly and without skipping our declarations", () => {
    const imports = Object.entries(golden).map(([door, surface], index) => {
      const names = [...surface.values, ...surface.types.map((name) => `type ${name}`)].map(
        (name) => `  ${name} as ${name.replace("type ", "")}${index},`,
      );
      return `import {\n${names.join("\n")}\n} from ${JSON.stringify(door)};\nexport const seen${index} = [${surface.values.map((name) => `${name}${index}`).join(", ")}] as const;`;
    });
    const uses = `
      export function codeOf(error: unknown): number {
        if (isRunsealError0(error, "store.conflict")) return error.details.actualSeq;
        // @ts-expect-error "store.conflikt" is not a code
        return isRunsealError0(error, "store.conflikt") ? 1 : 0;
      }`;
    const text = `${imports.join("\n")}\n${uses}\n`;
    writeFileSync(join(consumer, "types.mts"), text);
    writeFileSync(join(consumer, "types.cts"), text);
    expect(typeErrors([join(consumer, "types.mts"), join(consumer, "types.cts")])).toEqual([]);
    // and it would have said so
    writeFileSync(
      join(consumer, "wrong.mts"),
      'import { notThere } from "runseal";\nimport "runseal/nowhere";\nexport const x = notThere;\n',
    );
    expect(typeErrors([join(consumer, "wrong.mts")])).toHaveLength(2);
  });

  test.each([".d.ts", ".d.cts"])("is told by its %s declarations exactly what the surface says", (ending) => {
    const dist = join(consumer, "node_modules/runseal/dist");
    const files = Object.fromEntries(
      doors.map((door) => [door, join(dist, `${door === "runseal" ? "index" : door.slice("runseal/".length)}${ending}`)]),
    );
    expect(Object.values(files).filter((path) => !existsSync(path))).toEqual([]);
    const told = readSurface(files, OPTIONS);
    // the bundler of declarations forgets `type` on the re-export of a class, so what a name is counts only for values
    const names = (surface: Surface): Surface =>
      Object.fromEntries(
        Object.entries(surface).map(([door, each]) => [door, { values: [], types: [...each.values, ...each.types] }]),
      );
    expect(surfaceDiff(names(golden), names(told))).toEqual([]);
    expect(doors.flatMap((door) => golden[door]?.values.filter((name) => !told[door]?.values.includes(name)) ?? [])).toEqual([]);
  });
});

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  preserveSymlinks: false,
  types: ["node"],
  typeRoots: [join(consumer, "node_modules/@types")],
};

function typeErrors(files: readonly string[]): readonly string[] {
  const program = ts.createProgram(files, OPTIONS);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const where = diagnostic.file?.fileName.slice(consumer.length) ?? "";
    return `${where} ${ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n")}`;
  });
}
