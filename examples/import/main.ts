import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { openSqlite } from "runseal/sqlite";
import { isRunsealError, type Stores } from "runseal";
import { importDocument } from "./import-document.js";
import { Recorder } from "./recorder.js";
import { rehearse } from "./rehearse.js";
import { tableOf, type TableRow } from "./table.js";

/** Documents of the field that are kept with the project's tests. */
const FIXTURES = ["aws-ssm-automation", "dag-workflows"].map((name) =>
  fileURLToPath(new URL(`../../test/fixtures/${name}/`, import.meta.url)),
);

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Every document below a folder. */
function documentsBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:json|ya?ml|dax|xml|dag)$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Converts one file and, where that works, compiles it, runs it with handlers that only record, and verifies the run. */
async function rowOf(path: string, stores: Stores): Promise<TableRow> {
  const file = basename(path);
  const text = readText(path);
  if (text === undefined) return { file, format: "", verdict: "not readable", why: [path] };
  const imported = importDocument(text, file);
  const { format, refusals, notes } = imported.report;
  if (refusals.length > 0) {
    const why = refusals.map(
      ({ code, pointer, message }) => `${code} at ${pointer === "" ? "the document" : pointer}: ${message}`,
    );
    return { file, format, verdict: "refused", why };
  }
  const recorder = new Recorder();
  const why = notes.map((note) => note.message);
  const rehearsal = await rehearsed(imported, stores, { recorder, intent: `import ${relative(process.cwd(), path)}` });
  if (typeof rehearsal === "string") return { file, format, verdict: "converted, not compiled", why: [rehearsal, ...why] };
  if ("kind" in rehearsal) return { file, format, verdict: "converted, not compiled", why: [JSON.stringify(rehearsal), ...why] };
  const { steps, phases, writes, runbookId, status, isVerified } = rehearsal;
  return {
    file,
    format,
    verdict: "converted",
    why,
    run: { steps, phases: phases.length, writes: writes.length, runbookId, status, calls: recorder.calls.length, isVerified },
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** The rehearsal; a text where the catalog, the compiler or the stores refused. */
async function rehearsed(...given: Parameters<typeof rehearse>): Promise<Awaited<ReturnType<typeof rehearse>> | string> {
  try {
    return await rehearse(...given);
  } catch (error) {
    if (isRunsealError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
}

const given = process.argv.slice(2).flatMap((path) => (isFolder(path) ? documentsBelow(path) : [path]));
const paths = given.length > 0 ? given : FIXTURES.flatMap(documentsBelow);
const folder = mkdtempSync(join(tmpdir(), "runseal-import-"));
const stores = openSqlite(join(folder, "runs.db"));
try {
  const rows: TableRow[] = [];
  for (const path of paths) rows.push(await rowOf(path, stores));
  console.log(tableOf(rows));
  const isSound = rows.every(({ run }) => run === undefined || (run.isVerified && run.status === "completed"));
  process.exitCode = isSound ? 0 : 1;
} finally {
  await stores.close();
  rmSync(folder, { recursive: true, force: true });
}
