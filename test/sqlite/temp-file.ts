import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A path in a new directory; the directory goes when the test ends. */
export function tempFile(name = "stores.db"): string {
  const directory = mkdtempSync(join(tmpdir(), "runseal-sqlite-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, name);
}
