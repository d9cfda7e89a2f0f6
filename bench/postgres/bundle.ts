import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "tsup";

const PROGRAMS = ["bare", "runseal", "pickup", "longrun", "recovery"];

/** The programs of the bench as the package is shipped: bundled, in a folder from which the packages of the root are found. */
export interface Bundle {
  /** Path of a program. */
  script(name: string): string;
  /** Whether the PostgreSQL door was there to be bundled. */
  readonly hasPostgres: boolean;
  remove(): void;
}

/** Bundles the programs. Doors share their chunks, as in the package. */
export async function bundle(): Promise<Bundle> {
  const root = join(import.meta.dirname, "..", "..");
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const outDir = mkdtempSync(join(cache, "runseal-bench-"));
  const door = join(root, "src", "postgres.ts");
  const hasPostgres = existsSync(door);
  const programs = PROGRAMS.map((name) => [name, join(import.meta.dirname, "programs", `${name}.ts`)] as const);
  await build({
    config: false,
    entry: { ...Object.fromEntries(programs), ...(hasPostgres && { postgres: door }) },
    format: ["esm"],
    platform: "node",
    target: "node20",
    outDir,
    silent: true,
    splitting: true,
    skipNodeModulesBundle: true,
  });
  return {
    script: (name) => join(outDir, `${name}.js`),
    hasPostgres,
    remove: () => {
      rmSync(outDir, { recursive: true, force: true });
    },
  };
}
