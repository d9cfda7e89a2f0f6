import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { canonicalize } from "../../src/json/canonical.js";
import { decimal, defineMacro, defineVerb, describeSchema, instant, opaque, subject } from "runseal";
import type { JsonValue, SchemaDescription, Verb } from "runseal";
import { checkTree } from "../../src/catalog/check-tree.js";
import { issueText, parseArgs, parseParams, parseResult } from "../../src/catalog/parse-value.js";
import { everydaySchemas } from "./everyday-schemas.js";

const verbOf = (args: z.ZodObject, result: z.ZodType = z.object({})): Verb =>
  defineVerb({ name: "a.b", version: 1, effect: "pure", args, result });
/** Every issue of one argument `v`, as lines. */
const issuesOf = (schema: z.ZodType, v: unknown): readonly string[] => {
  const parsed = parseArgs(verbOf(z.object({ v: schema })), { v });
  return parsed.ok ? ["accepted"] : parsed.issues.map((issue) => `${issue.code} ${issueText(issue)}`);
};

describe("parseArgs", () => {
  const open = verbOf(
    z.object({
      account: subject("account", "write"),
      currency: z.enum(["EUR", "USD"]),
      note: z.string().optional(),
      tags: z.array(z.string()).default([]),
      limits: z.object({ daily: z.int().min(0), monthly: z.int().default(10) }).optional(),
    }),
  );

  test("fills in defaults, leaves out what is undefined, and freezes (decision 2.1b)", () => {
    const parsed = parseArgs(open, { account: "a", currency: "EUR", note: undefined, limits: { daily: -0 } });
    expect(parsed).toEqual({ ok: true, value: { account: "a", currency: "EUR", tags: [], limits: { daily: 0, monthly: 10 } } });
    const value = parsed.ok ? parsed.value : null;
    expect(Object.isFrozen(value) && Object.isFrozen((value as { limits: object }).limits)).toBe(true);
  });

  test("lists everything that is wrong at once: reason, place, message, suggestions (A-032)", () => {
    const parsed = parseArgs(open, { acount: "a", currency: "ERU", note: 7, limits: { daily: -1, dayly: 2 } });
    expect(parsed.ok ? [] : parsed.issues).toEqual([
      {
        path: ["acount"],
        code: "unknown_argument",
        message: 'is not an argument; did you mean "account"',
        suggestions: ["account"],
      },
      {
        path: ["currency"],
        code: "not_in_enumeration",
        message: 'is "ERU", not one of "EUR", "USD"',
        suggestions: ["EUR", "USD"],
      },
      { path: ["note"], code: "wrong_type", message: "is 7, not a string", suggestions: [] },
      { path: ["limits", "daily"], code: "not_accepted", message: "is -1, less than 0", suggestions: [] },
      {
        path: ["limits", "dayly"],
        code: "unknown_argument",
        message: 'is not an argument; did you mean "daily"',
        suggestions: ["daily"],
      },
      { path: ["account"], code: "missing", message: "is missing", suggestions: [] },
    ]);
  });

  test.each([
    ["no object", "text", 'value: is "text", not an object'],
    ["a list", [], "value: is a list, not an object"],
    ["null", null, "value: is null, not an object"],
    ["undefined", undefined, "value: holds undefined"],
    ["a Date inside", { account: new Date(0), currency: "EUR" }, "account: holds an instance of Date"],
    ["a name with / and ~", { "a/b~c": { d: 1.5 } }, "a/b~c.d: holds a fraction"],
    ["a cycle", circle(), "self: holds a cycle"],
    ["300 levels", deep(300), "value: is nested too deep"],
    ["65 MiB", { note: "x".repeat(65 * 1024 * 1024) }, "value: is too large"],
  ])("refuses %s", (_title, value, line) => {
    const parsed = parseArgs(open, value);
    expect(parsed.ok ? [] : parsed.issues.map(issueText)).toContain(line);
  });

  test("refuses __proto__ as any other unknown name", () => {
    const parsed = parseArgs(open, JSON.parse('{"account":"a","currency":"EUR","__proto__":{"x":1}}'));
    expect(parsed.ok ? [] : parsed.issues.map(issueText)).toEqual(["__proto__: is not an argument"]);
  });

  test("never shows a secret that stood in the wrong place", () => {
    const parsed = parseArgs(open, { account: "a", currency: "ghp_0123456789abcdefghijABCDEFGHIJ012345" });
    expect(JSON.stringify(parsed)).not.toContain("ghp_");
  });

  test("gives what parsing it again gives, for every everyday schema", () => {
    const verb = verbOf(
      z.object(Object.fromEntries(Object.entries(everydaySchemas).map(([name, build]) => [name, build(z).optional()]))),
    );
    const first = parseArgs(verb, {
      object: { name: "x" },
      "default of an object": {},
      subjects: { account: uuid, checked: "c" },
    });
    expect(first).toEqual({
      ok: true,
      value: {
        object: { name: "x", tags: [] },
        "default of an object": { a: { b: 1 } },
        prefault: "x",
        subjects: { account: uuid, checked: "c", others: [] },
      },
    });
    expect(first.ok && parseArgs(verb, first.value)).toEqual(first);
  });

  test("refuses a member that a union would drop, and one that only z.looseObject keeps passes", () => {
    const union = z.union([z.object({ a: z.int() }), z.object({ a: z.int(), b: z.int() })]);
    expect(issuesOf(union, { a: 1 })).toEqual(["accepted"]);
    expect(issuesOf(union, { a: 1, b: 2 })).toEqual(["unknown_argument v.b: is not an argument"]);
    expect(issuesOf(z.looseObject({ a: z.int() }), { a: 1, b: 2 })).toEqual(["accepted"]);
  });

  test("says nothing but that a check threw, when one does", () => {
    const throwing = z.string().check(
      opaque("bad", 1, () => {
        throw new Error("with a secret");
      }),
    );
    expect(issuesOf(throwing, "x")).toEqual(["not_accepted value: made a check throw"]);
  });
});

