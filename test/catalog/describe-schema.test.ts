import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { z as z40 } from "zod-4-0";
import { z as z43 } from "zod-4-3";
import { z as z45 } from "zod-4-5";
import { decimal, describeSchema, instant, isRunsealError, opaque, plain, subject } from "runseal";
import { digestOf } from "../../src/json/digest.js";
import { everydaySchemas } from "./everyday-schemas.js";

// the types of two zod minors differ in ways that this test is about
const ZODS = { "4.0": z40, "4.3": z43, "4.5": z45, "4.6": z } as unknown as { readonly [version: string]: typeof z };
const digest = (schema: z.ZodType): string => digestOf("runseal/schema/1", describeSchema(schema));

function refusal(schema: z.ZodType): string {
  try {
    describeSchema(schema);
  } catch (error) {
    if (isRunsealError(error, "schema.not_describable")) return `${error.details.pointer} ${error.message}`;
    throw error;
  }
  return "described";
}

describe("a description", () => {
  test("has four zods and more than 40 schemas to be compared over", () => {
    expect(Object.keys(ZODS)).toHaveLength(4);
    expect(Object.keys(everydaySchemas).length).toBeGreaterThan(40);
  });

  test.each(Object.entries(everydaySchemas))(
    "of %s has one digest under zod 4.0, 4.3, 4.5 and 4.6 (decision 1.7)",
    (_name, build) => {
      const descriptions = Object.values(ZODS).map((zod) => describeSchema(build(zod)));
      expect(new Set(descriptions.map((description) => digestOf("runseal/schema/1", description))).size).toBe(1);
      expect(descriptions[0]).toEqual(descriptions[3]);
    },
  );

  test.each(Object.entries(everydaySchemas))(
    "of %s doesn't change with descriptions, titles, examples and error texts",
    (_name, build) => {
      const bare = build(z);
      expect(digest(bare.describe("a text"))).toBe(digest(bare));
      expect(digest(bare.meta({ title: "Title", examples: ["x"], deprecated: true, id: undefined }))).toBe(digest(bare));
      expect(digest(z.object({ inner: bare.describe("a text") }))).toBe(digest(z.object({ inner: bare })));
    },
  );

  test("has the digests that every later version must give (UPDATE_GOLDEN=1 records a new schema, never a change)", () => {
    const path = new URL("../golden/schemas.json", import.meta.url).pathname;
    const current = Object.fromEntries(Object.entries(everydaySchemas).map(([name, build]) => [name, digest(build(z))]));
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, `${JSON.stringify(current, null, 2)}\n`);
    expect(current).toEqual(JSON.parse(readFileSync(path, "utf8")));
  });

  test("tells every one of these schemas from every other that means something else", () => {
    const digests = Object.entries(everydaySchemas).map(([name, build]) => [digest(build(z)), name] as const);
    const byDigest = new Map<string, string[]>();
    for (const [value, name] of digests) byDigest.set(value, [...(byDigest.get(value) ?? []), name]);
    expect([...byDigest.values()].filter((names) => names.length > 1)).toEqual([
      ["string", "optional taken back", "lazy", "branded"],
      ["uuid", "uuid as a check"],
    ]);
  });
});

