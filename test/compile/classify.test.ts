import { describe, expect, test } from "vitest";
import { fc, test as property } from "@fast-check/vitest";
import type { CompileContext } from "../../src/model/invocation.js";
import type { PlanOutcome } from "../../src/compile/compile-request.js";
import { compilePlan } from "../../src/compile/compile-plan.js";
import { z } from "zod";
import {
  catalog,
  flag,
  integer,
  json,
  listOf,
  macro,
  obj,
  oneOf,
  opt,
  param,
  request,
  step,
  text,
  verb,
  writes,
} from "./build.js";

const open = verb("account.open", {
  account: writes("account"),
  currency: oneOf("EUR", "USD", "GBP"),
  limit: opt(integer),
  owner: obj({ name: text, tags: listOf(text) }),
  notify: { type: "default", of: flag, value: true },
});
const onboard = macro("customer.onboard", { customer: text }, [step("tell", "mail.tell", { to: param("customer") })]);
const tell = verb("mail.tell", { to: json }, { effect: "pure" });
const pack = { id: "p-1", name: "Pack", allowedVerbs: [], forbiddenVerbs: [], forbiddenEntityKinds: [] };
const known = catalog([open, tell], [onboard], [pack]);
const good = { account: "a-1", currency: "EUR", owner: { name: "ann", tags: [] } };

function fields(outcome: PlanOutcome): readonly (readonly unknown[])[] {
  if (outcome.kind !== "clarification") expect.fail(`${outcome.kind} ${JSON.stringify(outcome, null, 1)}`);
  return outcome.missingFields.map(({ fieldName, reason, suggestions }) => [fieldName, reason, ...suggestions]);
}
const ask = (args: unknown, context: CompileContext = {}): PlanOutcome =>
  compilePlan(request(known, "account.open", args, { context }));

describe("A-022 the name", () => {
  test("of nothing is a clarification with names that look like it", () => {
    const outcome = compilePlan(request(known, "account.opne", {}));
    expect(outcome).toEqual({
      kind: "clarification",
      question: '"account.opne" can\'t be compiled yet: one thing to supply or correct: "name"',
      missingFields: [
        {
          fieldName: "name",
          reason: "unknown_name",
          message: '"account.opne" is no verb or macro of the catalog; did you mean "account.open"',
          suggestions: ["account.open"],
          required: true,
        },
      ],
      context: { name: "account.opne", isMacro: false, extractedArgs: {} },
    });
  });

  test("of a macro is found before one of a verb", () => {
    const both = catalog([verb("customer.onboard", {})], [macro("customer.onboard", {}, [])]);
    expect(compilePlan(request(both, "customer.onboard"))).toMatchObject({ errorKind: "dag_error" });
  });

  test.each([[7], [null], [{}]])("that is no text (%j) is a clarification too", (name) => {
    expect(fields(compilePlan(request(known, name as never)))).toEqual([["name", "unknown_name"]]);
  });
});

