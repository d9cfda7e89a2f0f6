import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { build } from "tsup";

/**
 * Runs a bench as the package is shipped: bundled, without the name that a loader of TypeScript gives to every closure each time it is made.
 * That costs a pure step half of its time and is no part of the package.
 *
 * `npx tsx bench/run.ts engine-memory`
 */
const [name = "engine-memory"] = process.argv.slice(2);
const outDir = mkdtempSync(join(import.meta.dirname, ".run-"));
try {
  await build({
    config: false,
    entry: { bench: join(import.meta.dirname, `${name}.ts`) },
    format: ["esm"],
    platform: "node",
    target: "node20",
    outDir,
    silent: true,
    skipNodeModulesBundle: true,
  });
  process.exitCode = spawnSync(process.execPath, [join(outDir, "bench.js")], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(outDir, { recursive: true });
}
