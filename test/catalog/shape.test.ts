import { describe, expect, test } from "vitest";
import { z } from "zod";
import { describeSchema } from "runseal";
import {
  UNKNOWN_SHAPE,
  isScalarShape,
  itemShape,
  memberNamesOf,
  memberShape,
  settle,
  shapeOf,
  tagsOfShape,
  variantShape,
  type Shape,
} from "../../src/catalog/shape.js";

const shape = (schema: z.ZodType): Shape => shapeOf(describeSchema(schema));
/** The types that a shape may have. */
const types = (of: Shape | undefined): readonly string[] | undefined =>
  of?.kind === "schema" ? of.places.map(({ description }) => description.type) : undefined;
const record: Shape = { kind: "record", fields: { a: shape(z.int()) } };
const list: Shape = { kind: "list", item: shape(z.boolean()) };

describe("a shape", () => {
  test("knows members through optional, default, nullable and choice", () => {
    const wrapped = z.object({
      a: z.object({ b: z.int() }).nullable().optional(),
      d: z.object({ e: z.string() }).default({ e: "x" }),
    });
    expect(types(memberShape(memberShape(shape(wrapped), "a") ?? list, "b"))).toEqual(["integer"]);
    expect(types(memberShape(memberShape(shape(wrapped), "d") ?? list, "e"))).toEqual(["string"]);
    const union = z.union([z.object({ a: z.int() }), z.object({ a: z.string(), b: z.int() })]);
    expect(types(memberShape(shape(union), "a"))).toEqual(["integer", "string"]);
    expect(memberShape(shape(union), "b")).toBeUndefined();
    expect(memberNamesOf(shape(union))).toEqual(["a"]);
  });

  test("knows members of records, of objects that keep others, and of JSON", () => {
    expect(types(memberShape(shape(z.record(z.string(), z.int())), "any"))).toEqual(["integer"]);
    expect(types(memberShape(shape(z.looseObject({})), "any"))).toEqual(["json"]);
    expect(types(memberShape(shape(z.json()), "any"))).toEqual(["json"]);
    expect(memberShape(shape(z.object({ a: z.int() })), "toString")).toBeUndefined();
    expect(memberShape(shape(z.null()), "a")).toBeUndefined();
    expect(memberShape(UNKNOWN_SHAPE, "any")).toBe(UNKNOWN_SHAPE);
    expect(types(memberShape(record, "a"))).toEqual(["integer"]);
    expect([memberShape(record, "b"), memberShape(list, "a"), memberNamesOf(list)]).toEqual([undefined, undefined, []]);
    expect(memberNamesOf(record)).toEqual(["a"]);
  });

  test("knows items of lists, tuples and JSON", () => {
    const tuple = shape(z.tuple([z.string(), z.int()], z.boolean()));
    expect(types(itemShape(tuple))).toEqual(["string", "integer", "boolean"]);
    expect([0, 1, 7].map((index) => types(itemShape(tuple, index)))).toEqual([["string"], ["integer"], ["boolean"]]);
    const pair = shape(z.tuple([z.string()]));
    expect([itemShape(pair, 1), types(itemShape(pair))]).toEqual([undefined, ["string"]]);
    expect(types(itemShape(shape(z.array(z.int())), 5))).toEqual(["integer"]);
    expect(types(itemShape(shape(z.json())))).toEqual(["json"]);
    expect([itemShape(shape(z.int())), itemShape(record)]).toEqual([undefined, undefined]);
    expect([itemShape(UNKNOWN_SHAPE), types(itemShape(list))]).toEqual([UNKNOWN_SHAPE, ["boolean"]]);
  });

  test("follows recursion as deep as it is read", () => {
    const Tree: z.ZodType = z.object({
      get kids(): z.ZodType {
        return z.array(Tree.optional());
      },
    });
    let at: Shape = shape(Tree);
    for (let level = 0; level < 5; level += 1) at = itemShape(memberShape(at, "kids") ?? record) ?? record;
    expect(types(at)).toEqual(["object"]);
    expect(settle({ description: { type: "recursive", depth: 3 }, enclosing: [] })).toEqual([]);
  });

  test("knows the variants of a choice", () => {
    const choice = shape(
      z.discriminatedUnion("k", [
        z.object({ k: z.literal("a"), x: z.int() }),
        z.object({ k: z.enum(["b", "c"]) }),
        z.object({ k: z.literal(1) }),
      ]),
    );
    expect(tagsOfShape(choice, "k")).toEqual(["a", "b", "c"]);
    expect(tagsOfShape(choice, "other")).toEqual([]);
    expect(types(memberShape(variantShape(choice, "k", "a") ?? list, "x"))).toEqual(["integer"]);
    expect(variantShape(choice, "k", "d")).toBeUndefined();
    expect([variantShape(record, "k", "a"), variantShape(UNKNOWN_SHAPE, "k", "a")]).toEqual([undefined, UNKNOWN_SHAPE]);
    expect([tagsOfShape(UNKNOWN_SHAPE, "k"), tagsOfShape(shape(z.object({ k: z.string() })), "k")]).toEqual([[], []]);
    expect(variantShape(shape(z.json()), "k", "a")).toBeUndefined();
  });

  test("knows what can be the key of a loop", () => {
    expect([z.string(), z.int(), z.enum(["a"]), z.literal("a")].map((schema) => isScalarShape(shape(schema)))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([isScalarShape(shape(z.object({}))), isScalarShape(shape(z.boolean())), isScalarShape(record)]).toEqual([
      false,
      false,
      false,
    ]);
    expect(isScalarShape(UNKNOWN_SHAPE)).toBe(true);
  });
});
