import { readdirSync } from "node:fs";
import { join } from "node:path";
import { sumOf } from "./frozen-folder.js";

/** SHA-256 by file, as in `sqlite/0001_stores.sql`. */
export type MigrationSums = Readonly<Record<string, string>>;

/** The recorded checksums of every migration that was released. */
export const RELEASED_FILE: string = join(import.meta.dirname, "migrations.v1.json");

const FOLDER = join(import.meta.dirname, "../../migrations");

/** The checksums of the migrations that are there now. */
export function migrationSums(): MigrationSums {
  const files = ["postgres", "sqlite"].flatMap((store) =>
    readdirSync(join(FOLDER, store))
      .filter((name) => name.endsWith(".sql"))
      .map((name) => `${store}/${name}`),
  );
  return Object.fromEntries(files.sort().map((file) => [file, sumOf(join(FOLDER, file))]));
}
