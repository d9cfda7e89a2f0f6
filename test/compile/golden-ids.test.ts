import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { goldenIds } from "./golden-runbooks.js";

const FILE = new URL("../golden/ids.json", import.meta.url).pathname;
const CHILD = new URL("./print-golden-ids.ts", import.meta.url).pathname;

// a changed id voids every approval that was given: it is a new format, with a record under docs/decisions, never an update here
if (process.env["WRITE_GOLDEN_IDS"] === "1" && !existsSync(FILE)) {
  writeFileSync(FILE, `${JSON.stringify(goldenIds("declared"), null, 2)}\n`);
}
const golden: unknown = JSON.parse(readFileSync(FILE, "utf8"));

describe("decision 1.3 golden ids", () => {
  test("thirty runbooks compile to the ids that were written down", () => {
    expect(Object.keys(golden as object)).toHaveLength(30);
    expect(goldenIds("declared")).toEqual(golden);
  });

  test("no two of them are equal", () => {
    expect(new Set(Object.values(golden as object)).size).toBe(30);
  });

  test("X10 they do not depend on the order of registration, nor on the order of members", () => {
    expect(goldenIds("reversed")).toEqual(golden);
  });

  test.each(["declared", "reversed"])(
    "X.5-1 X1 another process compiles the same ids (%s)",
    (order) => {
      const printed = execFileSync(process.execPath, ["--import", "tsx", CHILD, order], { encoding: "utf8" });
      expect(JSON.parse(printed)).toEqual(golden);
    },
    120_000,
  );
});
