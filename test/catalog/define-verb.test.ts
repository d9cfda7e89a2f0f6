import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { defineVerb, isRunsealError, subject } from "runseal";
import type { EntityId, StepContext, Verb } from "runseal";

const fields = {
  name: "account.open",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ account: subject("account", "write"), currency: z.enum(["USD", "EUR"]) }),
  result: z.object({ number: z.string() }),
} as const;
const openAccount = defineVerb(fields);

function refusal(define: () => unknown): string {
  try {
    define();
  } catch (error) {
    if (isRunsealError(error, "verb.invalid")) return `${error.details.field}: ${error.message}`;
    throw error;
  }
  return "defined";
}

describe("defineVerb", () => {
  test("makes a frozen verb whose contract is plain, frozen data", () => {
    expect(openAccount).toMatchObject({ kind: "verb", name: "account.open", version: 1, mode: "sync", recovery: "idempotent" });
    expect(
      Object.isFrozen(openAccount) && Object.isFrozen(openAccount.contract) && Object.isFrozen(openAccount.contract.args),
    ).toBe(true);
    expect(JSON.parse(JSON.stringify(openAccount.contract))).toEqual(openAccount.contract);
    expect(openAccount.contract.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  test("fills in mode, attempts by recovery class (D-118, decision 3.13), timeout and flags", () => {
    const { contract } = openAccount;
    expect(contract.retry).toEqual({ attemptsMax: 3, baseMs: 200, maxMs: 30_000 });
    expect([contract.mode, contract.timeoutMs, contract.tags, contract.retired, contract.replayable]).toEqual([
      "sync",
      300_000,
      [],
      false,
      false,
    ]);
    expect(defineVerb({ ...fields, recovery: "manual" }).contract.retry.attemptsMax).toBe(1);
    expect(defineVerb({ ...fields, recovery: "reconcile" }).contract.retry.attemptsMax).toBe(1);
    const { recovery: _, ...bare } = fields;
    expect(defineVerb({ ...bare, effect: "read" }).contract.retry.attemptsMax).toBe(3);
    expect(defineVerb({ ...bare, effect: "pure", retry: { attemptsMax: 5 } }).contract.retry.attemptsMax).toBe(5);
  });

  test("reads a timeout as milliseconds or as a span of time", () => {
    expect(defineVerb({ ...fields, timeout: 1500 }).contract.timeoutMs).toBe(1500);
    expect(defineVerb({ ...fields, timeout: "30s" }).contract.timeoutMs).toBe(30_000);
  });

  test("reads arguments strictly: what zod would strip, the contract refuses (decision 2.1b)", () => {
    const nested = defineVerb({
      ...fields,
      args: z.object({
        inner: z.array(z.union([z.object({}), z.tuple([z.object({})], z.object({}))])).optional(),
        open: z.looseObject({}),
      }),
    });
    const text = JSON.stringify(nested.contract.args);
    expect(text).not.toContain('"unknown":"strip"');
    expect(text.match(/"unknown":"refuse"/g)).toHaveLength(4);
    expect(text.match(/"unknown":"keep"/g)).toHaveLength(1);
    expect(JSON.stringify(nested.contract.result)).toContain('"unknown":"strip"');
  });

  test("accepts names of two and more segments", () => {
    expect(defineVerb({ ...fields, name: "bank.account.open_2" }).name).toBe("bank.account.open_2");
  });

  test("keeps the sentence out of the digest, and in the contract", () => {
    const said = defineVerb({ ...fields, sentence: "open {account} in {currency}" });
    expect(said.contract.sentence).toBe("open {account} in {currency}");
    expect(said.contract.digest).toBe(openAccount.contract.digest);
  });
});

describe("the contract digest (decision 1.7)", () => {
  const { digest } = openAccount.contract;
  const { recovery: _, ...bare } = fields;

  test.each([
    ["tags", { tags: ["slow"] }],
    ["timeout", { timeout: 1 }],
    ["retry", { retry: { attemptsMax: 9 } }],
    ["retirement", { retired: true }],
    ["descriptions", { args: fields.args.describe("what it needs"), result: fields.result.meta({ title: "x" }) }],
    [
      "the order of members and labels",
      { args: z.object({ currency: z.enum(["EUR", "USD"]), account: subject("account", "write") }) },
    ],
    ["strictness of arguments", { args: z.strictObject(fields.args.shape) }],
  ])("doesn't change with %s", (_what, change) => {
    expect(defineVerb({ ...fields, ...change }).contract.digest).toBe(digest);
  });

  test.each([
    ["the name", defineVerb({ ...fields, name: "account.close" })],
    ["the version", defineVerb({ ...fields, version: 2 })],
    ["the recovery class", defineVerb({ ...fields, recovery: "manual" })],
    ["the effect", defineVerb({ ...bare, effect: "read" })],
    ["purity", defineVerb({ ...bare, effect: "pure" })],
    ["the mode", defineVerb({ ...fields, mode: "durable" })],
    ["an argument", defineVerb({ ...fields, args: fields.args.extend({ note: z.string().optional() }) })],
    ["what a subject is for", defineVerb({ ...fields, args: fields.args.extend({ account: subject("account") }) })],
    ["the result", defineVerb({ ...fields, result: z.object({ number: z.string().min(1) }) })],
    ["the inverse", defineVerb({ ...fields, undo: { verb: "account.close", args: ({ args }) => ({ account: args.account }) } })],
  ])("changes with %s", (_what, verb) => {
    expect(verb.contract.digest).not.toBe(digest);
  });
});

describe("undo", () => {
  test("is recorded as expressions over arguments and result", () => {
    const verb = defineVerb({
      ...fields,
      undo: {
        verb: "account.close",
        args: ({ args, result }) => ({ account: args.account, number: result.number, force: true }),
      },
    });
    expect(verb.contract.undo).toEqual({
      verb: "account.close",
      args: {
        account: { $: "param", path: ["account"] },
        number: { $: "result", step: "main", path: ["number"] },
        force: true,
      },
    });
    const close = defineVerb({ ...fields, name: "account.close", undo: { verb: openAccount, args: ({ args }) => args } });
    expect(close.contract.undo).toEqual({ verb: "account.open", args: { $: "param", path: [] } });
  });

  test("refuses ordinary JavaScript, unknown members, and values of another definition", () => {
    const undo = (args: (of: { args: { account: unknown; nope?: unknown } }) => unknown): (() => unknown) => {
      return () => defineVerb({ ...fields, undo: { verb: "account.close", args: args as never } });
    };
    expect(undo(({ args }) => ({ a: String(args.account) }))).toThrow(
      expect.objectContaining({ code: "macro.symbolic_value_used" }),
    );
    expect(undo(({ args }) => ({ a: args.nope }))).toThrow(expect.objectContaining({ code: "macro.unknown_path" }));
    expect(undo(() => ({ a: new Date(0) }))).toThrow(expect.objectContaining({ code: "value.not_canonical" }));
    expect(refusal(undo(() => "text"))).toContain("undo: ");
    expect(refusal(undo(() => []))).toContain("undo: ");
    let kept: unknown;
    undo(({ args }) => ({ a: (kept = args.account) }))();
    expect(refusal(undo(() => ({ a: kept })))).toContain("another definition");
    const swallowing = undo(({ args }) => {
      try {
        return { a: JSON.stringify(args) };
      } catch (error) {
        return { a: typeof error };
      }
    });
    expect(swallowing).toThrow(expect.objectContaining({ code: "macro.symbolic_value_used" }));
  });
});

describe("a malformed verb", () => {
  const wrong = (change: object): string => refusal(() => defineVerb({ ...fields, ...change } as never));

  test.each([
    ["name", { name: "open" }],
    ["name", { name: "Account.open" }],
    ["name", { name: "account." }],
    ["name", { name: `a.${"b".repeat(64)}` }],
    ["name", { name: Array.from({ length: 60 }, () => "abcd").join(".") }],
    ["name", { name: 7 }],
    ["version", { version: 0 }],
    ["version", { version: 1.5 }],
    ["version", { version: "1" }],
    ["args", { args: { account: "string" } }],
    ["args", { args: z.string() }],
    ["args", { args: z.record(z.string(), z.string()) }],
    ["result", { result: undefined }],
    ["effect", { effect: "change" }],
    ["recovery", { recovery: undefined }],
    ["recovery", { recovery: "retry and hope" }],
    ["recovery", { effect: "read" }],
    ["mode", { mode: "async" }],
    ["retry", { retry: null }],
    ["retry", { retry: { attempts: 3 } }],
    ["retry", { retry: { attemptsMax: 0 } }],
    ["retry", { retry: { attemptsMax: 1001 } }],
    ["retry", { retry: { baseMs: -1 } }],
    ["retry", { retry: { baseMs: 10, maxMs: 5 } }],
    ["timeout", { timeout: 0 }],
    ["timeout", { timeout: 1.5 }],
    ["timeout", { timeout: "soon" }],
    ["timeout", { timeout: "365d" }],
    ["tags", { tags: "slow" }],
    ["tags", { tags: [1] }],
    ["tags", { tags: [""] }],
    ["sentence", { sentence: "" }],
    ["sentence", { sentence: "open {acount}" }],
    ["replayable", { replayable: 1 }],
    ["replayable", { replayable: true }],
    ["retired", { retired: "yes" }],
    ["undo", { undo: { verb: "close", args: () => ({}) } }],
    ["undo", { undo: { verb: "account.close", args: {} } }],
    ["transactional", { transactional: "yes" }],
    ["transactional", { effect: "read", recovery: undefined, transactional: true }],
    ["transactional", { mode: "durable", transactional: true }],
    ["transactional", { mode: "human_gate", transactional: true }],
    ["recover", { recover: "manual" }],
  ])("is refused by its field %s: %j", (field, change) => {
    expect(wrong(change)).toMatch(new RegExp(`^${field}: verb "`));
  });

  test("that is no object at all is refused too", () => {
    expect(refusal(() => defineVerb(null as never))).toContain('verb "?"');
    expect(refusal(() => defineVerb(7 as never))).toContain('verb "?"');
  });
});

describe("handle", () => {
  test("gives a new verb that carries the handler; the contract stays the same", () => {
    const handler = async (): Promise<{ number: string }> => ({ number: "1" });
    const handled = openAccount.handle(handler);
    expect([handled.isHandled, handled.handler === handler, openAccount.isHandled, openAccount.handler]).toEqual([
      true,
      true,
      false,
      undefined,
    ]);
    expect(handled.contract).toBe(openAccount.contract);
    expect(handled.handle(handler).isHandled).toBe(true);
  });

  test("wants a function, and two of them for a reconciling verb", () => {
    const reconciling = defineVerb({ ...fields, recovery: "reconcile" });
    expect(refusal(() => openAccount.handle("run" as never))).toContain("is not a function");
    expect(refusal(() => reconciling.handle((async () => ({ number: "1" })) as never))).toContain("two functions");
    expect(refusal(() => reconciling.handle({ run: async () => ({ number: "1" }) } as never))).toContain("two functions");
    const both = reconciling.handle({ run: async () => ({ number: "1" }), reconcile: async () => ({ kind: "unknown" }) });
    expect(both.isHandled).toBe(true);
  });

  test("types arguments as parsed, entity ids as flavours", () => {
    openAccount.handle(async (args, ctx) => {
      expectTypeOf(args.account).toEqualTypeOf<EntityId<"account">>();
      expectTypeOf(args.currency).toEqualTypeOf<"USD" | "EUR">();
      expectTypeOf(ctx).toEqualTypeOf<StepContext>();
      return { number: "1" };
    });
    expectTypeOf(openAccount).toExtend<Verb>();
    expectTypeOf(openAccount.recovery).toEqualTypeOf<"idempotent">();
    expectTypeOf(openAccount.version).toEqualTypeOf<1>();
  });
});
