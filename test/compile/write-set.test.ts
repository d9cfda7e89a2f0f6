import { describe, expect, test } from "vitest";
import { fc, test as property } from "@fast-check/vitest";
import type { SchemaDescription } from "../../src/model/schema-description.js";
import type { Tree } from "../../src/model/expression.js";
import { checkWriteSet, deriveWrites, NO_WRITES } from "../../src/compile/write-set.js";
import { entityKey, uuidIn } from "../../src/compile/entity.js";
import { json, listOf, obj, opt, plain, reads, result, text, verb, writes } from "./build.js";

const UUID = "0f6c1a7e-3b1d-4c57-9a52-6f1f0c1b2d3e";
const OTHER = "1f6c1a7e-3b1d-4c57-9a52-6f1f0c1b2d3e";

/** `kind:id` of writes, `?` after a guess; reads after a bar; late writes as `kind@pointer`. */
function touched(
  args: Record<string, SchemaDescription>,
  tree: Tree,
  effect: "read" | "write" = "write",
  mode = "heuristic",
): string {
  const { contract } = verb("any.verb", args, { effect });
  const found = deriveWrites(contract, tree, mode === "declared" ? "declared" : "heuristic");
  const written = found.writes.map(({ kind, id, source }) => `${kind}:${id}${source === "heuristic" ? "?" : ""}`);
  const late = found.lateWrites.map(({ kind, pointer }) => `${kind}@${pointer}`);
  return [[...written, ...late].join(" "), found.reads.map(({ kind, id }) => `${kind}:${id}`).join(" ")].join(" | ");
}

describe("A-009 A-101 A-102 X20 declared subjects, per step (decision 2.8)", () => {
  test("are read through optional, default, list, record, tuple, union and nested objects", () => {
    const shape = {
      a: opt(writes("a")),
      b: { type: "default", of: writes("b"), value: "b-0" } as const,
      c: listOf(writes("c")),
      d: { type: "record", key: reads("d"), value: writes("e") } as const,
      f: { type: "tuple", items: [text, writes("f")], rest: writes("g") } as const,
      h: { type: "union", of: [{ type: "null" }, writes("h")] } as const,
      i: obj({ j: obj({ k: writes("k") }) }),
    };
    const args = {
      a: "a-1",
      b: "b-1",
      c: ["c-1", "c-2"],
      d: { "d-1": "e-1" },
      f: ["x", "f-1", "g-1"],
      h: "h-1",
      i: { j: { k: "k-1" } },
    };
    expect(touched(shape, args)).toBe("a:a-1 b:b-1 c:c-1 c:c-2 e:e-1 f:f-1 g:g-1 h:h-1 k:k-1 | d:d-1");
    expect(touched({ h: shape.h }, { h: null })).toBe(" | ");
  });

  test("of a union are those of the option that the value fits", () => {
    const shape: SchemaDescription = {
      type: "union",
      discriminator: "type",
      of: [
        obj({ type: { type: "literal", values: ["open"] }, id: writes("account") }),
        obj({ type: { type: "literal", values: ["look"] }, id: reads("account") }),
      ],
    };
    expect(touched({ do: shape }, { do: { type: "look", id: "a-1" } })).toBe(" | account:a-1");
    expect(touched({ do: shape }, { do: { type: "open", id: "a-1" } })).toBe("account:a-1 | ");
    expect(touched({ do: shape }, { do: { type: result("s"), id: "a-1" } })).toBe("account:a-1 | account:a-1");
  });

  test("of a recursive schema are found at every depth", () => {
    const node: SchemaDescription = obj({ id: writes("node"), inner: listOf({ type: "recursive", depth: 1 }) });
    const tree = {
      top: {
        id: "n-1",
        inner: [
          { id: "n-2", inner: [{ id: "n-3", inner: [] }] },
          { id: result("s"), inner: [] },
        ],
      },
    };
    expect(touched({ top: node }, tree)).toBe("node:n-1 node:n-2 node:n-3 node@/top/inner/1/id | ");
    expect(touched({ top: node }, { top: { id: "n-1", inner: result("s") } })).toBe("node:n-1 node@/top/inner | ");
  });

  test("are each listed once, sorted by kind and id, and frozen", () => {
    const { contract } = verb("any.verb", { ids: listOf(writes("b")), other: writes("a") });
    const found = deriveWrites(contract, { ids: ["z", "a", "z"], other: "m" }, "heuristic");
    expect(found.writes).toEqual([
      { kind: "a", id: "m", access: "write", source: "declared" },
      { kind: "b", id: "a", access: "write", source: "declared" },
      { kind: "b", id: "z", access: "write", source: "declared" },
    ]);
    expect([found, found.writes, found.writes[0]].every(Object.isFrozen)).toBe(true);
  });

  test("a verb that declares nothing and does not write touches nothing, at no cost", () => {
    const { contract } = verb("any.verb", { id: text }, { effect: "read" });
    expect(deriveWrites(contract, { id: UUID }, "heuristic")).toBe(NO_WRITES);
  });
});

