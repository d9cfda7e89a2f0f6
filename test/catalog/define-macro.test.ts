import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineMacro, defineVerb, isRunsealError, subject } from "runseal";
import type { Body, MacroFields, MacroOutput } from "runseal";
import { closeAccount, currency, everything, listAccounts, openAccount, sendMail } from "./sample-verbs.js";

type Words = Body<z.output<typeof everything>>;

/** What a body over {@link everything} records. */
const recorded = (body: (words: Words) => MacroOutput | undefined) =>
  defineMacro({ name: "test.macro", version: 1, params: everything, body });

/** Code and message of what a body is refused with; bodies are untyped here, because TypeScript refuses most of them too. */
function refusal(body: (words: never) => unknown, fields: object = {}): string {
  const macro = { name: "test.macro", version: 1, params: everything, body, ...fields };
  try {
    defineMacro(macro as never as MacroFields<"test.macro", typeof everything, MacroOutput>);
  } catch (error) {
    if (isRunsealError(error)) return `${error.code} ${JSON.stringify(error.details)} ${error.message}`;
    throw error;
  }
  return "recorded";
}

/** Parameters without types, for what TypeScript refuses. */
type Loose = Omit<Words, "params"> & { readonly params: { readonly [K in keyof z.output<typeof everything>]-?: never } };
type AnyMember = Record<string, unknown>;

const onboard = defineMacro({
  name: "customer.onboard",
  version: 1,
  params: z.object({
    customer: subject("customer"),
    vip: z.boolean(),
    note: z.string().optional(),
    currencies: z.array(currency),
    contact: z.object({ email: z.string() }),
  }),
  body: ({ params, step, forEach, when, allocate, eq, concat }) => {
    const numbers = forEach("accounts", params.currencies, (each) => {
      const account = allocate("account");
      return step("open", openAccount, { account, owner: params.customer, currency: each, note: params.note }).result.number;
    });
    const sent = step("mail", sendMail, { to: concat("mailto:", params.contact.email), numbers });
    when(eq(params.vip, true), () => {
      const meta = { ok: params.vip };
      step("mail2", sendMail, { to: params.contact.email, numbers: ["a", sent.result.id], meta }, { after: [sent] });
    });
    return { numbers, mail: sent.result.id };
  },
});

