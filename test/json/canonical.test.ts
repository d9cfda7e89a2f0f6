import { describe, expect, it } from "vitest";
import fc from "fast-check";
import vm from "node:vm";
import reference from "canonicalize";
import { isRunsealError } from "../../src/errors/error.js";
import { canonicalText, canonicalize } from "../../src/json/canonical.js";
import { copyCanonical } from "../../src/json/copy.js";
import type { JsonValue } from "../../src/json/value.js";
import { jsonOf, nested, refusalOf } from "./values.js";

/** What the boundary refuses, what it says it found, and where. */
const REFUSED: readonly (readonly [title: string, value: () => unknown, found: string, pointer: string])[] = [
  ["a fraction", () => ({ a: [1, 0.5] }), "a fraction", "/a/1"],
  ["NaN", () => [Number.NaN], "NaN", "/0"],
  ["Infinity", () => [Number.POSITIVE_INFINITY], "Infinity", "/0"],
  ["-Infinity", () => [Number.NEGATIVE_INFINITY], "-Infinity", "/0"],
  ["an integer beyond the safe range", () => ({ n: 2 ** 53 }), "an integer beyond 2^53 - 1", "/n"],
  [
    "the integer 9007199254740993 of a source text",
    (): unknown => JSON.parse("[9007199254740993]"),
    "an integer beyond 2^53 - 1",
    "/0",
  ],
  ["1e400 of a source text", (): unknown => JSON.parse("[1e400]"), "Infinity", "/0"],
  ["a bigint", () => ({ n: 1n }), "a bigint", "/n"],
  ["undefined at the root", () => undefined, "undefined", ""],
  ["an undefined member", () => ({ a: undefined }), "undefined", "/a"],
  ["an undefined element", () => [undefined], "undefined", "/0"],
  ["a function", () => ({ f: () => 1 }), "a function", "/f"],
  ["a class at the root", () => class {}, "a function", ""],
  ["a symbol value", () => [Symbol("s")], "a symbol", "/0"],
  ["a symbol key", () => ({ a: { [Symbol("s")]: 1 } }), "a symbol key", "/a"],
  ["a symbol key on an array", () => [Object.assign([1], { [Symbol("s")]: 1 })], "a symbol key", "/0"],
  ["a Date", () => ({ d: new Date(0) }), "an instance of Date", "/d"],
  ["a Map", () => [new Map()], "an instance of Map", "/0"],
  ["a Set", () => [new Set()], "an instance of Set", "/0"],
  ["a RegExp", () => [/a/], "an instance of RegExp", "/0"],
  ["an Error", () => [new TypeError("x")], "an instance of TypeError", "/0"],
  ["a typed array", () => [new Uint8Array(1)], "an instance of Uint8Array", "/0"],
  ["a Promise", () => [Promise.resolve(1)], "an instance of Promise", "/0"],
  ["a class instance", () => [new (class Money {})()], "an instance of Money", "/0"],
  [
    "an object with an ordinary object as prototype",
    (): unknown => [Object.create({ a: 1 })],
    "an object with an unusual prototype",
    "/0",
  ],
  [
    "an object whose prototype has no prototype",
    (): unknown => [Object.create(Object.create(null) as object)],
    "an object with an unusual prototype",
    "/0",
  ],
  ["an instance of an anonymous class", () => [new (class {})()], "an object with an unusual prototype", "/0"],
  ["a boxed string", () => [new String("x")], "an instance of String", "/0"],
  ["a boxed number", () => [new Number(1)], "an instance of Number", "/0"],
  ["a boxed boolean", () => [new Boolean(true)], "an instance of Boolean", "/0"],
  ["a boxed bigint", (): unknown => [Object(1n)], "an instance of BigInt", "/0"],
  ["an array of a subclass", () => [new (class List extends Array {})()], "an array that is an instance of List", "/0"],
  [
    "an array without a prototype",
    (): unknown => [Object.setPrototypeOf([], null)],
    "an array that is an object with an unusual prototype",
    "/0",
  ],
  ["a sparse array", () => ({ a: [1, , 3] }), "a sparse array", "/a"],
  ["an array with extra properties", () => [Object.assign([1], { extra: 1 })], "an array with extra properties", "/0"],
  ["a match array", () => [/a/.exec("ab")], "an array with extra properties", "/0"],
  ["a hole hidden by an extra property", () => Object.assign([1, , 3], { extra: 1 }), "undefined", "/1"],
  ["an arguments object", (): unknown => vm.runInNewContext("(function () { return arguments; })(1)"), "a symbol key", ""],
  ["a namespace such as Math", () => [Math], "a symbol key", "/0"],
  ["a setter", () => ({ set a(_: number) {} }), "an accessor property", "/a"],
  ["a non-enumerable member", () => Object.defineProperty({}, "a", { value: 1 }), "a non-enumerable property", "/a"],
  ["a lone high surrogate", () => ["\ud800"], "a lone surrogate", "/0"],
  ["a lone low surrogate after a pair", () => ["😀\udc00"], "a lone surrogate", "/0"],
  ["a lone surrogate in a name", () => ({ "\ud800": 1 }), "a lone surrogate in a name", "/\ufffd"],
  ["a non-enumerable element", () => [Object.defineProperty([1], 0, { enumerable: false })], "a sparse array", "/0"],
  [
    "a Proxy that hides a member",
    () => new Proxy({ a: 1 }, { getOwnPropertyDescriptor: () => undefined }),
    "a member that went away while it was read",
    "/a",
  ],
];