describe("A-100 UUIDs in arguments of writing verbs", () => {
  test.each([
    ["anywhere in undeclared arguments", { x: json }, { x: [{ y: UUID }, { [OTHER]: 1 }] }, `uuid:${UUID}? uuid:${OTHER}? | `],
    ["in upper case, blanks and angle brackets", { x: text }, { x: `  <${UUID.toUpperCase()}> ` }, `uuid:${UUID}? | `],
    ["not where the field is plain", { x: plain }, { x: UUID }, " | "],
    ["not where it is declared read", { x: reads("account") }, { x: UUID }, ` | account:${UUID}`],
    [
      "once, by its declaration, where it is declared too",
      { x: text, y: writes("account") },
      { x: UUID, y: UUID },
      `account:${UUID} | `,
    ],
    ["inside wrapped literals", { x: json }, { x: { $: "literal", value: { $: UUID } } }, `uuid:${UUID}? | `],
    ["not inside a longer text", { x: text }, { x: `see ${UUID} there` }, " | "],
    ["not where the value is late", { x: text }, { x: result("s") }, " | "],
  ])("count %s", (_name, shape, args, found) => {
    expect(touched(shape as Record<string, SchemaDescription>, args as Tree)).toBe(found);
  });

  test("do not count for a verb that reads, nor in declared mode", () => {
    expect(touched({ x: text }, { x: UUID }, "read")).toBe(" | ");
    expect(touched({ x: text, y: writes("a") }, { x: UUID, y: "a-1" }, "write", "declared")).toBe("a:a-1 | ");
  });

  property.prop([fc.uuid(), fc.constantFrom("", " ", "\t\n"), fc.boolean()])(
    "A-100 every UUID is found whatever its case and dress, and compares in lower case",
    (id, blanks, isBracketed) => {
      const dressed = `${blanks}${isBracketed ? `<${id.toUpperCase()}>` : id.toUpperCase()}${blanks}`;
      expect(uuidIn(dressed)).toBe(id.toLowerCase());
      expect(entityKey({ kind: "a", id: dressed })).toBe(entityKey({ kind: "b", id }));
    },
  );

  property.prop([fc.string(), fc.string(), fc.string(), fc.string()])(
    "two entities without a UUID share a key only when kind and id are equal",
    (kindA, idA, kindB, idB) => {
      fc.pre(!kindA.includes("\n") && !kindB.includes("\n") && uuidIn(idA) === undefined && uuidIn(idB) === undefined);
      expect(entityKey({ kind: kindA, id: idA }) === entityKey({ kind: kindB, id: idB })).toBe(kindA === kindB && idA === idB);
    },
  );
});

describe("decision 2.9 late writes", () => {
  test("name the kind and the place of every writing subject that a late value may fill", () => {
    const shape = { a: writes("account"), b: opt(obj({ c: writes("card"), d: listOf(writes("card")), e: reads("x") })), f: text };
    expect(touched(shape, { a: result("s", "id"), b: result("s"), f: result("s") })).toBe("account@/a card@/b | ");
    expect(touched(shape, result("s"))).toBe("account@ card@ | ");
    expect(touched(shape, { a: { $: "orElse", of: [result("s"), "a-1"] }, f: "" })).toBe("account@/a | ");
  });

  test("keep pointers escaped", () => {
    expect(touched({ "a/b~c": writes("account") }, { "a/b~c": result("s") })).toBe("account@/a~1b~0c | ");
  });
});

describe("write_set_unresolved", () => {
  const silent = verb("mail.send", { to: text }).contract;
  const spoken = verb("account.open", { account: writes("account") }).contract;
  const looking = verb("account.look", { account: text }, { effect: "read" }).contract;
  const contracts = new Map([
    ["mail.send@1", silent],
    ["account.open@1", spoken],
    ["account.look@1", looking],
  ] as const);
  const steps = ["mail.send@1", "account.open@1", "mail.send@1", "account.look@1"].map((name, index) => ({
    id: `s${index}`,
    verb: name as `${string}@${number}`,
    args: {},
    after: [],
    mode: "sync" as const,
    optional: [],
    macro: null,
  }));

  test("decision 2.8 in declared mode a writing verb that declares nothing is refused, once, with its steps", () => {
    expect(checkWriteSet(steps, contracts, "declared")).toMatchObject({
      kind: "compilation_error",
      errorKind: "write_set_unresolved",
      sourcePhase: "write_set",
      findings: [{ code: "write_set.undeclared", path: "s0", related: ["s0", "s2"] }],
    });
    expect(checkWriteSet(steps.slice(1, 2), contracts, "declared")).toBeUndefined();
  });

  test("in the default mode it passes", () => {
    expect(checkWriteSet(steps, contracts, "heuristic")).toBeUndefined();
  });
});