describe("what is described", () => {
  const cases: readonly (readonly [string, z.ZodType, object])[] = [
    ["the narrowest of several bounds", z.string().min(2).min(5).max(9).max(7).length(6), { type: "string", min: 6, max: 6 }],
    ["a format by its name, never by its pattern", z.uuid(), { type: "string", format: "uuid" }],
    ["a version of a format", z.uuidv7(), { type: "string", format: "uuidv7" }],
    [
      "the options of a datetime",
      z.iso.datetime({ offset: true, precision: 3 }),
      { type: "string", format: "datetime+offset:3" },
    ],
    ["the precision of a time", z.iso.time({ precision: 0 }), { type: "string", format: "time:0" }],
    ["the algorithm of a token", z.jwt({ alg: "HS256" }), { type: "string", format: "jwt:HS256" }],
    ["a token of any algorithm", z.jwt(), { type: "string", format: "jwt" }],
    ["a hardware address", z.mac(), { type: "string", format: "mac" }],
    ["a hardware address with colons, said", z.mac({ delimiter: ":" }), { type: "string", format: "mac" }],
    ["a hardware address with dashes", z.mac({ delimiter: "-" }), { type: "string", format: "mac:-" }],
    ["a web address", z.httpUrl(), { type: "string", format: "http_url" }],
    ["a pattern with its flags, g left out", z.string().regex(/^a\/b$/giu), { type: "string", pattern: "^a\\/b$", flags: "iu" }],
    ["a named pattern of zod as its pattern", z.hex(), { type: "string", pattern: "^[0-9a-fA-F]*$" }],
    ["a prefix as a pattern", z.string().startsWith("a.b"), { type: "string", pattern: "^a\\.b" }],
    ["a part from a position on", z.string().includes("x", { position: 3 }), { type: "string", pattern: "^[^]{3,}?x" }],
    [
      "several patterns as one, in one order",
      z.string().endsWith("b").startsWith("a"),
      { type: "string", pattern: "^(?=[^]*?(?:^a))(?=[^]*?(?:b$))" },
    ],
    ["the same pattern twice as once", z.string().lowercase().lowercase(), { type: "string", pattern: "^[^A-Z]*$" }],
    ["a part anywhere", z.string().includes("x"), { type: "string", pattern: "x" }],
    ["a list of one length", z.array(z.int()).length(2), { type: "array", item: { type: "integer" }, min: 2, max: 2 }],
    ["an integer that is checked as a float too", z.int().check(z.float64()), { type: "integer" }],
    ["exclusive bounds of an integer as inclusive ones", z.number().int().gt(3).lt(8.5), { type: "integer", min: 4, max: 8 }],
    ["inclusive fractions as the next integer", z.int().min(-0.5).max(0.5), { type: "integer", min: 0, max: 0 }],
    ["words of 32 bits with their bounds", z.uint32(), { type: "integer", min: 0, max: 4_294_967_295 }],
    ["bounds that say nothing as none", z.int().min(-Infinity).max(Number.MAX_SAFE_INTEGER), { type: "integer" }],
    ["enum labels in one order", z.enum(["b", "a"]), { type: "enum", values: ["a", "b"] }],
    ["literals in one order, null among them", z.literal([null, "b", 1]), { type: "literal", values: ["b", 1, null] }],
    ["numbers of a TypeScript enum as literals", z.enum({ A: 0, B: "x", 0: "A" }), { type: "literal", values: ["x", 0] }],
    [
      "required members in one order, whatever the order of writing",
      z.object({ b: z.int(), a: z.int(), c: z.int().default(1), d: z.int().optional() }),
      {
        type: "object",
        fields: {
          a: { type: "integer" },
          b: { type: "integer" },
          c: { type: "default", of: { type: "integer" }, value: 1 },
          d: { type: "optional", of: { type: "integer" } },
        },
        required: ["a", "b"],
        unknown: "strip",
      },
    ],
    [
      "a record of every label as an object",
      z.record(z.literal(["b", "a"]), z.int()),
      { type: "object", fields: { a: { type: "integer" }, b: { type: "integer" } }, required: ["a", "b"], unknown: "refuse" },
    ],
    [
      "a record of some labels",
      z.partialRecord(z.enum(["a"]), z.int()),
      { type: "record", key: { type: "enum", values: ["a"] }, value: { type: "integer" } },
    ],
    ["a nullable value as a choice", z.string().nullable(), { type: "union", of: [{ type: "string" }, { type: "null" }] }],
    [
      "recursion by the number of shapes around",
      recursiveTree(),
      {
        type: "object",
        fields: { kids: { type: "array", item: { type: "optional", of: { type: "recursive", depth: 0 } } } },
        required: ["kids"],
        unknown: "strip",
      },
    ],
    [
      "a subject, and the checks that have a name",
      subject("account", "write").check(
        opaque("a", 1, () => true),
        opaque("b", 2, () => true),
      ),
      {
        type: "string",
        min: 1,
        subject: { kind: "account", access: "write" },
        opaque: [
          { name: "a", version: 1 },
          { name: "b", version: 2 },
        ],
      },
    ],
    ["a plain field", plain(z.uuid()), { type: "string", format: "uuid", plain: true }],
    [
      "named checks of wrappers and of what they wrap",
      z
        .array(z.int().check(opaque("inner", 1, () => true)))
        .readonly()
        .check(opaque("outer", 1, () => true)),
      {
        type: "array",
        item: { type: "integer", opaque: [{ name: "inner", version: 1 }] },
        opaque: [{ name: "outer", version: 1 }],
      },
    ],
    [
      "an optional with a check of its own keeps it",
      z
        .string()
        .optional()
        .check(opaque("o", 1, () => true))
        .nonoptional(),
      {
        type: "optional",
        of: { type: "string" },
        opaque: [{ name: "o", version: 1 }],
      },
    ],
    ["a nonoptional of something that isn't optional as it is", z.nonoptional(z.int()), { type: "integer" }],
    ["JSON of any shape", z.json(), { type: "json" }],
    [
      "a member called __proto__",
      z.object({ ["__proto__"]: z.int() }),
      {
        type: "object",
        fields: JSON.parse('{"__proto__":{"type":"integer"}}') as object,
        required: ["__proto__"],
        unknown: "strip",
      },
    ],
  ];

  test.each(cases)("%s", (_title, schema, expected) => {
    expect(describeSchema(schema)).toEqual(expected);
  });

  test("a schema used in two places is described twice, not as recursion", () => {
    const money = z.object({ amount: z.int() });
    const { fields } = describeSchema(z.object({ a: money, b: money })) as { fields: Record<string, object> };
    expect(fields["a"]).toEqual(fields["b"]);
  });

  test("subject marks survive optional, nullable, default, array, refine by name and describe", () => {
    const account = subject("account", "write");
    const wrapped = [
      account.optional(),
      account.nullable(),
      account.default("a"),
      z.array(account),
      account.describe("x"),
      account.check(opaque("c", 1, () => true)),
    ];
    for (const schema of wrapped)
      expect(JSON.stringify(describeSchema(schema))).toContain('"subject":{"kind":"account","access":"write"}');
  });
});

