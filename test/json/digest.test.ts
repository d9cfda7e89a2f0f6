import { createHash, hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { canonicalize } from "../../src/json/canonical.js";
import { digestOf, digestOfText, flatDigestOf, isDigest, sha256Hex } from "../../src/json/digest.js";
import { chooseHash, hashHex } from "../../src/json/hash.js";
import { refusalOf } from "./values.js";

const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

describe("the hash seam", () => {
  const chosen = { hash: chooseHash({ hash, createHash }), createHash: chooseHash({ createHash }), portable: chooseHash({}) };

  it.each(Object.entries(chosen))("gives the published digests of FIPS 180 through %s", (_name, digest) => {
    expect(digest("sha256", "abc")).toBe(ABC);
    expect(digest("sha256", "")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(digest("sha1", "abc")).toBe("a9993e364706816aba3e25717850c26c9cd0d89d");
  });

  it("gives equal digests through all three for any text and any bytes", () => {
    fc.assert(
      fc.property(fc.constantFrom("sha256", "sha1"), fc.oneof(fc.string({ unit: "binary" }), fc.uint8Array()), (name, input) => {
        const expected = createHash(name).update(input).digest("hex");
        for (const digest of Object.values(chosen)) expect(digest(name, input)).toBe(expected);
        expect(hashHex(name, input)).toBe(expected);
      }),
    );
  });
});

describe("digests", () => {
  it("hash the tag, a newline and the canonical text (decision 1.2, row 65)", () => {
    const expected = createHash("sha256").update('runseal/runbook/1\n{"a":1,"b":[2]}').digest("hex");
    expect(digestOf("runseal/runbook/1", { b: [2], a: 1 })).toBe(expected);
    expect(digestOfText("runseal/runbook/1", '{"a":1,"b":[2]}')).toBe(expected);
  });

  it("are the same with the text handed back, whatever it was put together from (decision 1.2)", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }), { maxLength: 40 }), (parts) => {
        let text = "";
        for (const part of parts) text += part;
        expect(flatDigestOf("runseal/payload/1", text)).toEqual({ text, digest: digestOfText("runseal/payload/1", text) });
      }),
    );
    expect(refusalOf("run.invalid_option", () => flatDigestOf("A", "1")).details).toEqual({ option: "tag" });
  });

  it("differ by tag for one value, and by value for one tag", () => {
    const digests = [digestOf("a/1", "x"), digestOf("a/2", "x"), digestOf("a/1", "y"), digestOf("a/1", ["x"]), sha256Hex('"x"')];
    expect(new Set(digests).size).toBe(5);
  });

  it("have an unambiguous preimage: no canonical text holds a newline", () => {
    fc.assert(fc.property(fc.array(fc.string({ unit: "grapheme" })), (value) => !canonicalize(value).includes("\n")));
  });

  it.each(["", "A", "1a", "runseal runbook", "runseal\n", "é", "/a"])("refuse the tag %j", (tag) => {
    expect(refusalOf("run.invalid_option", () => digestOf(tag, 1)).details).toEqual({ option: "tag" });
  });

  it("refuse a value that is not canonical, as canonicalize does", () => {
    expect(refusalOf("value.not_canonical", () => digestOf("a", { x: 0.1 })).details.pointer).toBe("/x");
    expect(refusalOf("value.too_large", () => digestOf("a", "abcdef", { bytesMax: 3 })).details.bytesMax).toBe(3);
  });

  it("take text as UTF-8 and bytes as they are", () => {
    expect(sha256Hex("abc")).toBe(ABC);
    expect(sha256Hex(Uint8Array.of(97, 98, 99))).toBe(ABC);
    expect(sha256Hex("é")).toBe(sha256Hex(Uint8Array.of(0xc3, 0xa9)));
  });

  it("are told from other strings by their form", () => {
    expect(isDigest(ABC)).toBe(true);
    for (const other of [ABC.toUpperCase(), ABC.slice(1), `${ABC}0`, `${ABC}\n`, "", 1, null])
      expect(isDigest(other)).toBe(false);
  });
});