describe("defineMacro", () => {
  test("records what the body says, as plain, frozen data", () => {
    const param = (...path: string[]): object => ({ $: "param", path });
    expect(onboard.definition.body).toEqual([
      {
        kind: "for_each",
        label: "accounts",
        list: param("currencies"),
        key: { by: "item" },
        body: [
          {
            kind: "step",
            label: "open",
            verb: "account.open",
            args: {
              account: { $: "allocate", kind: "account", ordinal: 0, loop: "accounts" },
              owner: param("customer"),
              currency: { $: "item", loop: "accounts", path: [] },
              note: param("note"),
            },
            after: [],
          },
        ],
        yields: { $: "result", step: "accounts/open", path: ["number"] },
      },
      {
        kind: "step",
        label: "mail",
        verb: "mail.send",
        args: {
          to: { $: "concat", of: ["mailto:", param("contact", "email")] },
          numbers: { $: "collect", loop: "accounts", path: [] },
        },
        after: [],
      },
      {
        kind: "when",
        condition: { $: "eq", of: [param("vip"), true] },
        then: [
          {
            kind: "step",
            label: "mail2",
            verb: "mail.send",
            args: {
              to: param("contact", "email"),
              numbers: ["a", { $: "result", step: "mail", path: ["id"] }],
              meta: { ok: param("vip") },
            },
            after: ["mail"],
          },
        ],
        otherwise: [],
      },
    ]);
    expect(onboard.definition.output).toEqual({
      numbers: { $: "collect", loop: "accounts", path: [] },
      mail: { $: "result", step: "mail", path: ["id"] },
    });
    expect(JSON.parse(JSON.stringify(onboard.definition))).toEqual(onboard.definition);
    expect([onboard, onboard.definition, onboard.definition.body, onboard.definition.body[0]].every(Object.isFrozen)).toBe(true);
  });

  test("gives equal bodies equal digests; texts don't count, everything else does", () => {
    const digest = (change: object, to = "a", sentence = "say {to}"): string =>
      defineMacro({
        name: "test.macro",
        version: 1,
        params: z.object({ flag: z.boolean() }),
        body: ({ step, when, params }) => {
          step("one", sendMail, { to, numbers: [] }, { sentence });
          when(params.flag, () => step("two", sendMail, { to, numbers: [] }, { sentence }));
        },
        ...change,
      }).definition.digest;
    expect(digest({})).toBe(digest({ title: "Title", params: z.object({ flag: z.boolean().describe("x") }) }, "a", "else"));
    const others = [
      digest({ version: 2 }),
      digest({ name: "test.other" }),
      digest({}, "b"),
      digest({ params: z.object({ flag: z.boolean(), b: z.int() }) }),
    ];
    expect(new Set([digest({}), ...others]).size).toBe(5);
  });

  test("records options of a step: after, when, mode, optional, sentence", () => {
    const { definition } = recorded(({ params, step, forEach, invoke }) => {
      const first = step("first", openAccount, { account: "a", owner: "o", currency: "EUR" });
      const all = forEach("all", params.currencies, () => 1);
      const inner = invoke(
        "inner",
        onboard,
        { customer: "c", vip: false, currencies: [], contact: { email: "x" } },
        { after: [first] },
      );
      step(
        "second",
        sendMail,
        { to: "x", numbers: [] },
        {
          after: [first, all, inner, first, first.result.number],
          when: first.result.opened,
          mode: "human_gate",
          optional: [first],
          sentence: "mail {to}",
        },
      );
      step("third", sendMail, { to: inner.result.mail, numbers: inner.result.numbers }, { optional: true });
      return undefined;
    });
    expect(definition.body[2]).toMatchObject({ kind: "invoke", label: "inner", macro: "customer.onboard", after: ["first"] });
    expect(definition.body[3]).toMatchObject({
      after: ["first", "all", "inner"],
      when: { $: "result", step: "first", path: ["opened"] },
      mode: "human_gate",
      optional: ["first"],
      sentence: "mail {to}",
    });
    expect(definition.body[4]).toMatchObject({
      args: { to: { $: "result", step: "inner", path: ["mail"] }, numbers: { $: "result", step: "inner", path: ["numbers"] } },
      optional: "all",
    });
    expect(definition.output).toBeNull();
  });

  test("records lookups, requirements, bindings and allocations", () => {
    const { definition } = recorded(({ params, lookup, require, bind, allocate, step, forEach }) => {
      const found = lookup("accounts", listAccounts, { owner: params.customer });
      require("unblocked", listAccounts, { owner: params.customer }, { owner: { blocked: false } }, { recheck: "on_resume" });
      const cap = bind("cap", z.object({ limit: z.int() }));
      forEach("each", found.ids, (account) => {
        step("close", closeAccount, { account, others: [allocate("account"), allocate("account")] });
      });
      return { last: found.last.at, cap: cap.limit, again: bind("cap", z.object({ limit: z.int() })) };
    });
    expect(definition.body.slice(0, 2)).toEqual([
      {
        kind: "lookup",
        label: "accounts",
        verb: "account.list",
        args: { owner: { $: "param", path: ["customer"] } },
        recheck: "at_admission",
      },
      {
        kind: "require",
        label: "unblocked",
        verb: "account.list",
        args: { owner: { $: "param", path: ["customer"] } },
        expected: { owner: { blocked: false } },
        recheck: "on_resume",
      },
    ]);
    expect(JSON.stringify(definition.body[2])).toContain(
      '"others":[{"$":"allocate","kind":"account","ordinal":0,"loop":"each"},{"$":"allocate","kind":"account","ordinal":1,"loop":"each"}]',
    );
    expect(definition.bindings).toEqual({
      cap: { type: "object", fields: { limit: { type: "integer" } }, required: ["limit"], unknown: "strip" },
    });
    expect(definition.output).toEqual({
      last: { $: "lookup", lookup: "accounts", path: ["last", "at"] },
      cap: { $: "bind", name: "cap", path: ["limit"] },
      again: { $: "bind", name: "cap", path: [] },
    });
  });

  test("records every operator", () => {
    const { definition } = recorded(({ params, eq, ne, not, all, any, includes, exists, concat, orElse, at }) => ({
      eq: eq(params.name, "x"),
      ne: ne(params.count, 1),
      not: not(params.flag),
      all: all(params.flag, exists(params.note)),
      any: any(params.flag),
      in: includes(params.currencies, params.currency),
      inLiteral: includes(["EUR"], params.currency),
      concat: concat("a", params.name, params.count, 1),
      orElse: orElse(params.note, "none"),
      label: at(params.labels, "a.b"),
      second: at(params.pair, 1),
      item: at(params.pages, 0).title,
      literal: { $: "odd" },
    }));
    const param = (...path: string[]): object => ({ $: "param", path });
    expect(definition.output).toEqual({
      eq: { $: "eq", of: [param("name"), "x"] },
      ne: { $: "ne", of: [param("count"), 1] },
      not: { $: "not", of: [param("flag")] },
      all: { $: "all", of: [param("flag"), { $: "exists", of: [param("note")] }] },
      any: { $: "any", of: [param("flag")] },
      in: { $: "in", of: [param("currency"), param("currencies")] },
      inLiteral: { $: "in", of: [param("currency"), ["EUR"]] },
      concat: { $: "concat", of: ["a", param("name"), param("count"), 1] },
      orElse: { $: "orElse", of: [param("note"), "none"] },
      label: param("labels", "a.b"),
      second: param("pair", "1"),
      item: param("pages", "0", "title"),
      literal: { $: "literal", value: { $: "odd" } },
    });
  });

  test("reads members of what an operator gives", () => {
    const { definition } = recorded(({ lookup, orElse, params }) => {
      const found = lookup("accounts", listAccounts, { owner: params.customer });
      return { at: orElse(found.last, { at: "never" }).at };
    });
    expect(definition.output).toEqual({
      at: { $: "orElse", of: [{ $: "lookup", lookup: "accounts", path: ["last"] }, { at: "never" }], path: ["at"] },
    });
  });

  test("reads lists of another macro's output, and takes a literal where orElse is given one", () => {
    const listing = defineMacro({
      name: "m.list",
      version: 1,
      params: z.object({ a: z.string() }),
      body: ({ params }) => ({ list: [params.a, "b"], deep: { fixed: 1 } }),
    });
    const { definition } = recorded(({ invoke, at, orElse }) => {
      const { result } = invoke("i", listing, { a: "x" });
      return { first: at(result.list, 0), fixed: result.deep.fixed, else: orElse("a" as never, "b") };
    });
    expect(definition.output).toEqual({
      first: { $: "result", step: "i", path: ["list", "0"] },
      fixed: { $: "result", step: "i", path: ["deep", "fixed"] },
      else: { $: "orElse", of: ["a", "b"] },
    });
  });

  test("names loop keys by item, index or expression (decision 1.5)", () => {
    const { definition } = recorded(({ params, forEach }) => {
      forEach("plain", params.currencies, () => null);
      forEach("counted", params.pages, { key: "index" }, (_page, index) => ({ index }));
      forEach("named", params.pages, { key: (page) => page.id }, (page) => page.title);
      return undefined;
    });
    expect(definition.body).toMatchObject([
      { key: { by: "item" }, yields: null },
      { key: { by: "index" }, yields: { index: { $: "index", loop: "counted" } } },
      {
        key: { by: "expression", tree: { $: "item", loop: "named", path: ["id"] } },
        yields: { $: "item", loop: "named", path: ["title"] },
      },
    ]);
  });

  test("records a match as one decision per variant, with the variant's own members", () => {
    const { definition } = recorded(({ params, match, step }) => {
      match(params.payment, "kind", {
        card: (card) => step("card", sendMail, { to: card.number, numbers: [] }),
        iban: (iban) => step("iban", sendMail, { to: iban.bank.bic, numbers: [] }),
      });
      return undefined;
    });
    expect(definition.body).toMatchObject([
      {
        kind: "when",
        condition: { $: "eq", of: [{ $: "param", path: ["payment", "kind"] }, "card"] },
        then: [{ label: "card", args: { to: { $: "param", path: ["payment", "number"] } } }],
      },
      {
        kind: "when",
        condition: { $: "eq", of: [{ $: "param", path: ["payment", "kind"] }, "iban"] },
        then: [{ label: "iban", args: { to: { $: "param", path: ["payment", "bank", "bic"] } } }],
      },
    ]);
  });

  test("records both sides of a when", () => {
    const { definition } = recorded(({ params, when, step }) => {
      when(
        params.flag,
        () => step("yes", sendMail, { to: "a", numbers: [] }),
        () => step("no", sendMail, { to: "b", numbers: [] }),
      );
      return undefined;
    });
    expect(definition.body).toMatchObject([{ then: [{ label: "yes" }], otherwise: [{ label: "no" }] }]);
  });

  test("leaves out arguments that are undefined, and copies literals", () => {
    const numbers = ["a"];
    const { definition } = recorded(({ step }) => {
      step("mail", sendMail, { to: "x", numbers, meta: undefined });
      numbers.push("b");
      return undefined;
    });
    expect(definition.body[0]).toMatchObject({ args: { to: "x", numbers: ["a"] } });
    expect(definition.body[0]).not.toHaveProperty("args.meta");
  });

  test("may give one value, a record, or nothing", () => {
    expect(recorded(({ params }) => params.name).definition.output).toEqual({ $: "param", path: ["name"] });
    expect(recorded(() => ({})).definition.output).toEqual({});
    expect(recorded(() => undefined).definition.output).toBeNull();
  });
});

