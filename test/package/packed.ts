import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Folder of a consumer whose `node_modules` holds the packed package and what it depends on. */
    consumer: string;
    /** Paths of the files in the tarball. */
    packedFiles: readonly string[];
  }
}

const ROOT = new URL("../..", import.meta.url).pathname;
const LINKED = ["zod", "@noble/hashes", "libsql", "@types/node"];

/** Packs the package once, as it would be published, and lays it out for a consumer; needs no network. */
export function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "runseal-packed-"));
  try {
    const tarball = pack(folder);
    project.provide("packedFiles", filesOf(tarball));
    project.provide("consumer", layOut(folder, tarball));
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
  return () => {
    rmSync(folder, { recursive: true });
  };
}

/** Packing builds first (`prepack`), unless `RUNSEAL_BUILT=1` says that `dist` is fresh. */
function pack(folder: string): string {
  const scripts = process.env["RUNSEAL_BUILT"] === "1" ? ["--ignore-scripts"] : [];
  const stdout = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder, ...scripts], {
    cwd: ROOT,
    encoding: "utf8",
  });
  return join(folder, stdout.trim().split("\n").at(-1) ?? "");
}

function filesOf(tarball: string): readonly string[] {
  const listing = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" });
  return listing
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/^package\//, ""))
    .sort();
}

function layOut(folder: string, tarball: string): string {
  const consumer = join(folder, "consumer");
  const modules = join(consumer, "node_modules");
  mkdirSync(join(modules, "runseal"), { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", join(modules, "runseal"), "--strip-components=1"]);
  for (const name of LINKED) {
    mkdirSync(join(modules, name, ".."), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), join(modules, name), "dir");
  }
  writeFileSync(join(consumer, "package.json"), JSON.stringify({ name: "consumer", private: true }));
  return consumer;
}
