import { beforeAll, describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { canonicalize, digestOf, verifyBundle } from "runseal";
import type { BundleVerdict } from "runseal";
import { digestWithLine, NO_LINES } from "../../src/history/bundle-format.js";
import { stories, type Exported } from "../instance/bundles.js";

const told: Exported[] = [];
beforeAll(async () => {
  for (const tell of Object.values(stories)) told.push(await tell());
});

type Line = Record<string, unknown>;

const linesOf = (bundle: string): readonly string[] => bundle.trimEnd().split("\n");
const bundleOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

/** A bundle with lines changed, and its last line made to agree: what somebody who knows the format would do. */
function resealed(bundle: string, change: (lines: Line[]) => readonly unknown[]): string {
  const changed = change(linesOf(bundle).map((line) => JSON.parse(line) as Line));
  const body = changed.slice(0, -1).map((line) => canonicalize(line));
  const digest = body.reduce(digestWithLine, NO_LINES);
  return bundleOf([...body, canonicalize({ ...(changed.at(-1) as Line), digest })]);
}

function withLine(bundle: string, type: string, change: (line: Line) => unknown): string {
  return resealed(bundle, (lines) => {
    const at = lines.findIndex((line) => line["type"] === type);
    return lines.map((line, index) => (index === at ? change(line) : line));
  });
}

const rulesOf = ({ problems }: BundleVerdict): readonly string[] => problems.map(({ rule }) => rule);
const bundleAt = (index: number): string => told[index]?.bundle ?? "";

describe("any damage to a bundle is noticed (reliability rows 58 to 62)", () => {
  test("a bit flipped anywhere", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat({ max: 7 }), (which, where, bit) => {
        const bytes = new TextEncoder().encode(bundleAt(which % told.length));
        const at = where % bytes.length;
        bytes.set([(bytes[at] ?? 0) ^ (1 << bit)], at);
        const verdict = verifyBundle(bytes);
        expect(verdict.isSound).toBe(false);
        expect(verdict.integrity).toMatchObject({ why: expect.any(String) as string });
      }),
      { numRuns: 400 },
    );
  }, 120_000);

  test("a line removed, doubled, moved, or taken from another bundle", () => {
    for (const { bundle } of told) {
      const lines = linesOf(bundle);
      for (let at = 0; at < lines.length; at += 1) {
        const line = lines[at] ?? "";
        const damages = [lines.toSpliced(at, 1), lines.toSpliced(at, 0, line), [...lines.toSpliced(at, 1), line]];
        for (const damaged of damages) {
          if (bundleOf(damaged) === bundle) continue;
          expect(verifyBundle(bundleOf(damaged)).isSound).toBe(false);
        }
      }
    }
    const other = linesOf(bundleAt(1));
    const lines = linesOf(bundleAt(0));
    for (let at = 0; at < Math.min(lines.length, other.length); at += 1) {
      expect(verifyBundle(bundleOf(lines.with(at, other[at] ?? ""))).isSound).toBe(false);
    }
  });

  test("cut off anywhere, or with something after its end", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (which, where) => {
        const bundle = bundleAt(which % told.length);
        expect(verifyBundle(bundle.slice(0, where % bundle.length)).integrity).not.toBe("ok");
      }),
    );
    for (const more of [" ", "\n", "{}\n", bundleAt(0)]) {
      expect(verifyBundle(bundleAt(0) + more)).toMatchObject({ isSound: false, problems: [{ rule: "bundle_malformed" }] });
    }
  });

  test("a whole one that somebody forged shows by a head kept elsewhere only (reliability row 63)", () => {
    for (const [index, { bundle, head }] of told.entries()) {
      expect(verifyBundle(bundle, { head }).isSound).toBe(true);
      const other = told[(index + 1) % told.length];
      if (other === undefined) throw new TypeError("one story only");
      const { rules, line } = { rules: rulesOf(verifyBundle(bundle, { head: other.head })), line: 1 };
      expect(rules).toContain("other_run");
      expect(verifyBundle(bundle, { head: { seq: head.seq, hash: other.head.hash } })).toMatchObject({
        isSound: false,
        problems: [{ rule: "log_rewritten", seq: head.seq }],
      });
      expect(rulesOf(verifyBundle(bundle, { head: { seq: head.seq + 1, hash: head.hash } }))).toEqual(["log_truncated"]);
      expect(line).toBe(1);
    }
  });
});

