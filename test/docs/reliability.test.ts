import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/reliability.md"), "utf8");

/** The rows of the table under a heading: number and cells. */
function rowsUnder(heading: string): readonly { readonly number: number; readonly cells: readonly string[] }[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
  return section.split("\n").flatMap((line) => {
    const [, number = "", ...cells] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    return /^\d+$/.test(number) ? [{ number: Number(number), cells: cells.slice(0, -1) }] : [];
  });
}

/** The tests that a cell names: the file, and a part of a title in it. */
function namedIn(cell: string): readonly { readonly file: string; readonly title: string }[] {
  return [...cell.matchAll(/`([^`]+\.ts)` “([^”]+)”/g)].map((match) => ({ file: match[1] ?? "", title: match[2] ?? "" }));
}

/** The lines of a file that can hold a title of a test, or a sentence of a contract. */
function titlesOf(file: string): string {
  if (!existsSync(join(root, file))) return "";
  const lines = readFileSync(join(root, file), "utf8").split("\n");
  return lines.filter((line) => /\b(describe|test|it)\b|\]\)\(|^\s*\[?["'`]/.test(line)).join("\n");
}

const faults = rowsUnder("Faults");
const scenarios = rowsUnder("Scenarios");
const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("docs/reliability.md", () => {
  test("has a row for every fault, and every scenario of others, in order", () => {
    expect(faults.map((row) => row.number)).toEqual(range(1, 95));
    expect(scenarios.map((row) => row.number)).toEqual(range(1, 110));
  });

  test("says of each row where it is shown, or why not", () => {
    const open = faults.filter(
      ({ cells }) => namedIn(cells.at(-1) ?? "").length === 0 && !(cells[1] ?? "").startsWith("not shown"),
    );
    expect(open).toEqual([]);
    const last = scenarios.map(({ number, cells }) => ({ number, cell: cells.at(-1) ?? "" }));
    expect(last.filter(({ cell }) => !/^(different|later): \S/.test(cell) && namedIn(cell).length === 0)).toEqual([]);
  });

  test("names tests that are there", () => {
    const named = [...faults, ...scenarios].flatMap(({ number, cells }) =>
      cells.flatMap(namedIn).map((one) => ({ number, ...one })),
    );
    expect(named.length).toBeGreaterThan(150);
    expect(named.filter(({ file, title }) => !titlesOf(file).includes(title))).toEqual([]);
  });
});