describe.each([
  ["canonicalize", canonicalize],
  ["copyCanonical", copyCanonical],
] as const)("%s", (_name, take) => {
  it.each(REFUSED)("refuses %s, naming it and its place (D-010, decision 1.1, row 76)", (_title, value, found, pointer) => {
    const refusal = refusalOf("value.not_canonical", () => take(value()));
    expect(refusal.details).toEqual({ pointer, found });
    expect(refusal.message).toContain(`found ${found}; allowed are null`);
  });

  it("never calls a getter", () => {
    let calls = 0;
    const trap = { get: () => (calls += 1), enumerable: true };
    const object = Object.defineProperty({ a: 1 }, "b", trap);
    const array = Object.defineProperty([1, 2], 1, trap);
    expect(refusalOf("value.not_canonical", () => take({ object })).details.pointer).toBe("/object/b");
    expect(refusalOf("value.not_canonical", () => take([array])).details.pointer).toBe("/0/1");
    expect(calls).toBe(0);
  });

  it("never calls toJSON", () => {
    const refusal = refusalOf("value.not_canonical", () => take({ toJSON: () => "x" }));
    expect(refusal.details).toEqual({ pointer: "/toJSON", found: "a function" });
  });

  it("refuses a cycle of objects and of arrays, where it closes", () => {
    const object: Record<string, unknown> = { a: { b: [] } };
    object["c"] = { d: object };
    const array: unknown[] = [[1]];
    array.push({ e: array });
    expect(refusalOf("value.not_canonical", () => take(object)).details).toEqual({ pointer: "/c/d", found: "a cycle" });
    expect(refusalOf("value.not_canonical", () => take(array)).details).toEqual({ pointer: "/1/e", found: "a cycle" });
  });

  it("takes 256 levels and refuses 257, also 100,000 (row 77)", () => {
    expect(jsonOf(take(nested(256)))).toBe(`${"[".repeat(256)}${"]".repeat(256)}`);
    const refusal = refusalOf("value.too_deep", () => take(nested(257)));
    expect(refusal.details).toEqual({ pointer: "/0".repeat(256), depthMax: 256 });
    expect(refusalOf("value.too_deep", () => take(nested(100_000))).details.depthMax).toBe(256);
  });

  it("refuses what no string could hold: one large text, a thousand times", () => {
    const large = "x".repeat(2 ** 25);
    for (const value of [
      Array.from({ length: 1000 }, () => large),
      Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [n, large])),
    ]) {
      expect(refusalOf("value.too_large", () => take(value)).details.bytesMax).toBe(67_108_864);
    }
  });

  it("refuses text beyond bytesMax and stops before a doubling value grows", () => {
    let doubling: unknown = "x";
    for (let level = 0; level < 200; level += 1) doubling = [doubling, doubling];
    expect(refusalOf("value.too_large", () => take(doubling, { bytesMax: 1000 })).details).toMatchObject({ bytesMax: 1000 });
    const large = Array.from({ length: 65 }, () => "x".repeat(2 ** 20));
    expect(refusalOf("value.too_large", () => take(large)).details).toMatchObject({ bytesMax: 67_108_864 });
    expect(jsonOf(take(["abc"], { bytesMax: 7 }))).toBe('["abc"]');
    expect(refusalOf("value.too_large", () => take({ a: "abcdefgh" }, { bytesMax: 8 })).details.what).toBe("canonical text");
  });

  it("counts a long list before it names its elements (row 77)", () => {
    const list = new Array<number>(20_000).fill(7);
    expect(() => canonicalize(list, { bytesMax: 1000 })).toThrow(
      expect.objectContaining({ code: "value.too_large", details: expect.objectContaining({ bytes: 40_001 }) as unknown }),
    );
    expect(canonicalize(list, { bytesMax: 40_001 })).toHaveLength(40_001);
  });

  it("turns whatever a Proxy throws into a coded error", () => {
    const thrower = (): never => {
      throw new Proxy({}, { getPrototypeOf: thrower });
    };
    for (const trap of ["getPrototypeOf", "ownKeys", "getOwnPropertyDescriptor"]) {
      const refusal = refusalOf("value.not_canonical", () => take({ a: [new Proxy({ b: 1 }, { [trap]: thrower })] }));
      expect(refusal.details.found).toBe("a value that throws when it is read");
      expect(refusal.details.pointer).toBe(trap === "getOwnPropertyDescriptor" ? "/a/0/b" : "/a/0");
    }
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(isRunsealError(refusalOf("value.not_canonical", () => take([proxy])))).toBe(true);
  });

  it("does not take an error thrown by a trap for its own", () => {
    const thrown = refusalOf("value.too_deep", () => canonicalize(nested(300)));
    const value = new Proxy({}, { ownKeys: () => { throw thrown; } }); // prettier-ignore
    expect(refusalOf("value.not_canonical", () => take(value)).cause).toBe(thrown);
  });

  it("reads a Proxy of plain data as that data, each member once", () => {
    const reads: string[] = [];
    const value = new Proxy({ b: 1, a: 2 }, {
      getOwnPropertyDescriptor: (target, name) => (reads.push(String(name)), Reflect.getOwnPropertyDescriptor(target, name)),
    }); // prettier-ignore
    expect(JSON.parse(jsonOf(take(value)))).toEqual({ a: 2, b: 1 });
    expect(reads.toSorted()).toEqual(["a", "b"]);
  });

  it("takes objects without a prototype and those of another realm as plain", () => {
    expect(jsonOf(take(Object.assign(Object.create(null), { a: 1 })))).toBe('{"a":1}');
    expect(jsonOf(take(vm.runInNewContext(`({a: [1, {b: "x"}]})`)))).toBe('{"a":[1,{"b":"x"}]}');
    const refusal = refusalOf("value.not_canonical", () => take(vm.runInNewContext("[new Date(0)]")));
    expect(refusal.details.found).toBe("an instance of Date");
  });

  it("takes __proto__ and constructor as data and pollutes nothing (row 78)", () => {
    const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    const taken = take(JSON.parse(text));
    expect(jsonOf(taken)).toBe(text);
    expect("polluted" in {}).toBe(false);
  });

  it("takes a value that occurs twice without a cycle, twice", () => {
    const shared = { a: 1 };
    expect(jsonOf(take([shared, shared]))).toBe('[{"a":1},{"a":1}]');
  });

  it("cuts a pointer that is too long to read", () => {
    const refusal = refusalOf("value.not_canonical", () => take({ [`${"n".repeat(2046)}😀`]: { b: 0.5 } }));
    expect(refusal.details.pointer).toBe(`/${"n".repeat(2046)}\ufffd…`);
  });

  it("escapes ~ and / in the pointer", () => {
    expect(refusalOf("value.not_canonical", () => take({ "a/b~": [0.5] })).details.pointer).toBe("/a~1b~0/0");
  });
});

