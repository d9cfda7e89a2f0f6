import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { describe, expect, test } from "vitest";

const src = join(import.meta.dirname, "../../src");

interface Pattern {
  readonly where: string;
  readonly source: string;
  readonly flags: string;
}

/** Every regular expression literal of the package. */
function patternsUnder(folder: string): readonly Pattern[] {
  const found: Pattern[] = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
    const path = join(entry.parentPath, entry.name);
    const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2022, true);
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        const end = node.text.lastIndexOf("/");
        const where = `${relative(src, path)} ${node.text}`;
        found.push({ where, source: node.text.slice(1, end), flags: node.text.slice(end + 1) });
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return found;
}

const patterns = patternsUnder(src);
const UNITS = ["a", "A", "0", ".", "-", "_", " ", "/", ":", "\"", "=", "a.", "a0", "--", "a-", "0.0", "a:", "=a", "://", "AKIA", "-----BEGIN ", "eyJa.", "password=", "%2e", "\\", "\n", "é"]; // prettier-ignore

/** The least of some runs, milliseconds. */
function timeOf(pattern: RegExp, text: string): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 3; run += 1) {
    pattern.lastIndex = 0;
    const begin = performance.now();
    if (pattern.global) text.replaceAll(pattern, "");
    else pattern.test(text);
    least = Math.min(least, performance.now() - begin);
  }
  return least;
}

describe("our own patterns (reliability row 81)", () => {
  test("are all looked at", () => {
    expect(patterns.length).toBeGreaterThan(60);
    expect(patterns.some(({ where }) => where.startsWith("secrets/"))).toBe(true);
  });

  test("take four times as long for a text of four times the length, not sixteen times, whatever it is made of", () => {
    const slow: string[] = [];
    for (const { where, source, flags } of patterns) {
      const pattern = new RegExp(source, flags);
      for (const unit of UNITS) {
        for (const tail of ["", "\u0000"]) {
          const large = unit.repeat(Math.ceil(16_000 / unit.length)) + tail;
          if (timeOf(pattern, large) < 3) continue;
          const small = unit.repeat(Math.ceil(4_000 / unit.length)) + tail;
          // the machine may have been busy with something else: what is quadratic is so each time
          const ratios = [1, 2, 3].map(() => timeOf(pattern, large) / timeOf(pattern, small));
          if (Math.min(...ratios) > 9) slow.push(`${where} on ${JSON.stringify(unit)}: ${ratios.join(", ")}`);
        }
      }
    }
    expect(slow).toEqual([]);
  });

  test("notice a pattern that is not linear", () => {
    const bad = /^(a+)+$/;
    const small = timeOf(bad, `${"a".repeat(18)}!`);
    expect(timeOf(bad, `${"a".repeat(22)}!`) / small).toBeGreaterThan(9);
  });
});