describe("hostile schemas", () => {
  test("a check that changes the value it is shown can't bring in what has no canonical text", () => {
    const changing = z.object({ a: z.json() }).check(opaque("changing", 1, (value) => Reflect.set(value, "a", new Date(0))));
    expect(issuesOf(changing, { a: 1 })).toEqual(["not_canonical v.a: holds an instance of Date"]);
  });

  test("a symbolic value that was kept is no argument", () => {
    const kept: unknown[] = [];
    defineMacro({ name: "m.a", version: 1, params: z.object({ a: z.string() }), body: ({ params }) => void kept.push(params.a) });
    expect(issuesOf(z.json(), kept[0])).toEqual(["not_canonical v: holds a symbolic value of a macro body"]);
  });

  test("a choice whose variants lack the discriminator is tried in order", () => {
    const description: SchemaDescription = {
      type: "union",
      discriminator: "k",
      of: [
        { type: "string" },
        { type: "object", fields: {}, required: [], unknown: "keep" },
        {
          type: "object",
          fields: { k: { type: "default", of: { type: "literal", values: ["a"] }, value: "a" } },
          required: [],
          unknown: "refuse",
        },
        { type: "object", fields: { k: { type: "string" } }, required: [], unknown: "refuse" },
      ],
    };
    expect(checkTree({ k: "a" }, description)).toEqual([]);
    expect(checkTree({ k: "b" }, description).map(issueText)).toEqual(['k: is "b", not one of "a"']);
    expect(checkTree({ k: { $: "param", path: [] }, x: 1 }, description)).toEqual([]);
    expect(checkTree(1, description).map(issueText)).toEqual(["value: is 1, not any of the 4 choices"]);
  });
});