describe("A-032 arguments", () => {
  test("that are missing, unknown, wrong or outside their choices are asked for in one clarification", () => {
    const outcome = ask({ acount: "a-1", currency: "eur", limit: "7", owner: { tags: ["a", 1] }, notify: null });
    expect(fields(outcome)).toEqual([
      ["acount", "unknown_argument", "account"],
      ["currency", "not_in_enumeration", "EUR", "GBP", "USD"],
      ["limit", "wrong_type"],
      ["owner.tags.1", "wrong_type"],
      ["owner.name", "missing"],
      ["notify", "wrong_type"],
      ["account", "missing"],
    ]);
    expect(outcome).toMatchObject({
      question: expect.stringContaining("7 things"),
      context: { name: "account.open", isMacro: false, extractedArgs: { acount: "a-1", currency: "eur", notify: "null" } },
    });
  });

  test("that are missing altogether, or are no object, are asked for", () => {
    expect(fields(ask(undefined))).toEqual([
      ["account", "missing"],
      ["currency", "missing", "EUR", "GBP", "USD"],
      ["owner", "missing"],
    ]);
    expect(fields(ask([1])).slice(0, 1)).toEqual([["args", "wrong_type"]]);
    expect(fields(ask("text")).slice(0, 1)).toEqual([["args", "wrong_type"]]);
  });

  test("that are undefined count as absent, at every depth", () => {
    const outcome = ask({ ...good, limit: undefined, owner: { name: "ann", tags: [], gone: undefined } });
    expect(outcome).toMatchObject({ kind: "planned", plan: { steps: [{ args: { ...good, notify: true } }] } });
    expect(fields(ask({ ...good, account: undefined }))).toEqual([["account", "missing"]]);
  });

  test("that are not canonical are each named with their place, and not called missing", () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    const args = { account: 1n, currency: new Date(0), limit: 1.5, owner: { name: "\ud800", tags: [cyclic] } };
    expect(fields(ask(args))).toEqual([
      ["account", "not_canonical"],
      ["currency", "not_canonical"],
      ["limit", "not_canonical"],
      ["owner.name", "not_canonical"],
    ]);
  });

  test.each<[string, unknown, string]>([
    ["an accessor", Object.defineProperty({ ...good }, "limit", { get: () => expect.fail("called"), enumerable: true }), "limit"],
    ["a hidden member", Object.defineProperty({ ...good }, "limit", { value: 1, enumerable: false }), "limit"],
    ["a symbol key", { ...good, [Symbol("s")]: 1 }, "args"],
    [
      "a class instance",
      new (class Args {
        account = "a";
      })(),
      "args",
    ],
    [
      "a Proxy that throws",
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error("trap");
          },
        },
      ),
      "args",
    ],
    ["a Map", new Map(), "args"],
    ["a function", { ...good, limit: () => 1 }, "limit"],
    ["a sparse list", { ...good, owner: { name: "a", tags: new Array(2) } }, "owner.tags"],
    ["undefined in a list", { ...good, owner: { name: "a", tags: [undefined] } }, "owner.tags.0"],
  ])("with %s are refused without running any of the caller's code", (_name, args, fieldName) => {
    const [first] = fields(ask(args)).filter(([, reason]) => reason === "not_canonical");
    expect(first?.[0]).toBe(fieldName);
  });

  test("that are nested too deep are refused with their place", () => {
    const deep: unknown = JSON.parse(`${"[".repeat(300)}${"]".repeat(300)}`);
    expect(fields(ask({ ...good, owner: deep }))[0]).toEqual([expect.stringMatching(/^owner\.0\.0/), "not_canonical"]);
  });

  test("of more than 1 MiB are refused where a verb is invoked, with the limit named; a macro spreads them over its steps (decision 3.20)", () => {
    const args = { to: "x".repeat(1_048_576 - '{"to":""}'.length + 1) };
    const outcome = compilePlan(request(known, "mail.tell", args));
    expect(fields(outcome)).toEqual([["args", "not_canonical"]]);
    expect(outcome).toMatchObject({ missingFields: [{ message: expect.stringContaining("1048576") as string }] });
    expect(compilePlan(request(known, "mail.tell", { to: args.to.slice(1) })).kind).toBe("planned");
  });

  test("that look like secrets are refused, and the secret is not repeated", () => {
    const outcome = ask({ ...good, account: "AKIAABCDEFGHIJKLMNOP", owner: { name: "x", tags: [], password: "correct horse" } });
    expect(fields(outcome)).toEqual([
      ["owner.password", "unknown_argument"],
      ["account", "secret"],
      ["owner.password", "secret"],
    ]);
    expect(JSON.stringify(outcome)).not.toContain("AKIA");
    expect(JSON.stringify(outcome)).not.toContain("correct horse");
  });

  test("are held against the schema's own code where the description names a check that it does not hold", () => {
    const mail = { ...verb("mail.send", { to: { type: "string", format: "email" } }), args: z.object({ to: z.email() }) };
    const from = catalog([mail]);
    expect(fields(compilePlan(request(from, "mail.send", { to: "nobody" })))).toEqual([["to", "wrong_type"]]);
    expect(compilePlan(request(from, "mail.send", { to: "ann@example.com" })).kind).toBe("planned");
  });

  test("that are long are shortened where they are quoted", () => {
    const outcome = ask({ account: "x".repeat(500) });
    expect(outcome.kind === "clarification" && outcome.context.extractedArgs["account"]).toHaveLength(203);
  });

  property.prop([
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true, withNullPrototype: true }),
  ])("whatever they are, nothing is thrown", (args) => {
    expect(["planned", "clarification"]).toContain(ask(args).kind);
  });

  property.prop([fc.dictionary(fc.string(), fc.jsonValue())])(
    "decision 2.3 every unknown name is asked about by name",
    (args) => {
      const unknown = Object.keys(args).filter((name) => !["account", "currency", "limit", "owner", "notify"].includes(name));
      const outcome = ask(args);
      const asked = outcome.kind === "clarification" ? outcome.missingFields.map((field) => field.fieldName.split(".")[0]) : [];
      expect(unknown.every((name) => asked.includes(name.split(".")[0]))).toBe(true);
    },
  );
});

describe("the context", () => {
  test.each<[string, unknown, readonly (readonly string[])[]]>([
    ["an empty intent", { intent: "" }, [["intent", "wrong_type"]]],
    ["an intent that is no text", { intent: 7 }, [["intent", "wrong_type"]]],
    ["an intent of 513 characters", { intent: "x".repeat(513) }, [["intent", "wrong_type"]]],
    ["a lone surrogate", { intent: "\ud800" }, [["intent", "not_canonical"]]],
    ["a secret intent", { intent: "AKIAABCDEFGHIJKLMNOP" }, [["intent", "secret"]]],
    ["another use", { uses: "twice" }, [["uses", "not_in_enumeration", "once", "many"]]],
    [
      "options of execution",
      { execution: { onFailure: "retry", deadlineMs: -1, skipTags: [""] } },
      [
        ["execution.onFailure", "not_in_enumeration", "stop", "continue_independent"],
        ["execution.deadlineMs", "wrong_type"],
        ["execution.skipTags", "wrong_type"],
      ],
    ],
    ["tags that are no list", { execution: { skipTags: "a" } }, [["execution.skipTags", "wrong_type"]]],
    ["an unknown pack", { packs: ["p-1", "p-2"] }, [["packs", "unknown_name", "p-1"]]],
  ])("with %s is asked about", (_name, context, expected) => {
    expect(fields(ask(good, context as CompileContext))).toEqual(expected);
  });
});