describe("what is refused, with a pointer and what would be right", () => {
  const cases: readonly (readonly [string, z.ZodType, string])[] = [
    [
      "a fraction",
      z.object({ a: z.array(z.number()) }),
      '/a/* a contract can\'t say a number with a fraction at "/a/*"; use z.int() or decimal()',
    ],
    ["a float", z.float64(), "a number with a fraction"],
    ["a multiple", z.int().multipleOf(5), "opaque("],
    ["a coercion", z.coerce.string(), "a coercion"],
    ["a Date", z.date(), "use instant()"],
    ["a bigint", z.bigint(), "use z.int() or decimal()"],
    ["an int64", z.int64(), "use z.int() or decimal()"],
    ["NaN", z.nan(), "NaN"],
    ["a Map", z.map(z.string(), z.int()), "use z.record()"],
    ["a Set", z.set(z.string()), "use z.array()"],
    ["undefined", z.undefined(), ".optional()"],
    ["void", z.void(), "z.null()"],
    ["never", z.never(), "leave it out"],
    ["a symbol", z.symbol(), "z.string()"],
    ["a promise", z.promise(z.string()), "a promise"],
    ["a file", z.file(), "artifact"],
    ["a custom type", z.custom<string>(() => true), "opaque("],
    ["an instance", z.instanceof(Date), "opaque("],
    ["a transform", z.string().transform((text) => text), "transform in the handler"],
    ["a pipe", z.string().pipe(z.string()), "transform in the handler"],
    ["a codec", z.stringbool(), "transform in the handler"],
    ["a preprocessor", z.preprocess((value) => value, z.string()), "transform in the handler"],
    ["a caught error", z.string().catch("x"), ".default()"],
    ["an intersection", z.intersection(z.object({}), z.object({})), "z.object()"],
    ["a template literal", z.templateLiteral(["a", z.string()]), "regex()"],
    ["trimming", z.string().trim(), "rewritten"],
    ["lower-casing", z.string().toLowerCase(), "rewritten"],
    ["a normalized url", z.url({ normalize: true }), "rewritten"],
    ["a url with patterns", z.url({ hostname: /^a$/ }), "opaque()"],
    ["an email with a pattern", z.email({ pattern: z.regexes.html5Email }), "z.email()"],
    ["a format made of code", z.stringFormat("odd", () => true), "opaque(name, version, check)"],
    ["two formats", z.uuid().check(z.email()), "two formats"],
    ["patterns with different flags", z.string().regex(/a/i).regex(/b/), "one regular expression"],
    ["a refinement without a name (decision 1.7)", z.string().refine(() => true), ".check(opaque(name, version, check))"],
    ["a super-refinement", z.object({ a: z.string().superRefine(() => undefined) }), "/a "],
    ["a bare check", z.string().check(() => undefined), "a refinement without a name"],
    ["a check on a part", z.object({ a: z.string() }).check(z.property("a", z.string())), 'the check "property"'],
    ["an exclusive union", z.xor([z.string(), z.int()]), "z.union()"],
    ["a loose record", z.looseRecord(z.string(), z.int()), "z.record()"],
    ["a record with numbers as keys", z.record(z.int(), z.int()), "keys of type integer"],
    ["a record of number literals", z.record(z.literal([1, 2]), z.int()), "keys of type literal"],
    ["an object whose other members have a schema", z.object({}).catchall(z.int()), "z.record()"],
    ["a fraction as a literal", z.literal(1.5), "the literal number"],
    ["a bigint as a literal", z.literal(1n), "the literal bigint"],
    ["a default that changes", z.int().default(counter()), "a default that changes"],
    ["a default with a fraction", z.json().default(1.5), "plain JSON"],
    ["a default that its schema refuses", z.string().min(3).default("x"), "in full"],
    [
      "a default that its schema completes",
      z.object({ a: z.int().optional(), b: z.int().default(1) }).default({} as { b: number }),
      "in full",
    ],
    ["a mark on another type than a string", z.int().check(subjectCheck()), "a mark on integer"],
    ["an id of two kinds", subject("a", "read", subject("b")), "two entity kinds"],
    ["a subject that is plain", plain(subject("a")), "drop plain()"],
    [
      "a record whose labels have a check",
      z.record(z.enum(["a"]).check(opaque("c", 1, () => true)), z.int()),
      "keys of type enum",
    ],
    ["a wrapper of something that is no schema", withType("nonoptional"), "no zod 4 schema"],
    ["a lazy schema without a getter", withType("lazy"), "no zod 4 schema"],
    ["a schema that is only itself", itself(), "a schema that is itself"],
    ["a schema that goes on for ever", endless(), "a schema this large"],
    ["a schema of 2^20 parts", doubled(20), "a schema this large"],
    ["an unknown type of a later zod", withType("hologram"), 'the schema type "hologram"'],
    ["a type named like a property of every object", withType("constructor"), 'the schema type "constructor"'],
    ["an unknown format of a later zod", withFormat("planet"), 'the string format "planet"'],
  ];

  test.each(cases)("%s", (_title, schema, expected) => {
    expect(refusal(schema)).toContain(expected);
  });

  test("something that is no schema", () => {
    for (const value of [undefined, null, 1, {}, { _zod: null }, { _zod: { def: {} } }, () => undefined]) {
      expect(refusal(value as never)).toContain("no zod 4 schema");
    }
  });
});