/** Where a problem is told: line numbers would change with every event that is added to a run. */
type Place = "first artifact" | "before end" | "end" | number | null;

function lineAt(lines: readonly string[], place: Place): number | null {
  if (place === "first artifact") return lines.findIndex((line) => line.includes('"type":"artifact"')) + 1;
  if (place === "before end") return lines.length - 1;
  return place === "end" ? lines.length : place;
}

describe("what somebody who knows the format can't hide", () => {
  test.each<[string, (bundle: string) => string, string, Place]>([
    ["another payload", (b) => withLine(b, "event", (line) => ({ ...line, payloadText: "{}" })), "approvals_damaged", null],
    [
      "another artifact",
      (b) => withLine(b, "artifact", (line) => ({ ...line, base64: "AAAA" })),
      "artifact_damaged",
      "first artifact",
    ],
    [
      "base64 that is none",
      (b) => withLine(b, "artifact", (line) => ({ ...line, base64: "A" })),
      "artifact_damaged",
      "first artifact",
    ],
    ["another runbook", (b) => withLine(b, "runbook", (line) => ({ ...line, contentText: "{}" })), "runbook_digest", 2],
    ["a runbook that is no text", (b) => withLine(b, "runbook", (line) => ({ ...line, contentText: "{" })), "runbook_digest", 2],
    [
      "a document that is no text",
      (b) => withLine(b, "runbook", (line) => ({ ...line, documentText: "[ ]" })),
      "runbook_digest",
      2,
    ],
    ["another document", (b) => withLine(b, "runbook", (line) => ({ ...line, documentText: "{}" })), "document_digest", 2],
    ["evidence that is no text", (b) => withLine(b, "runbook", (line) => ({ ...line, evidenceText: "" })), "bundle_line", 2],
    ["another scope", (b) => withLine(b, "bundle", (line) => ({ ...line, scope: "other" })), "other_runbook", 2],
    [
      "an end that came earlier",
      (b) => resealed(b, (lines) => lines.filter((line) => line["type"] !== "event" || line["kind"] !== "run.completed")),
      "bundle_head",
      1,
    ],
    [
      "a head with another hash",
      (b) => withLine(b, "bundle", (line) => ({ ...line, head: { ...(line["head"] as object), hash: "0".repeat(64) } })),
      "bundle_head",
      1,
    ],
    ["other counts", (b) => withLine(b, "end", (line) => ({ ...line, inbox: 7 })), "bundle_counts", "end"],
    [
      "an artifact that nobody named",
      (b) => resealed(b, (lines) => lines.toSpliced(-1, 0, { type: "artifact", id: "x", kind: "k", base64: "" })),
      "bundle_line",
      "before end",
    ],
    ["an artifact twice", (b) => resealed(b, (lines) => lines.toSpliced(-1, 0, lines.at(-2) ?? {})), "bundle_line", "before end"],
  ])("%s", (_, forge, rule, place) => {
    const forged = forge(bundleAt(0));
    const verdict = verifyBundle(forged);
    expect(verdict.isSound).toBe(false);
    expect(verdict.problems).toContainEqual(expect.objectContaining({ rule, line: lineAt(linesOf(forged), place) }));
  });

  test.each<[string, (lines: Line[]) => readonly Line[], number]>([
    ["another order", (lines) => lines.map((line) => (line["type"] === "inbox" ? { ...line, order: 9 } : line)), 2],
    ["a key twice", (lines) => lines.map((line) => (line["type"] === "inbox" ? { ...line, key: "k" } : line)), 1],
    [
      "a payload that is no text",
      (lines) => lines.map((line) => (line["type"] === "inbox" ? { ...line, payloadText: "" } : line)),
      2,
    ],
  ])("an inbox with %s", (_, change, count) => {
    const verdict = verifyBundle(resealed(bundleAt(1), change));
    expect(rulesOf(verdict)).toEqual(Array.from({ length: count }, () => "bundle_line"));
    expect(verdict.integrity).toMatchObject({ line: expect.any(Number) as number });
  });

  test("a chain that breaks, at the line where it does", () => {
    const forged = resealed(bundleAt(5), (lines) =>
      lines.map((line) => (line["seq"] === 3 ? { ...line, payloadText: "{}" } : line)),
    );
    expect(verifyBundle(forged)).toMatchObject({
      integrity: { line: 5, seq: 3, why: "event 3 has a payload that does not match its digest" },
      problems: [{ rule: "bundle_line" }],
    });
  });

  test("a runbook with the right digests that no compiler wrote", () => {
    for (const content of [
      {},
      { scope: "default", steps: [{ id: 1 }] },
      null,
      7,
      "x",
      { steps: { toString: 1 }, execution: null },
    ]) {
      const id = `rb_${digestOf("runseal/runbook/1", content)}`;
      const documentText = "null";
      const documentDigest = digestOf("runseal/document/1", { document: null, id });
      const forged = resealed(bundleAt(0), ([header, runbook, ...rest]) => [
        { ...header, runbookId: id },
        { ...runbook, id, contentText: canonicalize(content), documentText, documentDigest },
        ...rest.filter((line) => !String(line["stream"]).startsWith("runbook/")),
      ]);
      expect(verifyBundle(forged).isSound).toBe(false);
    }
  });
});

