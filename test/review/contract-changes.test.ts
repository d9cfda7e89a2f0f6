import { describe, expect, test } from "vitest";
import { z } from "zod";
import fc from "fast-check";
import { defineVerb, subject } from "runseal";
import type { VerbContract } from "runseal";
import { contractChanges } from "../../src/review/contract-changes.js";

const fields = {
  name: "account.open",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ account: subject("account", "write"), currency: z.enum(["EUR", "USD"]), note: z.string().max(10).optional() }),
  result: z.object({ number: z.string() }),
} as const;
const before = defineVerb(fields).contract;

/** `path: sealed -> current` */
function told(after: VerbContract): readonly string[] {
  return contractChanges(before, after).map(({ path, sealed, current }) => `${path}: ${sealed} -> ${current}`);
}

describe("the changes of a contract (decision 1.7)", () => {
  test.each<[string, VerbContract, readonly string[]]>([
    [
      "nothing that is not its meaning",
      defineVerb({ ...fields, timeout: "1s", tags: ["slow"], sentence: "Opens." }).contract,
      [],
    ],
    ["its recovery", defineVerb({ ...fields, recovery: "manual" }).contract, ['recovery: "idempotent" -> "manual"']],
    [
      "its effect, and with it the recovery",
      defineVerb({ ...fields, effect: "pure", recovery: undefined } as never).contract,
      ['effect: "write" -> "pure"', 'recovery: "idempotent" -> null'],
    ],
    ["its mode", defineVerb({ ...fields, mode: "durable" }).contract, ['mode: "sync" -> "durable"']],
    ["its version", defineVerb({ ...fields, version: 2 }).contract, ["version: 1 -> 2"]],
    [
      "an argument that is new, with its name among the required ones",
      defineVerb({ ...fields, args: fields.args.extend({ branch: z.int() }) }).contract,
      ['args.branch: null -> {"type":"integer"}', 'args.required: ["account","currency"] -> ["account","branch","currency"]'],
    ],
    [
      "the words of an enumeration",
      defineVerb({ ...fields, args: fields.args.extend({ currency: z.enum(["EUR"]) }) }).contract,
      ['args.currency.values: ["EUR","USD"] -> ["EUR"]'],
    ],
    [
      "a bound inside an optional argument",
      defineVerb({ ...fields, args: fields.args.extend({ note: z.string().max(9).optional() }) }).contract,
      ["args.note.of.max: 10 -> 9"],
    ],
    [
      "the type of a result",
      defineVerb({ ...fields, result: z.object({ number: z.int() }) }).contract,
      ['result.number: {"type":"string"} -> {"type":"integer"}'],
    ],
    [
      "the inverse",
      defineVerb({ ...fields, undo: { verb: "account.close", args: ({ args }) => ({ account: args.account }) } }).contract,
      ['undo: null -> {"args":{"account":{"$":"param","path":["account"]}},"verb":"account.close"}'],
    ],
  ])("name %s", (_, after, expected) => {
    expect(told(after)).toEqual(expected);
    expect(contractChanges(before, after).length === 0).toBe(before.digest === after.digest);
  });

  test("are at most twenty, and long texts are cut", () => {
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`field_${n}`, z.string()]));
    const changes = contractChanges(before, defineVerb({ ...fields, args: z.object(many) }).contract);
    expect(changes).toHaveLength(20);
    const long = defineVerb({ ...fields, args: fields.args.extend({ currency: z.enum(["EUR", "x".repeat(300)]) }) }).contract;
    expect(contractChanges(before, long)[0]?.current).toMatch(/^\["EUR","x{190,}…$/);
  });

  const shape = fc.constantFrom(z.string(), z.int(), z.string().max(3), z.array(z.int()), z.object({ deep: z.boolean() }));
  const contract = fc
    .record({
      args: fc.dictionary(fc.constantFrom("a", "b", "__proto_", "fields"), shape),
      result: shape,
      recovery: fc.constantFrom("idempotent" as const, "manual" as const),
    })
    .map(({ args, result, recovery }) => defineVerb({ ...fields, args: z.object(args), result, recovery }).contract);

  test("are there exactly when the digests differ, and the other way round from the other side", () => {
    fc.assert(
      fc.property(contract, contract, (a, b) => {
        const there = contractChanges(a, b);
        expect(there.length === 0).toBe(a.digest === b.digest);
        expect(contractChanges(b, a)).toEqual(
          there.map(({ path, sealed, current }) => ({ path, sealed: current, current: sealed })),
        );
      }),
    );
  });
});