describe("malformed marks are refused where they are made", () => {
  test.each([
    ["an entity kind in capitals", () => subject("Account")],
    ["an empty entity kind", () => subject("")],
    ["an access that doesn't exist", () => subject("account", "own" as "read")],
    ["a check with a space in its name", () => opaque("a b", 1, () => true)],
    ["a check with version 0", () => opaque("a", 0, () => true)],
    ["a check with a fractional version", () => opaque("a", 1.5, () => true)],
  ])("%s", (_title, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "schema.not_describable" }));
  });
});

describe("the schemas of this package", () => {
  test.each([
    ["12.50", true],
    ["0", true],
    ["-0.01", true],
    ["12.", false],
    ["01", false],
    ["1e3", false],
    ["+1", false],
    ["-0", false],
    ["-0.00", false],
    ["1,5", false],
    ["", false],
    ["1\n", false],
  ])("decimal() on %j says %s", (text, accepted) => {
    expect(decimal().safeParse(text).success).toBe(accepted);
  });

  test.each([
    ["2026-02-28T09:30:00Z", true],
    ["2024-02-29T23:59:59.250Z", true],
    ["2026-02-29T09:30:00Z", false],
    ["2026-02-28T09:30:00+01:00", false],
    ["2026-02-28", false],
  ])("instant() on %j says %s", (text, accepted) => {
    expect(instant().safeParse(text).success).toBe(accepted);
  });

  test("opaque checks refuse with their name, subjects refuse the empty id", () => {
    const schema = z.object({ a: z.string().check(opaque("even", 1, (text) => text.length % 2 === 0)), b: subject("account") });
    expect(schema.safeParse({ a: "ab", b: "x" }).success).toBe(true);
    const { error } = schema.safeParse({ a: "abc", b: "" });
    expect(error?.issues.map((issue) => issue.path.join("."))).toEqual(["a", "b"]);
    expect(error?.issues[0]?.message).toBe('is not accepted by the check "even"');
  });
});

