import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import fc from "fast-check";
import reference from "canonicalize";
import { canonicalizeJcs } from "../../src/json/canonical-jcs.js";
import { nested, refusalOf } from "./values.js";

const FIXTURES = new URL("../fixtures/jcs-rfc8785/", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, FIXTURES), "utf8");

describe("the published vectors of RFC 8785", () => {
  it.each(readdirSync(new URL("input", FIXTURES)))("come out as published: %s", (file) => {
    const text = canonicalizeJcs(JSON.parse(read(`input/${file}`)));
    expect(text).toBe(read(`output/${file}`).trimEnd());
    const published = read(`outhex/${file.replace(".json", ".txt")}`)
      .trim()
      .split(/\s+/)
      .join("");
    expect(Buffer.from(text, "utf8").toString("hex")).toBe(published);
  });

  it.each(readdirSync(new URL("variants-erdtman/input", FIXTURES)))("come out as the variants say: %s", (file) => {
    const text = canonicalizeJcs(JSON.parse(read(`variants-erdtman/input/${file}`)));
    expect(text).toBe(read(`variants-erdtman/output/${file}`).trimEnd());
  });

  it("hold for the first 1,000 numbers of the published sequence (row 79)", () => {
    const lines = read("numbers/es6-first-1000.txt").trimEnd().split("\n");
    expect(lines).toHaveLength(1000);
    for (const line of lines) {
      const [hex = "", expected] = line.split(",");
      expect(canonicalizeJcs(doubleOf(BigInt(`0x${hex}`)))).toBe(expected);
    }
  });

  it("hold for its first 100,000 numbers, by the published digests of its prefixes (row 79)", () => {
    const firstLines = read("numbers/es6-first-1000.txt").split("\n");
    const digest = createHash("sha256");
    const prefixes: Record<number, string> = {};
    let count = 0;
    for (const bits of publishedDoubles(firstLines.slice(0, 168).map((line) => BigInt(`0x${line.split(",")[0] ?? ""}`)))) {
      digest.update(`${bits.toString(16)},${canonicalizeJcs(doubleOf(bits))}\n`);
      count += 1;
      if (count === 1000 || count === 10_000 || count === 100_000) prefixes[count] = digest.copy().digest("hex");
      if (count === 100_000) break;
    }
    expect(prefixes).toEqual({
      1000: "be18b62b6f69cdab33a7e0dae0d9cfa869fda80ddc712221570f9f40a5878687",
      10_000: "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892",
      100_000: "22776e6d4b49fa294a0d0f349268e5c28808fe7e0cb2bcbe28f63894e494d4c7",
    });
  });
});

/** The published sequence: edge cases, 2,000 neighbours of the smallest normal number, then doubles cut from a chain of SHA-256. */
function* publishedDoubles(edgeCases: readonly bigint[]): Generator<bigint> {
  yield* edgeCases;
  for (let step = 0n; step < 2000n; step += 1n) yield 0x0010000000000000n + step;
  for (let block = Buffer.alloc(32); ;) {
    block = createHash("sha256").update(block).digest();
    for (let at = 0; at < block.length; at += 8) {
      const bits = block.readBigUInt64LE(at);
      const double = doubleOf(bits);
      if (Number.isFinite(double) && double !== 0) yield bits;
    }
  }
}

const doubles = new Float64Array(1);
const doubleBits = new BigUint64Array(doubles.buffer);

function doubleOf(bits: bigint): number {
  doubleBits[0] = bits;
  return doubles[0] ?? Number.NaN;
}

