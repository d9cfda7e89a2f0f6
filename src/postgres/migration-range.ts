import { RunsealError } from "../errors/error.js";
import { KNOWN_MIGRATIONS } from "./migration.js";

/** Versions of a schema: where it is, and where it should be. */
export interface MigrationRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Checks a range of versions.
 *
 * @param range - `to` absent: the newest that this package knows
 * @throws {@link RunsealError} `instance.misconfigured` when a version is no integer, or not between 0 and the newest, or `to` is before `from`
 */
export function migrationRange(range: { readonly from: number; readonly to: number | undefined }): MigrationRange {
  const newest = KNOWN_MIGRATIONS.length;
  const { from, to = newest } = range;
  checkVersion("from", from, 0, newest);
  checkVersion("to", to, from, newest);
  return { from, to };
}

function checkVersion(option: string, version: number, min: number, max: number): void {
  if (Number.isInteger(version) && version >= min && version <= max) return;
  throw new RunsealError(
    "instance.misconfigured",
    `"${option}" is ${String(version)}: a version from ${min} to ${max} is wanted`,
    {
      option,
    },
  );
}