describe("an issue says what would be right", () => {
  test.each<readonly [string, z.ZodType, unknown, readonly string[]]>([
    ["a format", z.uuid(), "x", ['not_accepted v: does not have the format "uuid"']],
    ["a type and its format", z.uuid(), 1, ["wrong_type v: is 1, not a string (uuid)"]],
    ["a decimal", decimal(), "1,5", ['not_accepted v: is not a decimal like "12.50"']],
    ["an instant", instant(), "now", ['not_accepted v: is not an instant like "2026-02-28T09:30:00Z"']],
    [
      "a named check",
      z.string().check(opaque("iban", 1, () => false)),
      "x",
      ['not_accepted v: is not accepted by the check "iban"'],
    ],
    ["a pattern", z.string().regex(/^a$/), "b", ['not_accepted v: does not have the format "regex"']],
    ["a short text", z.string().min(3), "ab", ["not_accepted v: has 2 characters, fewer than 3"]],
    ["a long text", z.string().max(1), "ab", ["not_accepted v: has 2 characters, more than 1"]],
    ["a big integer", z.int().max(5), 6, ["not_accepted v: is 6, more than 5"]],
    ["a text for an integer", z.int(), "6", ['wrong_type v: is "6", not an integer']],
    ["a boolean", z.boolean(), "yes", ['wrong_type v: is "yes", not true or false']],
    ["null", z.null(), 0, ["wrong_type v: is 0, not null"]],
    ["a literal", z.literal(["a", 1, null]), "A", ['not_in_enumeration v: is "A", not one of "a", "1", "null"']],
    [
      "a label near another",
      z.enum(["open", "close", "opened"]),
      "opn",
      ['not_in_enumeration v: is "opn", not one of "open", "close", "opened"'],
    ],
    ["a missing label", z.object({ e: z.enum(["b", "a"]) }), {}, ["missing v.e: is missing"]],
    ["a list", z.array(z.int()), {}, ["wrong_type v: is an object, not a list"]],
    ["an item of a list", z.array(z.int()), [1, "2"], ['wrong_type v.1: is "2", not an integer']],
    ["a short list", z.array(z.int()).min(2), [1], ["not_accepted v: has 1 items, fewer than 2"]],
    ["a tuple", z.tuple([z.int(), z.int()]), [1], ["not_accepted v: has 1 items, not 2"]],
    ["a tuple with a rest", z.tuple([z.int()], z.string()), [], ["not_accepted v: has 0 items, not 1 or more"]],
    ["the rest of a tuple", z.tuple([z.int()], z.string()), [1, 2], ["wrong_type v.1: is 2, not a string"]],
    ["a record's key", z.record(z.string().max(1), z.int()), { ab: 1 }, ["not_accepted v.ab: has 2 characters, more than 1"]],
    ["a record's value", z.record(z.string(), z.int()), { a: "x" }, ['wrong_type v.a: is "x", not an integer']],
    ["a record that is none", z.record(z.string(), z.int()), 1, ["wrong_type v: is 1, not an object"]],
    [
      "a label of a record",
      z.partialRecord(z.enum(["a"]), z.int()),
      { b: 1 },
      ['not_in_enumeration v.b: is "b", not one of "a"'],
    ],
    ["a nullable", z.int().nullable(), "x", ['wrong_type v: is "x", not any of the 2 choices']],
    [
      "a nullable object, by its own issues",
      z.object({ a: z.int() }).nullable(),
      { a: "x" },
      ['wrong_type v.a: is "x", not an integer'],
    ],
    ["a choice", z.union([z.int(), z.boolean()]), "x", ['wrong_type v: is "x", not any of the 2 choices']],
    [
      "a variant, by its own issues",
      z.discriminatedUnion("k", [z.object({ k: z.literal("a"), x: z.int() }), z.object({ k: z.literal("b"), y: z.int() })]),
      { k: "b", y: "1" },
      ['wrong_type v.y: is "1", not an integer'],
    ],
    [
      "an unknown variant, with all of them",
      z.discriminatedUnion("k", [z.object({ k: z.literal("a") }), z.object({ k: z.enum(["b", "c"]) })]),
      { k: "d" },
      ['not_in_enumeration v.k: is "d", not one of "a", "b", "c"'],
    ],
    [
      "a variant that isn't named",
      z.discriminatedUnion("k", [z.object({ k: z.literal("a") }), z.object({ k: z.literal("b") })]),
      {},
      ["wrong_type v: is an object, not any of the 2 choices"],
    ],
    [
      "variants inside of a variant",
      z.discriminatedUnion("k", [
        z.discriminatedUnion("k", [z.object({ k: z.literal("a") }), z.object({ k: z.null() })]),
        z.object({ k: z.literal("b") }),
      ]),
      { k: null },
      ["accepted"],
    ],
    ["recursion", recursive(), { kids: [{ kids: [{ kids: 1 }] }] }, ["wrong_type v.kids.0.kids.0.kids: is 1, not a list"]],
    ["JSON that isn't", z.json(), { a: [1.5] }, ["not_canonical v.a.0: holds a fraction"]],
    ["any JSON", z.json(), { a: [1, { b: null }] }, ["accepted"]],
    ["an optional", z.int().optional(), "x", ['wrong_type v: is "x", not an integer']],
  ])("%s", (_title, schema, value, lines) => {
    expect(issuesOf(schema, value)).toEqual(lines);
  });
});