function recursiveTree(): z.ZodType {
  const Tree: z.ZodType = z.object({
    get kids(): z.ZodType {
      return z.array(Tree.optional());
    },
  });
  return Tree;
}

function counter(): () => number {
  let count = 0;
  return () => (count += 1);
}

function subjectCheck(): z.core.$ZodCheck<number> {
  const [check] = subject("a").def.checks?.slice(-1) ?? [];
  return check as z.core.$ZodCheck<number>;
}

function itself(): z.ZodType {
  const schema: z.ZodType = z.union([z.string(), z.lazy(() => schema)]);
  return schema;
}

function endless(): z.ZodType {
  return z.lazy(endless);
}

function doubled(times: number): z.ZodType {
  let schema: z.ZodType = z.string();
  for (let time = 0; time < times; time += 1) schema = z.object({ a: schema, b: schema });
  return schema;
}

function withType(type: string): z.ZodType {
  return { _zod: { def: { type } } } as unknown as z.ZodType;
}

test("a definition that lost its lists is described as empty, not read as something else", () => {
  expect(["literal", "enum", "object", "tuple", "union"].map((type) => describeSchema(withType(type)))).toEqual([
    { type: "literal", values: [] },
    { type: "enum", values: [] },
    { type: "object", fields: {}, required: [], unknown: "strip" },
    { type: "tuple", items: [] },
    { type: "union", of: [] },
  ]);
  expect(describeSchema(withFormat("regex"))).toEqual({ type: "string" });
});

function withFormat(format: string): z.ZodType {
  return {
    _zod: { def: { type: "string", checks: [{ _zod: { def: { check: "string_format", format } } }] } },
  } as unknown as z.ZodType;
}
