import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { RELEASED_FILE, migrationSums } from "./migration-sums.js";
import type { MigrationSums } from "./migration-sums.js";

const released = JSON.parse(readFileSync(RELEASED_FILE, "utf8")) as MigrationSums;

test("a released migration never changes again: what it got wrong, a new file puts right (decision 4.8)", () => {
  const now = migrationSums();
  const why = "a released migration was changed or removed: undo that, and write a new numbered file (docs/compatibility.md)";
  expect(Object.fromEntries(Object.keys(released).map((file) => [file, now[file]])), why).toEqual(released);
});

test("those of v1 are recorded for both stores, by the SHA-256 of their bytes", () => {
  expect(Object.keys(released)).toEqual(
    expect.arrayContaining(["postgres/0001_stores.sql", "postgres/0002_views.sql", "postgres/0003_retention.sql"]),
  );
  expect(Object.keys(released).filter((file) => file.startsWith("sqlite/")).length).toBeGreaterThanOrEqual(3);
  for (const sum of Object.values(released)) expect(sum).toMatch(/^[0-9a-f]{64}$/);
});