describe("parseParams and parseResult", () => {
  test("parameters are read like arguments", () => {
    const macro = defineMacro({
      name: "m.a",
      version: 1,
      params: z.object({ list: z.array(z.string()).default(["a"]) }),
      body: () => undefined,
    });
    expect(parseParams(macro, {})).toEqual({ ok: true, value: { list: ["a"] } });
    expect(parseParams(macro, { lst: [] })).toMatchObject({
      ok: false,
      issues: [{ code: "unknown_argument", suggestions: ["list"] }],
    });
  });

  test("results leave out what their schema strips, and must be storable", () => {
    const verb = verbOf(z.object({}), z.object({ id: z.string(), more: z.json().optional() }));
    expect(parseResult(verb, { id: "1", internal: true, more: undefined })).toEqual({ ok: true, value: { id: "1" } });
    expect(parseResult(verb, { id: 1 })).toMatchObject({ ok: false, issues: [{ path: ["id"], code: "wrong_type" }] });
    expect(parseResult(verb, { id: "1", more: new Map() })).toMatchObject({ ok: false, issues: [{ code: "not_canonical" }] });
    expect(parseResult(verbOf(z.object({}), z.strictObject({})), { a: 1 })).toMatchObject({ ok: false });
  });
});

describe("checkTree", () => {
  const description = describeSchema(
    z.strictObject({ to: z.string(), count: z.int().optional(), deep: z.strictObject({ a: z.int() }).optional() }),
  );
  const param = { $: "param", path: ["x"] } as const;

  test("lets expressions stand for anything, and checks what is around them", () => {
    expect(checkTree({ to: param }, description)).toEqual([]);
    expect(checkTree({ to: { $: "concat", of: ["a", param] }, count: param, deep: param }, description)).toEqual([]);
    expect(checkTree({ to: param, count: "1", deep: { a: param, b: param } }, description).map(issueText)).toEqual([
      'count: is "1", not an integer',
      "deep.b: is not an argument",
    ]);
    expect(checkTree({ deep: {} }, description).map(issueText)).toEqual(["deep.a: is missing", "to: is missing"]);
    expect(checkTree(param, description)).toEqual([]);
  });

  test("looks into literals", () => {
    expect(checkTree({ $: "literal", value: { to: 1 } }, description).map(issueText)).toEqual(["to: is 1, not a string"]);
    const json = describeSchema(z.strictObject({ any: z.json() }));
    expect(checkTree({ any: { $: "literal", value: { $: "param" } } }, json)).toEqual([]);
  });

  test("takes everything as data where it is told to", () => {
    expect(checkTree({ to: param }, description, { isData: true }).map(issueText)).toEqual(["to: is an object, not a string"]);
  });

  test("lets members be absent in an expectation", () => {
    expect(checkTree({ deep: {} }, description, { isPartial: true })).toEqual([]);
    expect(checkTree({ deep: { b: 1 } }, description, { isPartial: true })).toHaveLength(1);
  });

  test("finds what parsing finds: a value without our issues and with a plain schema is accepted by zod", () => {
    const schema = z.strictObject({
      s: z.string().min(1).max(3),
      i: z.int().min(-2).max(2).optional(),
      b: z.boolean().nullable(),
      l: z.array(z.union([z.int(), z.enum(["a", "b"])])).max(2),
      t: z.tuple([z.null()], z.literal(["x", 1])).optional(),
      r: z.record(z.string(), z.boolean()).optional(),
    });
    const plain = describeSchema(schema);
    const scalar = fc.oneof(fc.constantFrom(null, true, false, "", "a", "b", "x", "long"), fc.integer({ min: -3, max: 3 }));
    const list = fc.array(scalar, { maxLength: 3 });
    const value = fc.record(
      {
        s: scalar,
        i: scalar,
        b: scalar,
        l: fc.oneof(list, scalar),
        t: fc.oneof(list, scalar),
        r: fc.dictionary(fc.string({ maxLength: 2 }), scalar),
        z: scalar,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(value, (given) => {
        const json = JSON.parse(JSON.stringify(given)) as JsonValue;
        fc.pre(!canonicalize(json).includes("__proto__"));
        expect(checkTree(json, plain, { isData: true }).length === 0).toBe(schema.safeParse(json).success);
      }),
      { numRuns: 500 },
    );
  });
});

const uuid = "6f1ed002-ab5c-4b3e-9c5a-0f3a1f2b3c4d";

function recursive(): z.ZodType {
  const Tree: z.ZodType = z.object({
    get kids(): z.ZodType {
      return z.array(Tree);
    },
  });
  return Tree;
}

function circle(): object {
  const ring: Record<string, unknown> = {};
  ring["self"] = ring;
  return ring;
}

function deep(levels: number): object {
  let value: object = {};
  for (let level = 0; level < levels; level += 1) value = { value };
  return value;
}