describe("ordinary JavaScript on a value that isn't there throws macro.symbolic_value_used (decision 2.1)", () => {
  const uses: readonly (readonly [string, (words: Loose) => unknown])[] = [
    ["a template string", ({ params }) => `${String(params.name)}!`],
    ["String()", ({ params }) => String(params["name"])],
    ["joining texts with +", ({ params }) => "a".concat(params.name)],
    ["arithmetic", ({ params }) => Number(params["count"]) + 1],
    ["a comparison", ({ params }) => params["count"] > 1],
    ["an order of texts", ({ params }) => params.currency <= ("EUR" as never)],
    ["a switch over text", ({ params }) => ({ EUR: 1 })[String(params["currency"])]],
    ["an index into an object", ({ params }) => ({ EUR: 1 })[params["currency"] as string]],
    ["spreading into an array", ({ params }) => [...(params["currencies"] as never[])]],
    ["spreading into an object", ({ params }) => ({ ...(params["contact"] as object) })],
    ["Object.keys", ({ params }) => Object.keys(params["contact"])],
    ["Object.entries", ({ params }) => Object.entries(params["contact"])],
    ["Object.hasOwn", ({ params }) => Object.hasOwn(params["contact"], "email")],
    ["for of", ({ params }) => Array.from(params["currencies"])],
    [
      "for in",
      ({ params }) => {
        for (const name in params["contact"] as object) return name;
        return undefined;
      },
    ],
    ["map", ({ params }) => (params["currencies"] as string[]).map((each) => each)],
    ["forEach", ({ params }) => (params["currencies"] as string[]).forEach(() => undefined)],
    ["length", ({ params }) => (params["currencies"] as string[]).length],
    ["concat of an array", ({ params }) => ([] as string[]).concat(params["currencies"])],
    ["JSON.stringify", ({ params }) => JSON.stringify({ a: params["contact"] })],
    ["in", ({ params }) => "email" in (params["contact"] as object)],
    ["instanceof", ({ params }) => (params["contact"] as object) instanceof Date],
    ["an assignment", ({ params }) => Object.assign(params["contact"], { email: "x" })],
    ["a definition", ({ params }) => Object.defineProperty(params["contact"], "email", { value: 1 })],
    ["a deletion", ({ params }) => Reflect.deleteProperty(params["contact"], "email")],
    ["freezing", ({ params }) => Object.freeze(params["contact"])],
    ["asking whether it is frozen", ({ params }) => Object.isExtensible(params["contact"])],
    ["another prototype", ({ params }) => Reflect.setPrototypeOf(params["contact"], null)],
    ["a call", ({ params }) => (params["name"] as () => unknown)()],
    ["new", ({ params }) => Reflect.construct(params["name"], [])],
    ["calling a method of texts", ({ params }) => "abc".replace(params["name"], "")],
    ["a Date of it", ({ params }) => new Date(params["name"])],
    ["a callback's item as text", ({ params, forEach }) => forEach("l", params["currencies"], (each) => `${String(each)}!`)],
    [
      "a method on JSON of any shape",
      ({ lookup }) => {
        const found = lookup("l", listAccounts, { owner: "o" });
        return (found.extra as never as string[]).filter(Boolean);
      },
    ],
  ];

  test.each(uses)("%s", (_title, body) => {
    expect(refusal(body)).toMatch(/^macro\.symbolic_value_used /);
  });

  test("await, also where the body catches the error and goes on", () => {
    expect(refusal(({ params }: Loose) => void Promise.resolve(params["name"]).catch(String))).toMatch(
      /^macro\.symbolic_value_used /,
    );
    const swallowing = ({ params }: Loose): undefined => {
      try {
        String(params["name"]);
      } catch (error) {
        expect(isRunsealError(error, "macro.symbolic_value_used")).toBe(true);
      }
      return undefined;
    };
    expect(refusal(swallowing)).toMatch(/^macro\.symbolic_value_used /);
  });

  test("the message names the expression and what to use instead", () => {
    expect(refusal(({ params }: Loose) => `${String(params.name)}!`)).toContain(
      '"params.name" has no value while "test.macro" is being defined',
    );
    expect(refusal(({ params }: Loose) => `${String(params.name)}!`)).toContain("use concat()");
  });

  test("printing one does no harm", () => {
    const macro = recorded(({ params }) => {
      expect(Object.prototype.toString.call(params.name)).toBe("[object Function]");
      return undefined;
    });
    expect(macro.definition.output).toBeNull();
  });
});

