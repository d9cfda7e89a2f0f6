import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import * as fc from "fast-check";
import { canonicalize, verifyBundle } from "runseal";
import { digestWithLine, NO_LINES } from "../../src/history/bundle-format.js";
import { stories, type Exported } from "../instance/bundles.js";
import { verify } from "../../examples/verify-bundle/verify.js";

const FOLDER = new URL("../../examples/verify-bundle/", import.meta.url);
const told: Exported[] = [];
beforeAll(async () => {
  for (const tell of Object.values(stories)) told.push(await tell());
});

type Line = Record<string, unknown>;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const bundleAt = (index: number): string => told[index % told.length]?.bundle ?? "";
const linesOf = (bundle: string): readonly string[] => bundle.trimEnd().split("\n");
const bundleOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

/** Both verdicts on the same bytes. */
function both(bundle: string | Uint8Array): readonly [ours: boolean, theirs: boolean] {
  const bytes = typeof bundle === "string" ? bytesOf(bundle) : bundle;
  return [verifyBundle(bytes).isSound, verify(bytes).isSound];
}

function resealed(lines: readonly Line[]): string {
  const body = lines.slice(0, -1).map((line) => canonicalize(line));
  return bundleOf([...body, canonicalize({ ...lines.at(-1), digest: body.reduce(digestWithLine, NO_LINES) })]);
}

describe("the second verifier", () => {
  test("shares no code with the package: it knows node:crypto, node:fs and its own files", () => {
    const files = readdirSync(FOLDER).filter((file) => file !== "demo.ts");
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) {
      const imports = [...readFileSync(new URL(file, FOLDER), "utf8").matchAll(/from "([^"]+)"/g)].map(([, name]) => name);
      for (const name of imports) expect(name).toMatch(/^(node:(crypto|fs)|\.\/[a-z]+\.js)$/);
    }
  });

  test("finds every story sound, with the status that the package finds, and held to the head that was kept", () => {
    for (const { bundle, head, status } of told) {
      expect(verify(bytesOf(bundle), head)).toEqual({ isSound: true, status, problems: [] });
      expect(verifyBundle(bundle)).toMatchObject({ isSound: true, status });
      for (const kept of [
        { seq: head.seq, hash: "0".repeat(64) },
        { seq: head.seq + 1, hash: head.hash },
      ]) {
        expect([verify(bytesOf(bundle), kept).isSound, verifyBundle(bundle, { head: kept }).isSound]).toEqual([false, false]);
      }
    }
  });

  test("agrees on bundles with a bit flipped, cut off, or with lines removed, doubled or moved (reliability rows 58 to 62)", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat({ max: 7 }), (which, where, bit) => {
        const bytes = bytesOf(bundleAt(which));
        const at = where % bytes.length;
        bytes.set([(bytes[at] ?? 0) ^ (1 << bit)], at);
        expect(both(bytes)).toEqual([false, false]);
        expect(both(bytes.slice(0, at))).toEqual([false, false]);
      }),
      { numRuns: 200 },
    );
    for (const { bundle } of told) {
      const lines = linesOf(bundle);
      for (const [at, line] of lines.entries()) {
        for (const damaged of [lines.toSpliced(at, 1), lines.toSpliced(at, 0, line), [...lines.toSpliced(at, 1), line]]) {
          if (bundleOf(damaged) !== bundle) expect(both(bundleOf(damaged))).toEqual([false, false]);
        }
      }
    }
  }, 120_000);

  test("agrees on bundles with any member changed, with lines left out, and their digest made anew", () => {
    const values = fc.oneof(fc.maxSafeInteger(), fc.constantFrom("", "{}", "null", "AAAA", 0, 1, -1, true, false, null, "x"));
    const change = fc.record({ which: fc.nat(), at: fc.nat(), member: fc.nat(), value: values, isLeftOut: fc.boolean() });
    let sound = 0;
    fc.assert(
      fc.property(change, ({ which, at, member, value, isLeftOut }) => {
        const lines = linesOf(bundleAt(which)).map((line) => JSON.parse(line) as Line);
        const place = at % lines.length;
        const line = lines[place] ?? {};
        const name = Object.keys(line)[member % Object.keys(line).length] ?? "";
        if (isLeftOut) lines.splice(place, 1);
        else line[name] = value;
        const [ours, theirs] = both(resealed(lines));
        if (ours) sound += 1;
        expect(theirs, `${name} of line ${place + 1} of story ${which % told.length} is ${String(value)}`).toBe(ours);
      }),
      { numRuns: 4000, seed: 11 },
    );
    // some members are in no digest: when an event was committed, say
    expect(sound).toBeGreaterThan(0);
  }, 120_000);

  test("agrees on garbage", () => {
    const garbage = [
      "",
      "\n",
      "{}\n",
      "[]\n",
      "\ufeff{}\n",
      `${"[".repeat(99_999)}\n`,
      '{"type":"bundle"}\n',
      bundleAt(0).repeat(2),
    ];
    for (const text of garbage) expect(both(text)).toEqual([false, false]);
    expect(both(new Uint8Array([0xff, 10]))).toEqual([false, false]);
  });

  test("runs as a program of its own: 0 for a sound bundle, 1 for another, 2 without one", () => {
    const folder = mkdtempSync(join(tmpdir(), "runseal-bundle-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "run.jsonl");
    const { bundle, head } = told[0] ?? { bundle: "", head: { seq: 0, hash: "" } };
    const program = new URL("main.ts", FOLDER).pathname;
    const run = (...args: readonly string[]): { readonly status: number | null; readonly stdout: string } =>
      spawnSync(process.execPath, ["--import", "tsx", program, ...args], { encoding: "utf8" });
    writeFileSync(file, bundle);
    expect(run(file, `${head.seq}:${head.hash}`)).toMatchObject({ status: 0, stdout: `${file}: sound, the run is completed\n` });
    expect(run(file, `${head.seq}:${"0".repeat(64)}`)).toMatchObject({ status: 1 });
    expect(run()).toMatchObject({ status: 2 });
  }, 120_000);
});
