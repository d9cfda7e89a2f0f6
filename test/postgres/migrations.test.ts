import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { MIGRATIONS } from "../../src/postgres/migrations-generated.js";
import { migrationsSource } from "../sqlite/migrations-source.js";

const FOLDER = new URL("../../migrations/postgres/", import.meta.url);
const files = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".sql"))
  .sort();
const sources = files.map((name) => ({ name: name.replace(/\.sql$/, ""), sql: readFileSync(new URL(name, FOLDER), "utf8") }));

describe("migrations/postgres", () => {
  test("stand in the source as they stand in the folder; `npx vitest run test/postgres/migrations.test.ts -u` embeds them anew", async () => {
    await expect(migrationsSource(sources, "postgres")).toMatchFileSnapshot("../../src/postgres/migrations-generated.ts");
    expect(MIGRATIONS).toEqual(sources);
  });
});