describe("a body is refused for", () => {
  const mail = { to: "x", numbers: [] };
  const cases: readonly (readonly [string, (words: Words) => unknown, string])[] = [
    [
      "a parameter that isn't declared, with did-you-mean",
      ({ params }) => (params as never as AnyMember)["nmae"],
      'macro.unknown_path {"macro":"test.macro","path":"params.nmae"} "params.nmae" is not in the schema of "params"; did you mean "name"',
    ],
    ["a member that a nested object lacks", ({ params }) => (params.contact as never as AnyMember)["fax"], "it has email, phone"],
    ["a member of a scalar", ({ params }) => (params.flag as never as AnyMember)["value"], "macro.unknown_path"],
    ["a member that only one variant has", ({ params }) => (params.payment as never as AnyMember)["iban"], "macro.unknown_path"],
    [
      "a member that a result lacks",
      ({ step }) => (step("s", sendMail, mail).result as never as AnyMember)["nummer"],
      "s.result.nummer",
    ],
    [
      "a member that an output lacks",
      ({ invoke }) =>
        (invoke("i", onboard, { customer: "c", vip: true, currencies: [], contact: { email: "" } }).result as never as AnyMember)[
          "nope"
        ],
      "i.result.nope",
    ],
    ["an item of a record by number", ({ params, at }) => untyped(at)(params.contact, 0), "macro.unknown_path"],
    ["an item beyond a tuple", ({ params, at }) => at(params.pair, 2), "params.pair.2"],
    ["at() on a literal", ({ at }) => untyped(at)("abc", 0), "at() on something that is no value"],
    ["at() with a negative index", ({ params, at }) => at(params.pages, -1), "at() with -1"],
    ["at() with a fraction", ({ params, at }) => at(params.pages, 0.5), "at() with 0.5"],
    [
      "a label in capitals",
      ({ step }) => step("Mail", sendMail, mail),
      'macro.invalid_label {"macro":"test.macro","label":"Mail"}',
    ],
    ["a label with a slash", ({ step }) => step("a/b", sendMail, mail), "macro.invalid_label"],
    ["an empty label", ({ step }) => step("", sendMail, mail), "macro.invalid_label"],
    ["a label of 64 letters (D-001)", ({ step }) => step("a".repeat(64), sendMail, mail), "macro.invalid_label"],
    ["a label that is a value", ({ params, step }) => step(params.name as never, sendMail, mail), "macro.symbolic_value_used"],
    [
      "a label twice",
      ({ step }) => [step("mail", sendMail, mail), step("mail", sendMail, mail)],
      'macro.duplicate_label {"macro":"test.macro","path":"mail"}',
    ],
    [
      "a label of a step and a lookup",
      ({ step, lookup }) => [step("a", sendMail, mail), lookup("a", listAccounts, { owner: "o" })],
      "macro.duplicate_label",
    ],
    [
      "a label on both sides of a when",
      ({ params, step, when }) =>
        when(
          params.flag,
          () => step("a", sendMail, mail),
          () => step("a", sendMail, mail),
        ),
      "macro.duplicate_label",
    ],
    [
      "a label twice in a loop",
      ({ params, step, forEach }) =>
        forEach("l", params.currencies, () => [step("a", sendMail, mail).id, step("a", sendMail, mail).id]),
      "l/a",
    ],
    [
      "a late list in forEach",
      ({ step, forEach }) =>
        forEach("l", step("s", openAccount, { account: "a", owner: "o", currency: "EUR" }).result.limits as never, () => null),
      "macro.late_value",
    ],
    [
      "a late condition in when",
      ({ step, when }) =>
        when(step("s", openAccount, { account: "a", owner: "o", currency: "EUR" }).result.opened as never, () => undefined),
      'macro.late_value {"macro":"test.macro","path":"when","expression":"s.result.opened"}',
    ],
    [
      "a late argument of a lookup",
      ({ step, lookup }) => lookup("l", listAccounts, { owner: step("s", sendMail, mail).result.id as never }),
      "macro.late_value",
    ],
    [
      "a late argument of a requirement",
      ({ step, require }) => require("r", listAccounts, { owner: step("s", sendMail, mail).result.id as never }, {}),
      "macro.late_value",
    ],
    [
      "a late expectation",
      ({ step, require }) =>
        require("r", listAccounts, { owner: "o" }, { owner: { tier: step("s", sendMail, mail).result.id as never } }),
      "macro.late_value",
    ],
    [
      "a late value inside of an operator",
      ({ step, when, eq }) => when(eq(step("s", sendMail, mail).result.id, "x") as never, () => undefined),
      "macro.late_value",
    ],
    [
      "a late list of a loop's results",
      ({ params, forEach }) => forEach("b", forEach("a", params.currencies, (each) => each) as never, () => null),
      "a.results",
    ],
    [
      "a late loop key",
      ({ params, step, forEach }) =>
        forEach("l", params.pages, { key: () => step("s", sendMail, mail).result.id as never }, () => null),
      "macro.late_value",
    ],
    [
      "a late match",
      ({ step, match }) => match(step("s", sendMail, mail).result.id as never, "kind" as never, {}),
      "macro.late_value",
    ],
    [
      "a Date",
      ({ step }) => step("s", sendMail, { ...mail, meta: new Date(0) as never }),
      'value.not_canonical {"pointer":"/meta","found":"an instance of Date"}',
    ],
    ["NaN", ({ step }) => step("s", sendMail, { ...mail, meta: { deep: [Number.NaN] } }), '"pointer":"/meta/deep/0"'],
    ["a fraction", ({ step }) => step("s", sendMail, { ...mail, meta: 1.5 }), "a fraction"],
    ["a function", ({ step }) => step("s", sendMail, { ...mail, meta: (() => 1) as never }), "a function"],
    ["a bigint", ({ step }) => step("s", sendMail, { ...mail, meta: 1n as never }), "a bigint"],
    ["a lone surrogate", ({ step }) => step("s", sendMail, { ...mail, meta: "\ud800" }), "a lone surrogate"],
    [
      "a lone surrogate in a name",
      ({ step }) => step("s", sendMail, { ...mail, meta: { "\ud800": 1 } }),
      "a lone surrogate in a name",
    ],
    ["undefined in a list", ({ step }) => step("s", sendMail, { ...mail, meta: [undefined] as never }), "undefined"],
    [
      "a step where its result was meant",
      ({ step }) => step("b", sendMail, { ...mail, meta: step("a", sendMail, mail) as never }),
      "its value is .result",
    ],
    ["a cycle", ({ step }) => step("s", sendMail, { ...mail, meta: circle() }), "a cycle"],
    [
      "a getter",
      ({ step }) =>
        step("s", sendMail, {
          ...mail,
          get meta() {
            return 1;
          },
        }),
      "an accessor property",
    ],
    [
      "a symbolic value beside a $",
      ({ params, step }) => step("s", sendMail, { ...mail, meta: { $: "x", a: params.name } }),
      'beside a member named \\"$\\"',
    ],
    [
      "a key in a literal",
      ({ step }) => step("s", sendMail, { ...mail, meta: { apiKey: "a1b2c3d4e5f6g7h8" } }),
      'secret.detected {"pointer":"/meta/apiKey","rule":"name"}',
    ],
    ["a token in an operator", ({ concat }) => concat("ghp_", "ghp_0123456789abcdefghijABCDEFGHIJ012345"), "secret.detected"],
    [
      "an unknown argument, with did-you-mean",
      ({ step }) => step("s", sendMail, { ...mail, mta: 1 } as never),
      'macro.invalid_argument {"macro":"test.macro","path":"s","pointer":"/mta"} "s" in "test.macro": mta: is not an argument; did you mean "meta"',
    ],
    ["a missing argument", ({ step }) => step("s", sendMail, { to: "x" } as never), "numbers: is missing"],
    [
      "every wrong argument at once",
      ({ step }) => step("s", openAccount, { account: 1, currency: "GBP" } as never),
      'account: is 1, not a string; currency: is \\"GBP\\", not one of \\"EUR\\", \\"USD\\"; owner: is missing'.replaceAll(
        "\\",
        "",
      ),
    ],
    ["arguments that are no object", ({ step }) => step("s", sendMail, [] as never), "is a list, not an object"],
    [
      "a wrong argument of a macro",
      ({ invoke }) => invoke("i", onboard, { customer: "c", vip: "yes", currencies: [], contact: { email: "" } } as never),
      'vip: is "yes", not true or false',
    ],
    [
      "a wrong expectation",
      ({ require }) => require("r", listAccounts, { owner: "o" }, { owner: { blocked: "no" } } as never),
      'owner.blocked: is "no"',
    ],
    [
      "a value of a when used after it",
      ({ params, step, when }) => {
        let kept: unknown;
        when(params.flag, () => {
          kept = step("a", sendMail, mail).result.id;
        });
        step("b", sendMail, { to: kept as never, numbers: [] });
      },
      'macro.out_of_scope {"macro":"test.macro","reference":"a.result.id"}',
    ],
    [
      "an item used after its loop",
      ({ params, forEach }) => {
        let kept: unknown;
        forEach("l", params.currencies, (each) => {
          kept = each;
          return null;
        });
        return { kept: kept as never };
      },
      "macro.out_of_scope",
    ],
    [
      "an operator over an item, used after its loop",
      ({ params, forEach, concat }) => {
        let kept: unknown;
        forEach("l", params.currencies, (each) => {
          kept = concat("a", each);
          return null;
        });
        return { kept: kept as never };
      },
      "macro.out_of_scope",
    ],
    [
      "an id allocated in a loop, used after it",
      ({ params, forEach, allocate }) => {
        let kept: unknown;
        forEach("l", params.currencies, () => {
          kept = allocate("account");
          return null;
        });
        return { kept: kept as never };
      },
      "macro.out_of_scope",
    ],
    [
      "after a step inside of a loop",
      ({ params, forEach, step }) => {
        let kept: unknown;
        forEach("l", params.currencies, () => {
          kept = step("a", sendMail, mail);
          return null;
        });
        step("b", sendMail, mail, { after: [kept as never] });
      },
      'macro.out_of_scope {"macro":"test.macro","reference":"l/a"}',
    ],
    [
      "one side of a when used on the other",
      ({ params, step, when }) => {
        let kept: unknown;
        when(
          params.flag,
          () => (kept = step("a", sendMail, mail).result),
          () => step("b", sendMail, { ...mail, meta: kept as never }),
        );
      },
      "macro.out_of_scope",
    ],
    [
      "after something that is no step",
      ({ step }) => step("b", sendMail, mail, { after: [{ id: "a", result: 1 } as never] }),
      "waits for something that is no step",
    ],
    [
      "after a parameter",
      ({ params, step }) => step("b", sendMail, mail, { after: [params.name as never] }),
      "waits for something that is no step",
    ],
    [
      "after that is no list",
      ({ step }) => step("b", sendMail, mail, { after: "a" as never }),
      "waits for something that is no list",
    ],
    ["a mode that doesn't exist", ({ step }) => step("b", sendMail, mail, { mode: "later" as never }), "the mode later"],
    [
      "a sentence that is no text",
      ({ step }) => step("b", sendMail, mail, { sentence: 1 as never }),
      "a sentence that is no text",
    ],
    [
      "a step of something that is no verb",
      ({ step }) => step("b", "mail.send" as never, mail as never),
      'calls something at "b" that is no verb',
    ],
    ["a step of a macro", ({ step }) => step("b", onboard as never, mail as never), "that is no verb"],
    ["invoking a verb", ({ invoke }) => invoke("b", sendMail as never, mail as never), "that is no macro"],
    ["a lookup that writes", ({ lookup }) => lookup("l", sendMail as never, mail as never), "which writes; make it a step"],
    ["a lookup that waits", ({ lookup }) => lookup("l", slowRead as never, {} as never), "which does not answer at once"],
    [
      "a recheck that doesn't exist",
      ({ lookup }) => lookup("l", listAccounts, { owner: "o" }, { recheck: "sometimes" as never }),
      'again "sometimes"',
    ],
    [
      "a loop over objects without a key",
      ({ params, forEach }) => forEach("l", params.pages as never, () => null),
      "{ key: (item) => item.id }",
    ],
    [
      "a loop key that is no choice",
      ({ params, forEach }) => forEach("l", params.pages, { key: "id" as never }, () => null),
      'whose key is not "index"',
    ],
    [
      "a constant loop key",
      ({ params, forEach }) => forEach("l", params.pages, { key: () => "a" as never }, () => null),
      "not of the item",
    ],
    ["a loop over a record", ({ params, forEach }) => forEach("l", params.labels as never, () => null), "that is no list"],
    ["a loop without a function", ({ params, forEach }) => untyped(forEach)("l", params.currencies), "without a function"],
    [
      "a loop whose options come without a function",
      ({ params, forEach }) => forEach("l", params.pages, { key: "index" }, 1 as never),
      "without a function",
    ],
    [
      "a loop that gives a step",
      ({ params, step, forEach }) => forEach("l", params.currencies, () => step("s", sendMail, mail) as never),
      "gives a step out of the loop",
    ],
    ["a when without a function", ({ params, when }) => when(params.flag, undefined as never), "a when without a function"],
    [
      "a when with something else than a function",
      ({ params, when }) => when(params.flag, () => undefined, "no" as never),
      "a when without a function",
    ],
    [
      "a match without one of the variants",
      ({ params, match }) => match(params.payment, "kind", { card: () => undefined } as never),
      'without a case for "iban"',
    ],
    [
      "a match with a variant that doesn't exist",
      ({ params, match }) => match(params.payment, "kind", { card: () => 1, iban: () => 1, cash: () => 1 } as never),
      'kind = "cash"',
    ],
    ["a match of a literal", ({ match }) => match("x" as never, "kind" as never, {}), "matches something that is no value"],
    [
      "a match case that is no function",
      ({ params, match }) => match(params.payment, "kind", { card: 1, iban: 1 } as never),
      'matches "card" without a function',
    ],
    ["allocating what is no kind", ({ allocate }) => allocate("Account Nr"), "no kind of entity"],
    ["binding a name with a dot", ({ bind }) => bind("a.b", z.string()), 'binds "a.b"'],
    ["binding one name with two schemas", ({ bind }) => [bind("a", z.string()), bind("a", z.int())], "two different schemas"],
    ["binding a schema that can't be described", ({ bind }) => bind("a", z.number()), "schema.not_describable"],
    ["17 labels on top of each other", ({ params, forEach }) => nested(17, params, forEach), "more than 16 labels"],
    ["giving a step", ({ step }) => step("s", sendMail, mail), "gives a step out of the body; give its .result"],
    ["giving a text", () => "text", "no record of outputs"],
    ["giving a list", () => ["a"], "no record of outputs"],
    ["giving a Date", () => ({ at: new Date(0) }), "value.not_canonical"],
    ["giving a promise", () => Promise.reject(new Error("lost")), "macro.async_body"],
    ["being async", async ({ step }) => step("s", sendMail, mail).id, "macro.async_body"],
    [
      "being an async generator",
      async function* () {
        yield 1;
      },
      "macro.async_body",
    ],
    [
      "being a generator",
      function* () {
        yield 1;
      },
      "value.not_canonical",
    ],
    [
      "an async callback of a loop",
      ({ params, forEach }) => untyped(forEach)("l", params.currencies, async () => null),
      "macro.async_body",
    ],
    ["an async side of a when", ({ params, when }) => untyped(when)(params.flag, async () => undefined), "macro.async_body"],
  ];

  test.each(cases)("%s", (_title, body, expected) => {
    expect(refusal(body)).toContain(expected);
  });

  test("a value of another macro's body, or of an earlier run of it", () => {
    let kept: unknown;
    recorded(({ params }) => {
      kept = params.name;
      return undefined;
    });
    expect(refusal(() => ({ kept }))).toContain("macro.out_of_scope");
    expect(refusal(() => ({ kept }), { name: "test.other" })).toContain('it belongs to "test.macro"');
  });

  test("16 labels on top of each other is still right", () => {
    expect(refusal((words: Words) => void nested(16, words.params, words.forEach))).toBe("recorded");
  });
});