/** Every row of the correctness table: what the reference writes, or null where it throws. */
const ROWS: readonly (readonly [title: string, value: () => unknown, text: string | null])[] = [
  [
    "utf-16 order",
    () => ({ "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\u0080": 6, ö: 7 }),
    '{"\\r":2,"1":4,"\u0080":6,"ö":7,"\u20ac":1,"😀":5,"\ufb33":3}',
  ],
  ["names like integers", () => ({ 9: 3, 10: 2, b: 1 }), '{"10":2,"9":3,"b":1}'],
  ["-0", () => [-0], "[0]"],
  ["1e21", () => [1e21], "[1e+21]"],
  ["1e-7", () => [1e-7], "[1e-7]"],
  ["rounded doubles", () => [333333333.33333329, 4.5, 2e-3, 1e30, 5e-324], "[333333333.3333333,4.5,0.002,1e+30,5e-324]"],
  ["control characters", () => ['\u0000\b\t\n\f\r"\\ /'], '["\\u0000\\b\\t\\n\\f\\r\\"\\\\ /"]'],
  ["a lone surrogate", () => ["\ud800"], null],
  ["a lone surrogate in a name", () => ({ "\ud800": 1 }), null],
  ["NaN", () => [Number.NaN], null],
  ["Infinity", () => [Number.POSITIVE_INFINITY], null],
  ["a bigint", () => [1n], null],
  ["an undefined member", () => ({ a: undefined, b: 1 }), '{"b":1}'],
  ["an undefined element", () => [undefined], "[null]"],
  ["a function member", () => ({ f: () => 1 }), "{}"],
  ["a function element", () => [() => 1, Symbol("s")], "[null,null]"],
  ["a symbol member", () => ({ s: Symbol("s"), [Symbol("t")]: 1 }), "{}"],
  ["a Date", () => ({ d: new Date(0) }), '{"d":"1970-01-01T00:00:00.000Z"}'],
  ["a Date at the root", () => new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ["an invalid Date", () => [new Date(Number.NaN)], "[null]"],
  ["toJSON", () => ({ t: { toJSON: () => ({ b: 1, a: 2 }) } }), '{"t":{"a":2,"b":1}}'],
  [
    "toJSON giving undefined, in an object and an array",
    () => ({ t: { toJSON: () => undefined }, u: [{ toJSON: () => undefined }] }),
    '{"u":[null]}',
  ],
  ["a chain of toJSON", () => ({ toJSON: () => ({ toJSON: () => [1] }) }), "[1]"],
  ["a toJSON that is no function", () => ({ toJSON: 1 }), '{"toJSON":1}'],
  ["an own __proto__", (): unknown => JSON.parse('{"a":1,"__proto__":{"z":1}}'), '{"__proto__":{"z":1},"a":1}'],
  ["an object without prototype", (): unknown => Object.assign(Object.create(null), { b: 1, a: 2 }), '{"a":2,"b":1}'],
  ["a Map", () => new Map([[1, 2]]), "{}"],
  ["a sparse array", () => [, 1], "[null,1]"],
  ["boxed primitives", () => [new Number(1), new String("x"), new Boolean(false)], '[1,"x",false]'],
  ["a getter", () => ({ get a() { return 1; } }), '{"a":1}'], // prettier-ignore
  ["null", () => null, "null"],
  ["a sibling seen twice", () => { const s = { toJSON: () => ({ a: 1 }) }; return [s, s]; }, '[{"a":1},{"a":1}]'], // prettier-ignore
];

describe("canonicalizeJcs", () => {
  it.each(ROWS)("passes the reference's row: %s", (_title, value, text) => {
    if (text === null) {
      expect(() => reference(value())).toThrow();
      refusalOf("value.not_canonical", () => canonicalizeJcs(value()));
    } else {
      expect(reference(value())).toBe(text);
      expect(canonicalizeJcs(value())).toBe(text);
    }
  });

  it.each([1000, 10_000, 100_000])("writes %i levels without overflow (row 77)", (levels) => {
    expect(canonicalizeJcs(nested(levels))).toBe("[".repeat(levels) + "]".repeat(levels));
  });

  it("writes 100,000 levels of objects, toJSON and siblings after the deep member", () => {
    let value: unknown = 0;
    for (let level = 0; level < 100_000; level += 1) {
      const inner = value;
      value = { toJSON: () => ({ b: 1, a: inner }) };
    }
    expect(canonicalizeJcs(value)).toBe(`${'{"a":'.repeat(100_000)}0${',"b":1}'.repeat(100_000)}`);
  });

  it("refuses cycles, shallow, deep and through toJSON, with the place", () => {
    const shallow: Record<string, unknown> = { a: [1] };
    shallow["self"] = [shallow];
    expect(refusalOf("value.not_canonical", () => canonicalizeJcs(shallow)).details).toEqual({
      pointer: "/self/0",
      found: "a cycle",
    });
    const deep: unknown[] = [];
    let inner = deep;
    for (let level = 0; level < 1000; level += 1) inner.push((inner = []));
    inner.push(inner);
    expect(refusalOf("value.not_canonical", () => canonicalizeJcs(deep)).details.pointer).toBe("/0".repeat(1001));
    const itself = { toJSON: () => itself };
    expect(refusalOf("value.not_canonical", () => canonicalizeJcs([itself])).details).toEqual({
      pointer: "/0",
      found: "a cycle",
    });
  });

  it("writes and refuses long arrays of scalars as it does short ones", () => {
    const scalars = [1.5, -0, "x", "é\n", true, false, null, 1e21, 5e-324, ""];
    expect(canonicalizeJcs(scalars)).toBe('[1.5,0,"x","é\\n",true,false,null,1e+21,5e-324,""]');
    expect(canonicalizeJcs([...scalars, undefined, [1]])).toBe(reference([...scalars, undefined, [1]]));
    for (const [element, found] of [
      [Number.NaN, "NaN"],
      ["\udfff", "a lone surrogate"],
      [1n, "a bigint"],
    ] as const) {
      const refusal = refusalOf("value.not_canonical", () => canonicalizeJcs({ a: [...scalars, element] }));
      expect(refusal.details).toEqual({ pointer: "/a/10", found });
    }
  });

  it("sees a toJSON that somebody gave to all arrays, for long arrays as for short ones", () => {
    Object.defineProperty(Array.prototype, "toJSON", { value: () => "seen", configurable: true });
    try {
      expect(canonicalizeJcs([[1], Array.from({ length: 20 }, () => 1)])).toBe('"seen"');
    } finally {
      Reflect.deleteProperty(Array.prototype, "toJSON");
    }
    const own = Object.assign(
      Array.from({ length: 20 }, () => 1),
      { toJSON: (): unknown => ["seen"] },
    );
    expect(canonicalizeJcs([own])).toBe('[["seen"]]');
    let calls = 0;
    const late = Array.from({ length: 20 }, () => 1);
    Object.defineProperty(late, 19, {
      get: () => {
        calls += 1;
        Object.defineProperty(Array.prototype, "toJSON", { value: () => "seen", configurable: true });
        return 1;
      },
    });
    try {
      expect(canonicalizeJcs({ late })).toBe(`{"late":[${"1,".repeat(19)}1]}`);
      expect(calls).toBeGreaterThan(0);
    } finally {
      Reflect.deleteProperty(Array.prototype, "toJSON");
    }
  });

  it("refuses a root that JSON has no form for", () => {
    for (const root of [undefined, () => 1, Symbol("s"), { toJSON: () => undefined }]) {
      expect(refusalOf("value.not_canonical", () => canonicalizeJcs(root)).details.found).toBe("a value without a JSON form");
    }
  });

  it("names the place of what it refuses", () => {
    expect(refusalOf("value.not_canonical", () => canonicalizeJcs({ a: [0, { b: Number.NaN }] })).details).toEqual({
      pointer: "/a/1/b",
      found: "NaN",
    });
    expect(refusalOf("value.not_canonical", () => canonicalizeJcs({ a: [[], 2n] })).details).toEqual({
      pointer: "/a/1",
      found: "a bigint",
    });
    expect(refusalOf("value.not_canonical", () => canonicalizeJcs([Object(1n)])).details.found).toBe("a bigint");
  });

  it("turns what a getter, a toJSON or a trap throws into a coded error", () => {
    const fails = (): never => { throw new TypeError("no"); }; // prettier-ignore
    for (const value of [
      {
        get a() {
          return fails();
        },
      },
      { a: { toJSON: fails } },
      { a: new Proxy({}, { ownKeys: fails }) },
    ]) {
      // prettier-ignore
      const refusal = refusalOf("value.not_canonical", () => canonicalizeJcs(value));
      expect(refusal.details).toEqual({ pointer: "/a", found: "a value that throws when it is read" });
    }
  });

  it("refuses what no string could hold: one large text, a thousand times", () => {
    const large = "x".repeat(2 ** 25);
    const many = Array.from({ length: 1000 }, () => large);
    for (const value of [
      many,
      many.map((text) => [text]),
      Object.fromEntries(many.entries()),
      many.map((text) => [text, [text, 1]]),
    ]) {
      expect(refusalOf("value.too_large", () => canonicalizeJcs(value)).details.bytesMax).toBe(268_435_456);
    }
  });

  it("refuses text beyond bytesMax", () => {
    expect(refusalOf("value.too_large", () => canonicalizeJcs([["abcdef"], 1], { bytesMax: 6 })).details.bytesMax).toBe(6);
    expect(refusalOf("value.too_large", () => canonicalizeJcs("é", { bytesMax: 3 })).details.bytes).toBe(4);
  });

  it("writes what the reference writes for every JSON value of any shape", () => {
    fc.assert(
      fc.property(
        fc.anything({ withDate: true, withBoxedValues: true, withNullPrototype: true, withSparseArray: true }),
        (value) => {
          expect(attempt(() => canonicalizeJcs(value))).toBe(attempt(() => reference(value)));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("writes what the reference writes for doubles of any bit pattern (row 79)", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(canonicalizeJcs(value)).toBe(reference(value));
      }),
    );
  });
});

function attempt(write: () => string | undefined): string {
  try {
    return write() ?? "refused";
  } catch {
    return "refused";
  }
}
