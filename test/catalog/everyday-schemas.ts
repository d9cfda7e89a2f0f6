import type { z as Zod } from "zod";
import { decimal, instant, opaque, plain, subject } from "runseal";

/** Schemas of the kind that contracts are written with, each built with a given copy of zod. */
export const everydaySchemas: { readonly [name: string]: (z: typeof Zod) => Zod.ZodType } = {
  string: (z) => z.string(),
  "string with bounds": (z) => z.string().min(2).max(40),
  "string of one length": (z) => z.string().length(3),
  "string that isn't empty": (z) => z.string().nonempty(),
  uuid: (z) => z.uuid(),
  "uuid as a check": (z) => z.string().check(z.uuid()),
  uuidv4: (z) => z.uuidv4(),
  guid: (z) => z.guid(),
  email: (z) => z.email(),
  url: (z) => z.url(),
  ipv4: (z) => z.ipv4(),
  base64: (z) => z.base64(),
  emoji: (z) => z.emoji(),
  e164: (z) => z.e164(),
  jwt: (z) => z.jwt({ alg: "HS256" }),
  datetime: (z) => z.iso.datetime(),
  "datetime with offset": (z) => z.iso.datetime({ offset: true, local: true, precision: 3 }),
  date: (z) => z.iso.date(),
  time: (z) => z.iso.time({ precision: 0 }),
  duration: (z) => z.iso.duration(),
  pattern: (z) => z.string().regex(/^[A-Z]{2}[0-9]+$/i),
  "prefix, suffix and part": (z) => z.string().startsWith("DE-").endsWith(".x").includes("a", { position: 2 }),
  "upper and lower case": (z) => z.object({ a: z.string().lowercase(), b: z.string().uppercase() }),
  integer: (z) => z.int(),
  "integer, old spelling, exclusive bounds": (z) => z.number().int().gt(3).lt(8.5),
  "word of 32 bits": (z) => z.int32(),
  "positive integer": (z) => z.int().positive(),
  boolean: (z) => z.boolean(),
  null: (z) => z.null(),
  literals: (z) => z.literal(["x", 1, null, true]),
  enum: (z) => z.enum(["EUR", "USD", "CHF"]),
  "enum of keys": (z) => z.object({ b: z.int(), a: z.int() }).keyof(),
  object: (z) => z.object({ name: z.string(), note: z.string().optional(), tags: z.array(z.string()).default([]) }),
  "strict object": (z) => z.strictObject({ a: z.string() }),
  "loose object": (z) => z.looseObject({ a: z.string() }),
  record: (z) => z.record(z.string(), z.int()),
  "record of every label": (z) => z.record(z.enum(["a", "b"]), z.int()),
  "record of some labels": (z) => z.partialRecord(z.enum(["a", "b"]), z.int()),
  tuple: (z) => z.tuple([z.string(), z.int()], z.boolean()),
  array: (z) => z.array(z.string()).min(1).max(3),
  union: (z) => z.union([z.string(), z.int(), z.array(z.string())]),
  "discriminated union": (z) =>
    z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("card"), number: z.string() }),
      z.object({ kind: z.literal("iban"), iban: z.string().check(opaque("iban", 1, isShort)) }),
    ]),
  "nullable and nullish": (z) => z.object({ a: z.string().nullable(), b: z.int().nullish() }),
  "default of an object": (z) => z.object({ a: z.object({ b: z.int() }).default({ b: 1 }) }),
  prefault: (z) => z.string().prefault("x"),
  readonly: (z) => z.array(z.string()).readonly(),
  "optional taken back": (z) => z.string().optional().nonoptional(),
  json: (z) => z.object({ a: z.json(), b: z.unknown(), c: z.any().optional() }),
  lazy: (z) => z.lazy(() => z.string()),
  recursive: (z) => {
    const Node = z.object({
      id: z.string(),
      get children() {
        return z.array(Node);
      },
    });
    return Node;
  },
  subjects: (z) =>
    z.object({
      account: subject("account", "write", z.uuid()),
      owner: subject("customer", "read", z.string()).optional(),
      others: z.array(subject("account", "read", z.string())).default([]),
      checked: subject("account", "write", z.string()).check(opaque("checked", 2, isShort)),
    }),
  "marks of our own": (z) => z.object({ amount: decimal(), at: instant(), trace: plain(z.uuid()) }),
  branded: (z) => z.string().brand("sku"),
};

function isShort(text: string): boolean {
  return text.length < 40;
}