describe("a body that misbehaves", () => {
  test("throws: its own error comes through, whatever it is", () => {
    expect(() =>
      recorded(() => {
        throw "a text";
      }),
    ).toThrow("a text");
    const error = new Error("mine");
    expect(() =>
      recorded(({ params, forEach }) => {
        forEach("l", params.currencies, () => {
          throw error;
        });
        return undefined;
      }),
    ).toThrow(error);
  });

  test("catches what a callback threw: the loop it lost is not forgotten", () => {
    expect(() =>
      recorded(({ params, forEach }) => {
        try {
          forEach("l", params.currencies, () => {
            throw new RangeError("inside");
          });
        } catch {
          return { caught: true };
        }
        return undefined;
      }),
    ).toThrow("inside");
  });

  test("keeps the builder: every word refuses after the body has returned", () => {
    const kept: Words[] = [];
    recorded((words) => {
      kept.push(words);
      return undefined;
    });
    const [words] = kept;
    if (words === undefined) expect.unreachable();
    const calls: readonly (() => unknown)[] = [
      () => words.step("s", sendMail, { to: "x", numbers: [] }),
      () => words.when(words.params.flag, () => undefined),
      () => words.eq(words.params.name, "x"),
      () => words.allocate("account"),
      () => words.forEach("l", words.params.currencies, () => null),
    ];
    for (const call of calls)
      expect(call).toThrow(expect.objectContaining({ code: "macro.builder_closed", details: { macro: "test.macro" } }));
  });

  test("keeps the builder after it threw: closed as well", () => {
    let kept: Words | undefined;
    expect(() =>
      recorded((words) => {
        kept = words;
        throw new RangeError("mine");
      }),
    ).toThrow("mine");
    expect(() => kept?.allocate("account")).toThrow(expect.objectContaining({ code: "macro.builder_closed" }));
  });

  test("gives something whose members throw when they are read", () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new RangeError("no keys");
        },
      },
    );
    expect(refusal(() => hostile)).toContain("a value that throws when it is read");
  });
});

