import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const SUMS = "SHA256SUMS";

/** The folder that today's version is recorded into; frozen as soon as it has its checksums. */
export const currentFolder: string = join(import.meta.dirname, "v1");

/** Writes a file of the folder, which must not be there yet. */
export function keepFile(name: string, text: string): void {
  const path = join(currentFolder, name);
  if (isFrozen()) throw new TypeError(`${currentFolder} is frozen: record a new format into a folder beside it`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { flag: "wx" });
}

/** Whether the folder has its checksums. */
export function isFrozen(): boolean {
  return existsSync(join(currentFolder, SUMS));
}

/** Freezes the folder: writes the checksum of each of its files. */
export function freeze(): void {
  keepFile(SUMS, sumsOf(currentFolder));
}

/** What `sha256sum` says of the files of a folder: sorted by name, the list itself left out. */
export function sumsOf(folder: string): string {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name).slice(folder.length + 1)] : []));
  const lines = paths.filter((path) => path !== SUMS).map((path) => `${sumOf(join(folder, path))}  ${path}\n`);
  return lines.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join("");
}

/** The SHA-256 of a file, hexadecimal. */
export function sumOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** The checksums that a folder was frozen with. */
export function frozenSums(folder: string): string {
  return readFileSync(join(folder, SUMS), "utf8");
}
