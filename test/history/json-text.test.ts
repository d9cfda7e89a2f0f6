import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { canonicalize } from "../../src/json/canonical.js";
import { readCanonical } from "../../src/history/read-canonical.js";

// after the cases of JSONTestSuite (github.com/nst/JSONTestSuite): what parsers disagree about
const REFUSED: readonly (readonly [string, string])[] = [
  ["a member twice", '{"a":1,"a":2}'],
  ["a member twice with equal values", '{"a":1,"a":1}'],
  ["a member twice, once escaped", '{"a":1,"\\u0061":1}'],
  ["__proto__ twice", '{"__proto__":1,"__proto__":2}'],
  ["an integer that a double can't hold", "[9007199254740993]"],
  ["a number beyond all doubles", "[1e400]"],
  ["an exponent that could be left out", "[1E+2]"],
  ["minus zero", "[-0]"],
  ["a fraction", "[0.30000000000000004]"],
  ["a leading zero", "[01]"],
  ["a leading plus", "[+1]"],
  ["a bare point", "[1.]"],
  ["a hexadecimal number", "[0x1]"],
  ["NaN", "[NaN]"],
  ["Infinity", "[-Infinity]"],
  ["a trailing comma", '{"a":1,}'],
  ["a leading comma", "[,1]"],
  ["a comment", "[1]/**/"],
  ["single quotes", "['a']"],
  ["a name without quotes", "{a:1}"],
  ["a lone surrogate, escaped", '["\\ud800"]'],
  ["halves the wrong way round", '["\\udc00\\ud800"]'],
  ["a control character in a text", '["\u0000"]'],
  ["an escape that could be left out", '["\\u0041"]'],
  ["an escaped slash", '["\\/"]'],
  ["an unknown escape", '["\\x41"]'],
  ["a byte order mark", '\ufeff{"a":1}'],
  ["a form feed between values", "[\f1]"],
  ["a space", '{"a": 1}'],
  ["a line at the end", "{}\n"],
  ["names out of order", '{"b":1,"a":2}'],
  ["two values", "{}{}"],
  ["nothing", ""],
  ["an unclosed list", "[".repeat(100_000)],
  ["100,000 levels", "[".repeat(100_000) + "]".repeat(100_000)],
];

describe("JSON text from outside, as bundles and stored rows have it (reliability rows 78, 79)", () => {
  test.each(REFUSED)("is refused with %s", (_title, text) => {
    expect(["not_canonical", "unreadable"]).toContain(readCanonical(text).kind);
    expect(readCanonical(new TextEncoder().encode(text)).kind).not.toBe("read");
  });

  test("keeps __proto__ and constructor as members like any others, and pollutes nothing", () => {
    const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    const reading = readCanonical(text);
    expect(reading.kind === "read" && canonicalize(reading.value)).toBe(text);
    expect(reading.kind === "read" && Object.keys(reading.value ?? {})).toEqual(["__proto__", "constructor"]);
    expect(({} as { readonly polluted?: boolean }).polluted).toBeUndefined();
  });

  test.each([
    ["bytes that are no UTF-8", [0x5b, 0x22, 0xff, 0x22, 0x5d]],
    ["an overlong encoding", [0x5b, 0x22, 0xc0, 0xaf, 0x22, 0x5d]],
    ["an encoded surrogate", [0x5b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x5d]],
    ["a byte order mark", [0xef, 0xbb, 0xbf, 0x5b, 0x5d]],
    ["UTF-16", [0xff, 0xfe, 0x5b, 0x00, 0x5d, 0x00]],
  ])("is refused as %s", (_title, bytes) => {
    expect(readCanonical(new Uint8Array(bytes)).kind).not.toBe("read");
  });

  test("of any shape is read only if writing the value gives that very text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.string({ unit: "binary" })), (text) => {
        const reading = readCanonical(text);
        if (reading.kind === "read") expect(canonicalize(reading.value)).toBe(text);
      }),
    );
  });
});
