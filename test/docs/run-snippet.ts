import { spawnSync } from "node:child_process";
import { mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Snippet } from "./markdown.js";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Runs a block in a folder of its own, where `runseal` is this repository's source. */
export function runSnippet(snippet: Snippet, folders: string[]): { readonly status: number | null; readonly stderr: string } {
  const folder = mkdtempSync(join(tmpdir(), "runseal-snippet-"));
  folders.push(folder);
  symlinkSync(`${ROOT}node_modules`, join(folder, "node_modules"), "dir");
  const paths = {
    runseal: [`${ROOT}src/index.ts`],
    "runseal/sqlite": [`${ROOT}src/sqlite.ts`],
    "runseal/testing": [`${ROOT}src/testing.ts`],
  };
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { module: "NodeNext", target: "ES2022", paths } }),
  );
  writeFileSync(join(folder, "snippet.ts"), snippet.text);
  const { status, stderr } = spawnSync(process.execPath, ["--import", "tsx", "snippet.ts"], {
    cwd: folder,
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, stderr };
}