describe("canonicalize", () => {
  it.each([
    [null, "null"],
    [true, "true"],
    [false, "false"],
    [-0, "0"],
    [[-0], "[0]"],
    [Number.MAX_SAFE_INTEGER, "9007199254740991"],
    [Number.MIN_SAFE_INTEGER, "-9007199254740991"],
    ["", '""'],
    ['\u0000\b\t\n\f\r"\\ /\u007f\u2028\ufeff\u202e', '"\\u0000\\b\\t\\n\\f\\r\\"\\\\ /\u007f\u2028\ufeff\u202e"'],
    [[], "[]"],
    [{}, "{}"],
    [{ b: [1, "x", null], a: { d: true, c: false } }, '{"a":{"c":false,"d":true},"b":[1,"x",null]}'],
    [{ 10: 1, 9: 2, b: 3, "": 4 }, '{"":4,"10":1,"9":2,"b":3}'],
  ])("writes %j as %s", (value, text) => {
    expect(canonicalize(value)).toBe(text);
  });

  it("sorts names by UTF-16 code units, not by code points (D-011, row 80)", () => {
    expect(canonicalize({ "\ufb33": 1, "😀": 2, "\u20ac": 3 })).toBe('{"\u20ac":3,"😀":2,"\ufb33":1}');
  });

  it("sorts many names as it sorts few", () => {
    const names = Array.from({ length: 100 }, (_, index) => `n${(index * 37) % 100}`);
    const text = canonicalize(Object.fromEntries(names.map((name) => [name, 1])));
    expect(Object.keys(JSON.parse(text) as object)).toEqual(names.toSorted());
  });

  it("normalises no Unicode: composed and decomposed stay two values (row 80)", () => {
    expect(canonicalize("\u00e9")).not.toBe(canonicalize("e\u0301"));
  });

  it("counts bytesMax in UTF-8 bytes", () => {
    expect(canonicalize("ééé", { bytesMax: 8 })).toBe('"ééé"');
    expect(refusalOf("value.too_large", () => canonicalize("ééé", { bytesMax: 7 })).details.bytes).toBe(8);
  });

  it("writes what the reference writes for every value of the model, and is a fixed point", () => {
    fc.assert(
      fc.property(modelValue, (value) => {
        const text = canonicalize(value);
        expect(text).toBe(reference(value));
        expect(canonicalize(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it("gives one text whatever the order of insertion (A-104)", () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string({ unit: "binary" }).filter((name) => !/\p{Surrogate}/u.test(name)),
          fc.integer(),
        ),
        fc.nat(),
        (value, seed) => {
          const names = Object.keys(value);
          const shuffled = names.map((_, index) => names[(index + seed) % names.length] ?? "");
          expect(canonicalize(Object.fromEntries(shuffled.map((name) => [name, value[name]])))).toBe(canonicalize(value));
        },
      ),
    );
  });

  it("keeps its own memory of names bounded and right", () => {
    for (let index = 0; index < 6000; index += 1) expect(canonicalize({ [`name-${index}`]: 0 })).toBe(`{"name-${index}":0}`);
    expect(canonicalize({ [`${"long".repeat(40)}"`]: 0 })).toBe(`{"${"long".repeat(40)}\\"":0}`);
  });
});

describe("canonicalText", () => {
  it("writes what canonicalize writes for every value of the model", () => {
    fc.assert(
      fc.property(modelValue, (value) => {
        expect(canonicalText(copyCanonical(value))).toBe(canonicalize(value));
      }),
    );
  });

  it("still refuses what a defect of this package could bring in", () => {
    const dated = Object.assign({}, { d: new Date(0) } as object) as JsonValue;
    expect(refusalOf("value.not_canonical", () => canonicalText(dated)).details).toEqual({
      pointer: "/d",
      found: "an instance of Date",
    });
    expect(refusalOf("value.not_canonical", () => canonicalText([0.5])).details.found).toBe("a fraction");
    expect(refusalOf("value.not_canonical", () => canonicalText(JSON.parse('["\\ud800"]') as JsonValue)).details.pointer).toBe(
      "/0",
    );
    expect(refusalOf("value.too_deep", () => canonicalText(nested(257) as JsonValue)).details.depthMax).toBe(256);
    expect(refusalOf("value.too_large", () => canonicalText(["abc"], { bytesMax: 6 })).details.bytes).toBe(7);
  });
});

describe("copyCanonical", () => {
  it("hands back an equal value that is frozen at every level and shares nothing", () => {
    const inner = { b: [1, { c: "x" }] };
    const copy = copyCanonical({ a: inner });
    inner.b.push(2);
    expect(copy).toEqual({ a: { b: [1, { c: "x" }] } });
    expect(isDeeplyFrozen(copy)).toBe(true);
  });

  it("counts bytesMax as canonicalize does, to the byte", () => {
    fc.assert(
      fc.property(modelValue, (value) => {
        const bytes = Buffer.byteLength(canonicalize(value));
        expect(canonicalize(copyCanonical(value, { bytesMax: bytes }))).toBe(canonicalize(value));
        const refusal = refusalOf("value.too_large", () => copyCanonical(value, { bytesMax: bytes - 1 }));
        expect(refusal.details.bytes).toBeGreaterThan(bytes - 1);
      }),
    );
    expect(refusalOf("value.too_large", () => copyCanonical("\u0001", { bytesMax: 7 })).details.bytes).toBe(8);
    expect(copyCanonical(-9007199254740991, { bytesMax: 17 })).toBe(-9007199254740991);
    expect(refusalOf("value.too_large", () => copyCanonical(-9007199254740991, { bytesMax: 16 })).details.bytes).toBe(17);
  });

  it("keeps __proto__ an own member of the copy", () => {
    const copy = copyCanonical(JSON.parse('{"__proto__":{"x":1}}'));
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(Object.getOwnPropertyNames(copy)).toEqual(["__proto__"]);
  });

  it("writes -0 as 0", () => {
    expect(Object.is(copyCanonical(-0), 0)).toBe(true);
  });

  it("has the canonical text of the original for every value of the model", () => {
    fc.assert(
      fc.property(modelValue, (value) => {
        const copy = copyCanonical(value);
        expect(canonicalize(copy)).toBe(canonicalize(value));
        expect(isDeeplyFrozen(copy)).toBe(true);
      }),
    );
  });
});

const modelValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.string({ unit: "grapheme" }),
    fc.array(tie("value")),
    fc.dictionary(fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("__proto__", "toString", "0", "10")), tie("value"), {
      noNullPrototype: false,
    }),
  ),
})).value;

function isDeeplyFrozen(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen);
}
