import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Tree } from "../../src/model/expression.js";
import type { Resolution } from "../../src/expression/reduce.js";
import type { Reference } from "../../src/expression/references.js";
import { isLiteral, literalOf, treeOfJson } from "../../src/expression/literal.js";
import { operate } from "../../src/expression/operate.js";
import { printTree } from "../../src/expression/print.js";
import { readPath, reduce } from "../../src/expression/reduce.js";
import { referencesOf } from "../../src/expression/references.js";

const result = (step: string, ...path: string[]): Tree => ({ $: "result", step, path });
const param = (...path: string[]): Tree => ({ $: "param", path });
const unknown = (): Resolution => ({ known: false });
const params =
  (tree: Tree | undefined) =>
  (reference: Reference): Resolution =>
    reference.$ === "param" ? { known: true, tree } : { known: false };

describe("reduce", () => {
  test("puts a parameter in place and reads its path", () => {
    expect(reduce({ a: param("x", "y") }, params({ x: { y: 7 } }))).toEqual({ a: 7 });
  });

  test("drops absent members, writes absent list items as null, and gives undefined for an absent root", () => {
    expect(reduce({ a: param("gone"), b: 1 }, params({}))).toEqual({ b: 1 });
    expect(reduce([param("gone"), 1], params({}))).toEqual([null, 1]);
    expect(reduce(param("gone"), params({}))).toBeUndefined();
    expect(reduce(param(), params(undefined))).toBeUndefined();
    expect(reduce({ $: "index", loop: "l" }, () => ({ known: true, tree: 4 }))).toBe(4);
  });

  test("keeps what is late, adding the path that was read from it", () => {
    expect(reduce(param("mail", "id"), params({ mail: result("one", "out") }))).toEqual(result("one", "out", "id"));
    expect(reduce(param("x"), params({ $: "orElse", of: [result("a"), null] }))).toEqual({
      $: "orElse",
      of: [result("a"), null],
      path: ["x"],
    });
    expect(reduce(param("x"), params({ $: "index", loop: "l" }))).toEqual({ $: "index", loop: "l" });
  });

  test("shares a tree in which nothing changed", () => {
    const tree: Tree = { a: [1, { b: result("s") }], c: { $: "literal", value: { $: "x" } } };
    expect(reduce(tree, unknown)).toBe(tree);
  });

  test("computes operators whose operands are all known and leaves the others", () => {
    expect(reduce({ $: "eq", of: [param("a"), 1] }, params({ a: 1 }))).toBe(true);
    expect(reduce({ $: "concat", of: ["n-", param("a")] }, params({ a: 1 }))).toBe("n-1");
    expect(reduce({ $: "eq", of: [param("a"), result("s")] }, params({}))).toEqual({ $: "eq", of: [null, result("s")] });
    expect(reduce({ $: "orElse", of: [param("a"), param("b")] }, params({}))).toBeUndefined();
  });

  test("settles all, any and orElse as soon as one operand decides", () => {
    const late = result("s");
    expect(reduce({ $: "all", of: [late, false] }, unknown)).toBe(false);
    expect(reduce({ $: "any", of: [late, true] }, unknown)).toBe(true);
    expect(reduce({ $: "orElse", of: [null, late] }, unknown)).toEqual(late);
    expect(reduce({ $: "orElse", of: [{ a: 1 }, late], path: ["a"] }, unknown)).toBe(1);
    expect(reduce({ $: "orElse", of: [{ $: "literal", value: { $: 1 } }, late] }, unknown)).toEqual({
      $: "literal",
      value: { $: 1 },
    });
    expect(reduce({ $: "all", of: [late, true] }, unknown)).toEqual({ $: "all", of: [late, true] });
  });

  test("reads __proto__ as data and pollutes nothing", () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":1},"a":1}') as Tree;
    const reduced = reduce({ h: param(), x: param("__proto__", "polluted") }, params(hostile));
    expect(JSON.stringify(reduced)).toBe('{"h":{"__proto__":{"polluted":1},"a":1},"x":1}');
    expect(JSON.stringify(reduce(JSON.parse('{"__proto__":{"$":"param","path":["a"]}}') as Tree, params({ a: 1 })))).toBe(
      '{"__proto__":1}',
    );
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
    expect(readPath({}, ["constructor"])).toBeUndefined();
  });

  test("reducing twice with nothing new changes nothing", () => {
    const leaf = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.string(),
      fc.constant(result("s", "x")),
      fc.constant(param("a")),
    );
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), tie("tree"), { maxKeys: 3 }),
        fc
          .tuple(fc.constantFrom("eq", "concat", "all", "any", "orElse", "in"), tie("tree"), tie("tree"))
          .map(([$, a, b]): Tree => ({ $, of: [a, b] })),
      ),
    }));
    fc.assert(
      fc.property(tree, (sample) => {
        const once = reduce(sample, params({ a: 3 }));
        if (once !== undefined) expect(reduce(once, params({ a: 3 }))).toEqual(once);
      }),
    );
  });
});