describe("a malformed macro", () => {
  test.each([
    ["name", { name: "onboard" }],
    ["name", { name: 1 }],
    ["version", { version: 0 }],
    ["title", { title: 1 }],
    ["body", { body: "text" }],
    ["params", { params: {} }],
    ["params", { params: z.array(z.string()) }],
    ["params", { params: z.object({ length: z.int() }) }],
    ["params", { params: z.object({ map: z.int() }) }],
    ["params", { params: z.object({ then: z.int() }) }],
    ["params", { params: z.object({ toJSON: z.int() }) }],
    ["params", { params: z.object({ toString: z.int() }) }],
    ["params", { params: z.object({ ["__proto__"]: z.int() }) }],
    ["bdy", { bdy: () => undefined }],
  ])("is refused by its field %s: %o", (field, change) => {
    expect(refusal(() => undefined, change)).toContain(
      `macro.invalid {"macro":"${"name" in change ? String(change.name) : "test.macro"}","field":"${field}"}`,
    );
  });

  test("that is no object is refused too", () => {
    expect(() => defineMacro(null as never)).toThrow(expect.objectContaining({ code: "macro.invalid" }));
    expect(() => defineMacro(7 as never)).toThrow(expect.objectContaining({ code: "macro.invalid" }));
    expect(refusal(() => undefined, { params: z.object({ a: z.number() }) })).toContain("schema.not_describable");
  });
});

const slowRead = defineVerb({
  name: "slow.read",
  version: 1,
  effect: "read",
  mode: "durable",
  args: z.object({}),
  result: z.object({}),
});

function untyped(word: unknown): (...args: readonly unknown[]) => unknown {
  return word as (...args: readonly unknown[]) => unknown;
}

function circle(): never {
  const ring: Record<string, unknown> = {};
  ring["self"] = ring;
  return ring as never;
}

function nested(times: number, params: Words["params"], forEach: Words["forEach"]): unknown {
  if (times === 0) return null;
  return forEach(`l${times}`, params.currencies, () => {
    nested(times - 1, params, forEach);
    return null;
  });
}