describe("what is no bundle", () => {
  const first = (change: (line: Line) => unknown): string => withLine(bundleAt(0), "bundle", change);

  test.each<[string, () => unknown, number, string]>([
    ["nothing", () => "", 1, "is missing: the bundle is cut off"],
    ["no bytes", () => new Uint8Array(), 1, "is missing: the bundle is cut off"],
    ["a number", () => 42, 1, "is neither text nor bytes"],
    ["undefined", () => undefined, 1, "is neither text nor bytes"],
    ["a view of another kind", () => new Uint16Array(4), 1, "is neither text nor bytes"],
    [
      "a Proxy that throws",
      () => new Proxy({}, { get: refuse, getPrototypeOf: refuse, has: refuse }),
      1,
      "is neither text nor bytes",
    ],
    ["garbage", () => "garbage\n", 1, "is not JSON"],
    ["no UTF-8", () => new Uint8Array([0xff, 10]), 1, "is not UTF-8"],
    ["a byte order mark", () => `\ufeff${bundleAt(0)}`, 1, "is not JSON"],
    ["line feeds of another kind", () => bundleAt(0).replaceAll("\n", "\r\n"), 1, "is not written canonically"],
    ["a list", () => "[]\n", 1, "is no object"],
    ["an object", () => "{}\n", 1, "has a type that is none"],
    ["an inherited type", () => '{"type":"toString"}\n', 1, "has a type that is none"],
    ["a type that is no text", () => '{"type":1}\n', 1, "has a type that is none"],
    ["the second line first", () => bundleOf(linesOf(bundleAt(0)).slice(1)), 1, 'is a line "runbook" out of its place'],
    ["an event first", () => bundleOf(linesOf(bundleAt(0)).slice(2)), 1, 'is a line "event" out of its place'],
    ["no runbook", () => bundleOf(linesOf(bundleAt(0)).toSpliced(1, 1)), 2, 'is a line "event" out of its place'],
    ["no runbook and no events", () => bundleOf(linesOf(bundleAt(0)).toSpliced(1, 99)), 2, "is missing: the bundle is cut off"],
    [
      "nothing but an end",
      () => bundleOf([linesOf(bundleAt(0)).at(0) ?? "", linesOf(bundleAt(0)).at(-1) ?? ""]),
      2,
      'is a line "end" out of its place',
    ],
    [
      "two headers",
      () => bundleOf([linesOf(bundleAt(0))[0] ?? "", ...linesOf(bundleAt(0))]),
      2,
      'is a line "bundle" out of its place',
    ],
    ["another format", () => first((line) => ({ ...line, format: 2, more: 1 })), 1, "is of a format that is not 1"],
    [
      "another runbook",
      () => first((line) => ({ ...line, runbookId: `rb_${"0".repeat(64)}` })),
      2,
      "is of another runbook than the first line says",
    ],
    ["a runbook that is none", () => first((line) => ({ ...line, runbookId: "x" })), 1, "names a runbook that is none"],
    ["a head without a hash", () => first((line) => ({ ...line, head: { seq: 1 } })), 1, "has a head that is none"],
    [
      "a head with more",
      () => first((line) => ({ ...line, head: { seq: 1, hash: "0".repeat(64), x: 1 } })),
      1,
      "has a head that is none",
    ],
    [
      "a head at nothing",
      () => first((line) => ({ ...line, head: { seq: 0, hash: "0".repeat(64) } })),
      1,
      "has a head that is none",
    ],
    [
      "a head that is text",
      () => first((line) => ({ ...line, head: { seq: "1", hash: "0".repeat(64) } })),
      1,
      "has a head that is none",
    ],
    [
      "a missing member",
      () => first(({ scope: _scope, ...line }) => line),
      1,
      'has a member that is wrong: "scope" is not string',
    ],
    ["a surplus member", () => first((line) => ({ ...line, ["__proto__x"]: 1 })), 1, 'has a member "__proto__x"'],
    ["a member __proto__", () => bundleAt(0).replace("{", '{"__proto__":{},'), 1, 'has a member "__proto__"'],
    ["a member twice", () => bundleAt(0).replace("{", '{"format":1,'), 1, "is not written canonically"],
    ["a fraction", () => bundleAt(0).replace('"format":1', '"format":1.5'), 1, "holds what the value model does not have"],
    ["events of another stream", () => bundleAt(0).replace('"stream":"run/', '"stream":"run/x'), 5, "belongs to stream"],
    ["a very deep line", () => `${"[".repeat(100_000)}${"]".repeat(100_000)}\n`, 1, ""],
    ["a very deep payload", () => withLine(bundleAt(0), "inbox", () => ({})).replace("}", ""), 1, ""],
  ])("is told so: %s", (_, make, line, why) => {
    const verdict = verifyBundle(make() as string);
    expect(verdict).toMatchObject({
      isSound: false,
      integrity: { line, seq: null, why: expect.stringContaining(why) as string },
      completeness: "partial",
      status: null,
      runId: null,
      head: null,
      problems: [{ line, rule: "bundle_malformed" }],
    });
  });

  test("never throws, whatever text or lines it is", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.jsonValue().map((value) => JSON.stringify(value)),
        ),
        (text) => {
          expect(verifyBundle(`${text}\n`).isSound).toBe(false);
        },
      ),
    );
    const values = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom("", "{}", "null", 0, -1, null));
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(), values, (which, at, member, value) => {
        const lines = linesOf(bundleAt(which % told.length)).map((line) => JSON.parse(line) as Line);
        const line = lines[at % lines.length] ?? {};
        const name = Object.keys(line)[member % Object.keys(line).length] ?? "";
        const before = JSON.stringify(line[name]);
        line[name] = value;
        if (JSON.stringify(value) === before) return;
        const text = lines.map((each) => `${JSON.stringify(each)}\n`).join("");
        expect(verifyBundle(text).isSound).toBe(false);
      }),
      { numRuns: 300 },
    );
  }, 120_000);

  test("a kept head that is none is the caller's mistake", () => {
    for (const head of [
      { seq: -1, hash: "0".repeat(64) },
      { seq: 1, hash: "x" },
      { seq: 1.5, hash: "0".repeat(64) },
    ]) {
      expect(() => verifyBundle(bundleAt(0), { head })).toThrow(expect.objectContaining({ code: "run.invalid_option" }) as Error);
    }
  });
});

function refuse(): never {
  throw new TypeError("hands off");
}