describe("readPath", () => {
  test("walks lists by decimal index only, and stops at scalars", () => {
    expect(readPath([{ a: 1 }], ["0", "a"])).toBe(1);
    expect(readPath([1], ["00"])).toBeUndefined();
    expect(readPath([1], ["1"])).toBeUndefined();
    expect(readPath("text", ["length"])).toBeUndefined();
    expect(readPath(null, ["a"])).toBeUndefined();
  });

  test("walks into wrapped literals", () => {
    expect(readPath({ $: "literal", value: { $: "x", list: [{ $: 1 }] } }, ["list", "0"])).toEqual({
      $: "literal",
      value: { $: 1 },
    });
    expect(readPath({ $: "literal", value: [1, { $: 2 }] }, ["1"])).toEqual({ $: "literal", value: { $: 2 } });
    expect(readPath({ $: "literal", value: 5 }, ["a"])).toBeUndefined();
  });
});

describe("operate", () => {
  test("eq and ne compare JSON, and absent only with absent", () => {
    expect(
      operate("eq", [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ]),
    ).toBe(true);
    expect(operate("eq", [undefined, undefined])).toBe(true);
    expect(operate("eq", [undefined, null])).toBe(false);
    expect(operate("ne", [1, "1"])).toBe(true);
    expect(operate("eq", [null, {}])).toBe(false);
  });

  test("only true is true for not, all and any", () => {
    expect(operate("not", [1])).toBe(true);
    expect(operate("not", [true])).toBe(false);
    expect(operate("all", [true, true])).toBe(true);
    expect(operate("all", [true, "yes"])).toBe(false);
    expect(operate("any", [false, 1])).toBe(false);
    expect(operate("any", [false, true])).toBe(true);
  });

  test("in, exists, orElse and concat treat absent and null as nothing", () => {
    expect(operate("in", [{ a: 1 }, [{ a: 1 }]])).toBe(true);
    expect(operate("in", [1, "1"])).toBe(false);
    expect(operate("exists", [null])).toBe(false);
    expect(operate("exists", [0])).toBe(true);
    expect(operate("orElse", [null, 2])).toBe(2);
    expect(operate("concat", ["a", undefined, null, 1, true, [1]])).toBe("a1true[1]");
  });
});

describe("literals", () => {
  test("treeOfJson and literalOf are inverse for every JSON value, also with members named $", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const wrapped = { v: value as never, list: [{ $: value as never }] };
        const tree = treeOfJson(wrapped);
        expect(isLiteral(tree)).toBe(true);
        expect(literalOf(tree)).toEqual(wrapped);
      }),
    );
  });

  test("a tree with a late value is not literal, and asking for its value is a defect", () => {
    expect(isLiteral({ a: [result("s")] })).toBe(false);
    expect(() => literalOf(result("s"))).toThrow(/"result" has a value only while running/);
  });
});

describe("referencesOf and printTree", () => {
  const tree: Tree = {
    a: [param("x"), { $: "concat", of: ["p", result("s/t", "n")], path: ["q"] }],
    "odd name": { $: "literal", value: { $: "ok", l: [1, null, {}] } },
    c: { $: "item", loop: "l", path: ["id"] },
    d: { $: "index", loop: "l" },
    e: { $: "allocate", kind: "account", ordinal: 0 },
    f: { $: "bind", name: "b", path: [] },
    g: { $: "lookup", lookup: "k", path: ["r"] },
    h: { $: "collect", loop: "l", path: [] },
    i: {},
    j: null,
  };

  test("every reference is found in order", () => {
    expect(referencesOf(tree).map((r) => r.$)).toEqual([
      "param",
      "result",
      "item",
      "index",
      "allocate",
      "bind",
      "lookup",
      "collect",
    ]);
  });

  test("a person reads paths and calls", () => {
    expect(printTree(tree)).toBe(
      '{ a: [params.x, concat("p", s/t.result.n).q], c: item(l).id, d: index(l), e: new(account), f: bind(b), g: lookup(k).r, h: l.results, i: {}, j: null, "odd name": { "$": "ok", l: [1, null, {}] } }',
    );
  });

  test("invisible and direction-changing characters come out escaped", () => {
    expect(printTree("a\u202eb\u0000\ufeff\u200b")).toBe('"a\\u202eb\\u0000\\ufeff\\u200b"');
  });
});
