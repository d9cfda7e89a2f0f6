import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createCatalog, defineMacro, definePack, defineVerb, isRunsealError, subject } from "runseal";
import type { Body, Macro, Verb } from "runseal";
import { copyCanonical } from "../../src/json/copy.js";
import { closeAccount, listAccounts, openAccount, sendMail } from "./sample-verbs.js";

const noArgs = z.object({});
const verb = (name: `${string}.${string}`, version = 1, retired = false): Verb =>
  defineVerb({ name, version, effect: "pure", args: noArgs, result: noArgs, retired });
const macro = (name: `${string}.${string}`, ...invoked: readonly Macro[]): Macro =>
  defineMacro({
    name,
    version: 1,
    params: noArgs,
    body: ({ invoke }) => {
      invoked.forEach((target, index) => invoke(`i${index}`, target, {}));
    },
  });

/** The same macro with another body: what a declarative macro or a hand-built one may say. */
function withBody(of: Macro, body: readonly object[]): Macro {
  return { ...of, definition: { ...of.definition, body: copyCanonical(body) as never } };
}

function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (isRunsealError(error)) return `${error.code} ${JSON.stringify(error.details)} ${error.message}`;
    throw error;
  }
  return "made";
}

describe("createCatalog", () => {
  const catalog = createCatalog({
    verbs: [openAccount, verb("a.b", 2), verb("a.b", 10), verb("a.b", 11, true), verb("a.old", 1, true), verb("a.b", 1)],
    macros: [macro("m.one")],
    packs: [definePack({ id: "kyc", name: "Know your customer", forbiddenVerbs: ["a.*"] })],
  });

  test("finds the newest version that is not retired, and every version by its reference", () => {
    expect(catalog.verb("a.b")?.version).toBe(10);
    expect(catalog.verbAt("a.b@2")?.version).toBe(2);
    expect(catalog.verbAt("a.b@11")?.contract.retired).toBe(true);
    expect([catalog.verb("a.old"), catalog.verbAt("a.b@3"), catalog.verb("toString"), catalog.verb("m.one")]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(catalog.verb("account.open")).toBe(openAccount);
    expect(catalog.macro("m.one")?.name).toBe("m.one");
    expect(catalog.pack("kyc")?.forbiddenVerbs).toEqual(["a.*"]);
    expect([catalog.macro("a.b"), catalog.pack("other")]).toEqual([undefined, undefined]);
  });

  test("suggests names that look alike, nearest first", () => {
    expect(catalog.suggest("acount.open")).toEqual(["account.open"]);
    expect(catalog.suggest("account.opne")).toEqual(["account.open"]);
    expect(catalog.suggest("M.ONE")).toEqual(["m.one"]);
    expect(catalog.suggest("something.else")).toEqual([]);
    expect(catalog.suggest("x".repeat(10_000))).toEqual([]);
  });

  test("is frozen, with its lists", () => {
    expect([catalog, catalog.verbs, catalog.macros, catalog.packs].every(Object.isFrozen)).toBe(true);
  });

  test("gives a new catalog with more in it and leaves the old one alone", () => {
    const more = catalog.with({ verbs: [sendMail], macros: [macro("m.two")], packs: [definePack({ id: "p" })] });
    expect([more.verb("mail.send"), more.macro("m.two")?.name, more.pack("p")?.name]).toEqual([sendMail, "m.two", "p"]);
    expect([catalog.verb("mail.send"), catalog.macro("m.two"), catalog.pack("p")]).toEqual([undefined, undefined, undefined]);
    expect(more.digest).not.toBe(catalog.digest);
    expect(catalog.with({}).digest).toBe(catalog.digest);
    expect(refusal(() => catalog.with({ verbs: [openAccount] }))).toContain("catalog.duplicate");
  });

  test("has one digest whatever the order of registration (X.5-1)", () => {
    const verbs = [openAccount, sendMail, closeAccount, listAccounts, verb("a.b"), verb("a.b", 2)];
    const macros = [macro("m.one"), macro("m.two"), macro("m.three")];
    const packs = [definePack({ id: "p" }), definePack({ id: "q", allowedVerbs: ["a.b"] })];
    const { digest } = createCatalog({ verbs, macros, packs });
    fc.assert(
      fc.property(
        fc.shuffledSubarray(verbs, { minLength: verbs.length }),
        fc.shuffledSubarray(macros, { minLength: macros.length }),
        fc.shuffledSubarray(packs, { minLength: packs.length }),
        (v, m, p) => {
          expect(createCatalog({ verbs: v, macros: m, packs: p }).digest).toBe(digest);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("has another digest for another contract, macro, pack or retirement", () => {
    const digests = [
      createCatalog({ verbs: [verb("a.b")] }),
      createCatalog({ verbs: [verb("a.b", 2)] }),
      createCatalog({ verbs: [verb("a.b", 1, true)] }),
      createCatalog({ verbs: [verb("a.b")], macros: [macro("m.one")] }),
      createCatalog({ verbs: [verb("a.b")], packs: [definePack({ id: "p" })] }),
      createCatalog({ verbs: [verb("a.b")], packs: [definePack({ id: "p", allowedVerbs: ["a.b"] })] }),
    ].map(({ digest }) => digest);
    expect(new Set(digests).size).toBe(digests.length);
  });

  test("may be empty", () => {
    expect(createCatalog({}).digest).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("a catalog is refused for", () => {
  const calling = (name: `${string}.${string}`, target: Verb): Macro =>
    defineMacro({
      name,
      version: 1,
      params: z.object({ items: z.array(z.string()) }),
      body: ({ params, when, forEach, eq, step }) => {
        forEach("each", params.items, (item) => {
          when(eq(item, "x"), () => {
            step("inner", target, {});
          });
        });
      },
    });

  test("one name for a verb and a macro (decision 2.1)", () => {
    expect(refusal(() => createCatalog({ verbs: [verb("a.b")], macros: [macro("a.b")] }))).toContain(
      'catalog.duplicate {"name":"a.b"}',
    );
  });

  test("the same version of a verb, the same macro, the same pack twice", () => {
    expect(refusal(() => createCatalog({ verbs: [verb("a.b"), verb("a.b")] }))).toContain('catalog.duplicate {"name":"a.b@1"}');
    expect(refusal(() => createCatalog({ macros: [macro("a.b"), macro("a.b")] }))).toContain('catalog.duplicate {"name":"a.b"}');
    expect(refusal(() => createCatalog({ packs: [definePack({ id: "p" }), definePack({ id: "p" })] }))).toContain(
      "catalog.duplicate",
    );
  });

  test("a verb that a macro calls inside of a loop and a when, and that isn't there (X13), with did-you-mean", () => {
    expect(refusal(() => createCatalog({ verbs: [verb("mail.sent")], macros: [calling("m.one", verb("mail.send"))] }))).toBe(
      'catalog.unknown_reference {"macro":"m.one","reference":"mail.send","path":"each/inner"} ' +
        '"each/inner" in "m.one" calls the verb "mail.send", which the catalog does not have or only as retired; did you mean "mail.sent"',
    );
  });

  test("a verb of which only retired versions are there", () => {
    const retired = verb("mail.send", 1, true);
    expect(refusal(() => createCatalog({ verbs: [retired], macros: [calling("m.one", retired)] }))).toContain("only as retired");
  });

  test("a macro that isn't there, or that is a verb", () => {
    expect(refusal(() => createCatalog({ macros: [macro("m.one", macro("m.two"))] }))).toContain('calls the macro "m.two"');
    expect(refusal(() => createCatalog({ verbs: [verb("m.two")], macros: [macro("m.one", macro("m.two"))] }))).toContain(
      "catalog.unknown_reference",
    );
  });

  test("a lookup or requirement that isn't there or writes by now", () => {
    const asking = defineMacro({
      name: "m.one",
      version: 1,
      params: noArgs,
      body: ({ lookup }) => ({ ids: lookup("l", listAccounts, { owner: "o" }).ids }),
    });
    expect(refusal(() => createCatalog({ macros: [asking] }))).toContain('calls the verb "account.list"');
    const { args, result } = listAccounts;
    const writing = defineVerb({ name: "account.list", version: 2, effect: "write", recovery: "manual", args, result });
    expect(refusal(() => createCatalog({ verbs: [listAccounts, writing], macros: [asking] }))).toContain("which writes");
    const requiring = withBody(asking, [
      { kind: "require", label: "r", verb: "mail.send", args: {}, expected: {}, recheck: "never" },
    ]);
    expect(refusal(() => createCatalog({ verbs: [listAccounts], macros: [requiring] }))).toContain("mail.send");
  });

  test.each([
    [1, ["m.a", "m.a"]],
    [2, ["m.a", "m.b", "m.a"]],
    [3, ["m.a", "m.b", "m.c", "m.a"]],
  ])("a cycle of length %i, with its full trace (A-005, X.5-4)", (length, cycle) => {
    const names = ["m.a", "m.b", "m.c"].slice(0, length) as `${string}.${string}`[];
    const macros = names.map((name, index) =>
      withBody(macro(name), [{ kind: "invoke", label: "i", macro: names[(index + 1) % length] ?? "", args: {}, after: [] }]),
    );
    expect(refusal(() => createCatalog({ macros }))).toContain(`catalog.cycle {"cycle":${JSON.stringify(cycle)}}`);
    expect(refusal(() => createCatalog({ macros }))).toContain(`expands into itself: ${cycle.join(" -> ")}`);
  });

  test("a cycle through when and forEach, entered from outside of it", () => {
    const invoke = (target: string): object => ({ kind: "invoke", label: "i", macro: target, args: {}, after: [] });
    const macros = [
      withBody(macro("m.start"), [invoke("m.a")]),
      withBody(macro("m.a"), [{ kind: "when", condition: true, then: [], otherwise: [invoke("m.b")] }]),
      withBody(macro("m.b"), [
        { kind: "for_each", label: "l", list: [], key: { by: "item" }, body: [invoke("m.a")], yields: null },
      ]),
    ];
    expect(refusal(() => createCatalog({ macros }))).toContain('{"cycle":["m.a","m.b","m.a"]}');
  });

  test("arguments that don't fit the version that the catalog would take", () => {
    const { result } = sendMail;
    const newer = defineVerb({
      name: "mail.send",
      version: 2,
      effect: "write",
      recovery: "manual",
      args: z.object({ recipient: z.string(), numbers: z.array(z.string()) }),
      result,
    });
    const sending = defineMacro({
      name: "m.one",
      version: 1,
      params: noArgs,
      body: ({ step }) => {
        step("s", sendMail, { to: "x", numbers: [] });
      },
    });
    expect(refusal(() => createCatalog({ verbs: [sendMail], macros: [sending] }))).toBe("made");
    expect(refusal(() => createCatalog({ verbs: [sendMail, newer], macros: [sending] }))).toContain(
      'macro.invalid_argument {"macro":"m.one","path":"s","pointer":"/to"} "s" in "m.one": to: is not an argument; recipient: is missing',
    );
  });

  test("an inverse that isn't there, or that would be called wrongly", () => {
    const undone = (args: object): Verb =>
      defineVerb({
        name: "account.freeze",
        version: 1,
        effect: "write",
        recovery: "idempotent",
        args: z.object({ account: subject("account", "write") }),
        result: noArgs,
        undo: { verb: "account.close", args: () => args as never },
      });
    expect(refusal(() => createCatalog({ verbs: [undone({ account: "a" }), closeAccount] }))).toBe("made");
    expect(refusal(() => createCatalog({ verbs: [undone({ account: "a" })] }))).toContain(
      'catalog.unknown_reference {"macro":"account.freeze","reference":"account.close","path":"undo"}',
    );
    expect(refusal(() => createCatalog({ verbs: [undone({ acount: "a" }), closeAccount] }))).toContain(
      'macro.invalid_argument {"macro":"account.freeze","path":"undo","pointer":"/acount"}',
    );
  });

  test("a pack that speaks of a verb which isn't there: a misspelled prohibition would forbid nothing", () => {
    const packs = (pattern: string) => [definePack({ id: "p", forbiddenVerbs: [pattern] })];
    expect(refusal(() => createCatalog({ verbs: [sendMail], packs: packs("mail.sned") }))).toContain('did you mean "mail.send"');
    expect(refusal(() => createCatalog({ verbs: [sendMail], packs: packs("post.*") }))).toContain("catalog.unknown_reference");
    expect(refusal(() => createCatalog({ verbs: [sendMail], packs: packs("mail.*") }))).toBe("made");
  });

  test("things that define... did not make", () => {
    expect(refusal(() => createCatalog({ verbs: [{ name: "a.b" } as never] }))).toContain("verb.invalid");
    expect(refusal(() => createCatalog({ verbs: [null as never] }))).toContain("verb.invalid");
    expect(refusal(() => createCatalog({ verbs: [macro("m.one") as never] }))).toContain("verb.invalid");
    expect(refusal(() => createCatalog({ macros: [sendMail as never] }))).toContain("macro.invalid");
    expect(refusal(() => createCatalog({ macros: [7 as never] }))).toContain("macro.invalid");
  });
});

describe("late values are followed through invocations", () => {
  const inner = defineMacro({
    name: "m.inner",
    version: 1,
    params: z.object({
      list: z.array(z.string()),
      flag: z.boolean(),
      owner: z.string(),
      other: z.string(),
      key: z.object({ by: z.string() }),
      wanted: z.boolean(),
    }),
    body: ({ params, forEach, when, lookup, require, step }) => {
      forEach("each", params.list, { key: () => params.key.by }, () => null);
      when(params.flag, () => undefined);
      lookup("found", listAccounts, { owner: params.owner });
      require("open", listAccounts, { owner: "o" }, { owner: { blocked: params.wanted } });
      step("mail", sendMail, { to: params.other, numbers: [] });
    },
  });
  const middle = defineMacro({
    name: "m.middle",
    version: 1,
    params: z.object({ all: inner.params }),
    body: ({ params, invoke }) => {
      invoke("inner", inner, params.all);
    },
  });
  const verbs = [listAccounts, sendMail, openAccount];
  const plain = { list: ["a"], flag: true, owner: "o", other: "x", key: { by: "k" }, wanted: false };
  type Change = Body<unknown>;

  const outer = (change: (words: Change) => object, wrapped = false): Macro =>
    defineMacro({
      name: "m.outer",
      version: 1,
      params: noArgs,
      body: (words) => {
        const args = { ...plain, ...change(words) };
        if (wrapped) words.invoke("middle", middle, { all: args as never });
        else words.invoke("inner", inner, args);
      },
    });
  const late = ({ step }: Change) => step("s", openAccount, { account: "a", owner: "o", currency: "EUR" }).result;

  test.each([
    ["a list", (words: Change) => ({ list: [late(words).number] })],
    ["a condition", (words: Change) => ({ flag: late(words).opened })],
    ["an argument of a lookup", (words: Change) => ({ owner: late(words).number })],
    ["a loop key", (words: Change) => ({ key: { by: late(words).number } })],
    ["an expectation", (words: Change) => ({ wanted: late(words).opened })],
    ["a part of an operator", (words: Change) => ({ owner: words.concat("a", late(words).number) })],
  ])("%s, also over two macros (catalog.late_value)", (_title, change) => {
    expect(refusal(() => createCatalog({ verbs, macros: [inner, outer(change)] }))).toContain(
      'catalog.late_value {"macro":"m.outer","path":"inner","expression":"s.result.',
    );
    expect(refusal(() => createCatalog({ verbs, macros: [outer(change, true), middle, inner] }))).toContain(
      'catalog.late_value {"macro":"m.outer","path":"middle"',
    );
  });

  test("the results of a loop as a list", () => {
    const looping = (words: Change): object => ({ list: words.forEach("l", ["a"] as never, () => "x") });
    expect(refusal(() => createCatalog({ verbs, macros: [inner, outer(looping)] }))).toContain('"expression":"l.results"');
  });

  test("but not where they shape nothing", () => {
    const harmless = (words: Change): object => ({ other: late(words).number });
    expect(refusal(() => createCatalog({ verbs, macros: [inner, outer(harmless)] }))).toBe("made");
    expect(refusal(() => createCatalog({ verbs, macros: [inner, middle, outer(harmless, true)] }))).toBe("made");
    expect(refusal(() => createCatalog({ verbs, macros: [inner, middle, outer(() => ({}))] }))).toBe("made");
  });

  test("in hand-built macros too: a late list, with parts of literal lists looked at one by one", () => {
    const late_ = withBody(macro("m.one"), [
      { kind: "step", label: "s", verb: "account.open", args: { account: "a", owner: "o", currency: "EUR" }, after: [] },
      {
        kind: "for_each",
        label: "l",
        list: { $: "result", step: "s", path: ["limits"] },
        key: { by: "index" },
        body: [],
        yields: null,
      },
    ]);
    expect(refusal(() => createCatalog({ verbs, macros: [late_] }))).toContain('catalog.late_value {"macro":"m.one","path":"l"');
    const pair = defineMacro({
      name: "m.pair",
      version: 1,
      params: z.object({ pair: z.tuple([z.boolean(), z.string()]), free: z.boolean().optional() }),
      body: ({ params, when, at, exists, orElse }) => {
        when(orElse(at(params.pair, 0), false), () => undefined);
        when(exists(params.free), () => undefined);
      },
    });
    const giving = (args: object): Macro =>
      withBody(macro("m.one"), [
        { kind: "step", label: "s", verb: "account.open", args: { account: "a", owner: "o", currency: "EUR" }, after: [] },
        { kind: "invoke", label: "i", macro: "m.pair", args, after: [] },
      ]);
    const result = { $: "result", step: "s", path: ["number"] };
    expect(refusal(() => createCatalog({ verbs, macros: [pair, giving({ pair: [true, result] })] }))).toBe("made");
    expect(refusal(() => createCatalog({ verbs, macros: [pair, giving({ pair: [result, "x"] })] }))).toContain(
      "catalog.late_value",
    );
    expect(refusal(() => createCatalog({ verbs, macros: [pair, giving({ pair: result })] }))).toContain("catalog.late_value");
    const computed = { $: "orElse", of: [{ $: "literal", value: null }, result] };
    expect(refusal(() => createCatalog({ verbs, macros: [pair, giving({ pair: computed })] }))).toContain("catalog.late_value");
  });
});

describe("the macro graph", () => {
  test("may be a diamond (X.5-4)", () => {
    const bottom = macro("m.bottom");
    const [left, right] = [macro("m.left", bottom), macro("m.right", bottom)];
    expect(createCatalog({ macros: [macro("m.top", left, right), left, right, bottom] }).macros).toHaveLength(4);
  });

  test("may be 10,000 macros deep: whether that expands is the compiler's to say", () => {
    const shape = macro("m.zero");
    const chain = Array.from({ length: 10_000 }, (_, index): Macro => {
      const name = `m.n${index}`;
      const body = index === 0 ? [] : [{ kind: "invoke" as const, label: "i", macro: `m.n${index - 1}`, args: {}, after: [] }];
      return { ...shape, name, definition: { ...shape.definition, name, body } };
    });
    expect(createCatalog({ macros: chain }).macro("m.n9999")?.name).toBe("m.n9999");
    expect(createCatalog({ macros: chain.toReversed() }).macros).toHaveLength(10_000);
  });
});

describe("definePack", () => {
  test("sorts its lists, drops repetitions, freezes, and takes its name from its id", () => {
    const pack = definePack({ id: "kyc", allowedVerbs: ["b.c", "a.*", "b.c"], forbiddenEntityKinds: ["fund"] });
    expect(pack).toEqual({
      id: "kyc",
      name: "kyc",
      allowedVerbs: ["a.*", "b.c"],
      forbiddenVerbs: [],
      forbiddenEntityKinds: ["fund"],
    });
    expect([pack, pack.allowedVerbs, pack.forbiddenVerbs].every(Object.isFrozen)).toBe(true);
  });

  test.each([
    ["id", { id: "" }],
    ["id", { id: "A" }],
    ["id", null],
    ["name", { id: "p", name: "" }],
    ["allowedVerbs", { id: "p", allowedVerbs: "a.b" }],
    ["allowedVerbs", { id: "p", allowedVerbs: ["*"] }],
    ["forbiddenVerbs", { id: "p", forbiddenVerbs: ["open"] }],
    ["forbiddenEntityKinds", { id: "p", forbiddenEntityKinds: [1] }],
    ["forbidden", { id: "p", forbidden: ["a.b"] }],
  ])("is refused by its field %s: %j", (field, fields) => {
    expect(refusal(() => definePack(fields as never))).toContain(`"field":"${field}"`);
  });
});
