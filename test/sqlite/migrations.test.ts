import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { EVENTS } from "../../src/model/event.js";
import { MIGRATIONS } from "../../src/sqlite/migrations-generated.js";
import { migrationsSource } from "./migrations-source.js";

const FOLDER = new URL("../../migrations/sqlite/", import.meta.url);
const files = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".sql"))
  .sort();
const sources = files.map((name) => ({ name: name.replace(/\.sql$/, ""), sql: readFileSync(new URL(name, FOLDER), "utf8") }));

describe("migrations/sqlite", () => {
  test("are numbered without gaps and named", () => {
    expect(files.length).toBeGreaterThan(0);
    for (const [index, name] of files.entries()) {
      expect(name).toMatch(new RegExp(`^${String(index + 1).padStart(4, "0")}_[a-z][a-z0-9_]*\\.sql$`));
    }
  });

  test("stand in the source as they stand in the folder; `npx vitest run test/sqlite/migrations.test.ts -u` embeds them anew", async () => {
    await expect(migrationsSource(sources)).toMatchFileSnapshot("../../src/sqlite/migrations-generated.ts");
    expect(MIGRATIONS).toEqual(sources);
  });

  test("the CHECK on kinds allows exactly the kinds of the event table (A-141, X5, decision 4.1)", () => {
    const check = /instr\('\n([^']*)\n', char\(10\)/.exec(sources.map(({ sql }) => sql).join("\n"))?.[1];
    expect(check?.split("\n")).toEqual(Object.keys(EVENTS));
  });
});
