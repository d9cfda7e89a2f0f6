import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

interface Row {
  readonly id: string;
  readonly state: string;
  readonly where: string;
}

const rows: readonly Row[] = readFileSync(join(root, "docs/requirements.md"), "utf8")
  .split("\n")
  .flatMap((line) => {
    const match = /^\| ((?:[A-E]-\d{3})|(?:X\d{1,2})|(?:X\.5-\d{1,2}))\s*\| (\w+)\s*\| (.*?)\s*\|$/.exec(line);
    return match === null ? [] : [{ id: match[1] ?? "", state: match[2] ?? "", where: match[3] ?? "" }];
  });

/** The ids that a text names, ranges such as `A-120..A-123` and `X10 to X13` spelled out. */
function idsIn(text: string): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const match of text.matchAll(/\b([A-E])-(\d{3})(?:(?:\.\.| to )(?:[A-E]-)?(\d{3}))?\b/g)) {
    const first = Number(match[2]);
    for (let number = first; number <= Number(match[3] ?? first); number += 1)
      ids.add(`${match[1] ?? ""}-${String(number).padStart(3, "0")}`);
  }
  for (const match of text.matchAll(/(?<![\w.-])X(\d{1,2})(?:(?:\.\.| to )X?(\d{1,2}))?(?![\w-])/g)) {
    for (let number = Number(match[1]); number <= Number(match[2] ?? match[1]); number += 1) ids.add(`X${number}`);
  }
  for (const match of text.matchAll(/\bX\.5-(\d{1,2})\b/g)) ids.add(`X.5-${match[1] ?? ""}`);
  return ids;
}

/** The titles of a file of tests, or the sentences of a contract that is kept as data. */
function titlesOf(file: string): string {
  const lines = readFileSync(join(root, file), "utf8").split("\n");
  return lines.filter((line) => /\b(describe|test|it)\b|\]\)\(|^\s*["'`]/.test(line)).join("\n");
}

describe("docs/requirements.md", () => {
  test("names every requirement once: 88 of A, 39 of B, 22 of C, 50 of D, 112 of E, 20 defects, 30 of X.5", () => {
    const counts = new Map<string, number>();
    for (const { id } of rows) counts.set(id[0] ?? "", (counts.get(id[0] ?? "") ?? 0) + 1);
    expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
    expect(Object.fromEntries(counts)).toEqual({ A: 88, B: 39, C: 22, D: 50, E: 112, X: 50 });
  });

  test("leaves none open: tested, later with the work that brings it, or not with the reason", () => {
    const wrong = rows.filter(({ state, where }) => !["tested", "later", "not"].includes(state) || where === "");
    expect(wrong).toEqual([]);
  });

  test("says tested only where a title of the named file carries the id", () => {
    const untrue = rows
      .filter((row) => row.state === "tested")
      .flatMap(({ id, where }) => {
        const files = [...where.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "");
        const shown = files.filter((file) => existsSync(join(root, file)) && idsIn(titlesOf(file)).has(id));
        return files.length > 0 && shown.length === files.length ? [] : [`${id}: ${where}`];
      });
    expect(untrue).toEqual([]);
  });
});
