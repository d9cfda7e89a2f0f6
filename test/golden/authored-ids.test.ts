import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { goldenIds } from "./authored-runbooks.js";

const file = join(import.meta.dirname, "authored-ids.json");

describe("runbook ids (decision 1.3)", () => {
  test("are those of authored-ids.json, for thirty runbooks written with zod and the macro builder (UPDATE_GOLDEN=1 records a change)", async () => {
    const ids = await goldenIds();
    if (process.env["UPDATE_GOLDEN"] === "1" ) writeFileSync(file, `${JSON.stringify(ids, null, 2)}\n`);
    expect(ids).toEqual(JSON.parse(readFileSync(file, "utf8")));
    expect(ids).toHaveLength(30);
  });

  test("differ wherever what runs differs", async () => {
    const ids = (await goldenIds()).map(({ id }) => id);
    expect(new Set(ids).size).toBe(30);
    for (const id of ids) expect(id).toMatch(/^rb_[0-9a-f]{64}$/);
  });
});
