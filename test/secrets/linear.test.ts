import { describe, expect, test } from "vitest";
import { KnownSecrets } from "../../src/secrets/known-secrets.js";
import { SECRET_SHAPES } from "../../src/secrets/shapes.js";
import { isAddress } from "../../src/io/address.js";
import { secretNameOf } from "../../src/secrets/reference.js";

/** Texts that begin like a credential again and again, and never are one. */
const UNITS = [
  "eyJ-",
  "eyJa.",
  "eyJaaaaaaaaaaaa.",
  "eyJaaaaaaaaaaaa.eyJaaaaaaaaaa-",
  "sk-",
  "sk-a-",
  "a://",
  "aa://a:",
  "a.",
  "://a:a",
  "xoxa-",
  "ghp_",
  "sk_live_",
  "AIza-",
  "npm_",
  "AKIA",
  "-----BEGIN ",
  "Bearer ",
  "Basic a=",
  "a",
  "aaaa://aaaaaaaaaaaaaaaa:",
];

const LENGTH = 40_000;

/** Time of a search, in any unit: the least of a few, so that what else the machine does counts less. */
function cost(search: (text: string) => unknown, text: string): number {
  return Math.min(
    ...Array.from({ length: 5 }, () => {
      const start = process.hrtime.bigint();
      search(text);
      return Number(process.hrtime.bigint() - start);
    }),
  );
}

describe("patterns of secrets (reliability row 81)", () => {
  test.each(UNITS)(
    "a text of %j takes ten times as long when it is ten times as long, not a hundred times (reliability row 81)",
    (unit) => {
      const short = unit.repeat(Math.ceil(LENGTH / unit.length));
      const long = short.repeat(10);
      for (const { pattern } of SECRET_SHAPES) {
        const search = (text: string): unknown => pattern.test(text);
        // what takes no time to speak of has no ratio
        const enough = 2_000_000;
        const spent = cost(search, long);
        expect(spent < enough || spent / cost(search, short) < 40).toBe(true);
      }
    },
  );

  test("what is long is refused before it is looked at closely: references and addresses (reliability row 81)", () => {
    const long = "a".repeat(1_000_000);
    expect(secretNameOf(`secret:${long}`)).toBeUndefined();
    expect(isAddress("1:".repeat(500_000))).toBe(false);
    const known = new KnownSecrets();
    known.add("aaaaaaaaaaaaaaab");
    expect(known.isIn(long)).toBe(false);
    expect(known.isInBytes(new TextEncoder().encode("a".repeat(10_000)))).toBe(false);
  });
});
