import { describe, expect, test } from "vitest";
import type { BodyItem, MacroDefinition } from "../../src/model/macro.js";
import type { Planned, PlanOutcome } from "../../src/compile/compile-request.js";
import type { Limits } from "../../src/model/limits.js";
import { compilePlan } from "../../src/compile/compile-plan.js";
import { digestOf } from "../../src/json/digest.js";
import { MACRO_AUDIT_TAG } from "../../src/compile/audit-trail.js";
import {
  allocate,
  bind,
  catalog,
  collect,
  concat,
  each,
  eq,
  integer,
  invoke,
  item,
  json,
  listOf,
  macro,
  obj,
  oneOf,
  opt,
  param,
  request,
  result,
  step,
  text,
  verb,
  when,
  writes,
} from "./build.js";

const open = verb("account.open", { account: writes("account"), currency: oneOf("EUR", "USD") });
const grant = verb("perk.grant", { name: text, note: opt(text) }, { effect: "pure" });
const note = verb("note.add", { text: json }, { effect: "pure" });
const LIMITS: Limits = { depthMax: 8, stepsMax: 500, humanStepsMax: 500, lookupsMax: 100 };

function planned(outcome: PlanOutcome): Planned {
  if (outcome.kind !== "planned") expect.fail(JSON.stringify(outcome, null, 1));
  return outcome;
}

function compile(macros: readonly MacroDefinition[], args: unknown = {}, more: Parameters<typeof request>[3] = {}): PlanOutcome {
  return compilePlan(request(catalog([open, grant, note], macros), macros[0]?.name ?? "", args, more));
}

const idsOf = (outcome: PlanOutcome): readonly string[] => planned(outcome).plan.steps.map((made) => made.id);
const findingsOf = (outcome: PlanOutcome): readonly (readonly string[])[] =>
  outcome.kind === "compilation_error" ? outcome.findings.map(({ code, path }) => [code, path]) : [[outcome.kind]];

describe("step ids and outputs", () => {
  test("A-060, D-003 a verb invoked directly is the step main, with its defaults filled in", () => {
    const set = verb("flag.set", { on: { type: "default", of: { type: "boolean" }, value: true } });
    const outcome = planned(compilePlan(request(catalog([set]), "flag.set")));
    expect(outcome.plan.steps).toEqual([
      { id: "main", verb: "flag.set@1", args: { on: true }, after: [], mode: "sync", optional: [], macro: null },
    ]);
    expect(outcome.output).toEqual({ $: "result", step: "main", path: [] });
    expect(outcome.core.macroAudits).toEqual([]);
  });

  test("decision 1.5 ids are the paths of labels with loop keys; when adds nothing", () => {
    const onboard = macro(
      "customer.onboard",
      { currencies: listOf(text) },
      [
        each("accounts", param("currencies"), [
          when(eq(item("accounts"), "EUR"), [step("first", "note.add", { text: item("accounts") })]),
          invoke("perks", "perk.all", { name: item("accounts") }),
        ]),
        step("last", "note.add", { text: collect("accounts") }),
      ],
      { all: collect("accounts") },
    );
    const perks = macro("perk.all", { name: text }, [step("grant", "perk.grant", { name: param("name") })], {
      given: result("grant", "at"),
    });
    const outcome = compile([onboard, perks], { currencies: ["EUR", "USD"] });
    expect(idsOf(outcome)).toEqual(["accounts[EUR]/first", "accounts[EUR]/perks/grant", "accounts[USD]/perks/grant", "last"]);
  });

  test("an invocation's result is the output of its macro, a loop's is the list of what it yields", () => {
    const outer = macro(
      "outer",
      {},
      [
        invoke("inner", "inner", { x: "a" }),
        each("all", ["p", "q"], [step("go", "note.add", { text: item("all") })], {
          key: item("all"),
          late: result("all/go", "id"),
        }),
        step("use", "note.add", { text: [result("inner", "late"), result("inner", "known"), collect("all", "1", "late")] }),
      ],
      { list: collect("all") },
    );
    const inner = macro("inner", { x: text }, [step("go", "note.add", { text: param("x") })], {
      late: result("go", "deep", "er"),
      known: concat(param("x"), "!"),
    });
    const outcome = planned(compile([outer, inner]));
    expect(outcome.plan.steps.find((made) => made.id === "use")?.args).toEqual({
      text: [{ $: "result", step: "inner/go", path: ["deep", "er"] }, "a!", { $: "result", step: "all[q]/go", path: ["id"] }],
    });
    expect(outcome.output).toEqual({
      list: [
        { key: "p", late: { $: "result", step: "all[p]/go", path: ["id"] } },
        { key: "q", late: { $: "result", step: "all[q]/go", path: ["id"] } },
      ],
    });
  });

  test.each([
    ["item", { by: "item" } as const, ["a", 7], ["all[a]/go", "all[7]/go"]],
    ["index", { by: "index" } as const, ["has blank", null], ["all[0]/go", "all[1]/go"]],
    [
      "an expression",
      { by: "expression", tree: item("all", "id") } as const,
      [{ id: "x.1" }, { id: "x:2" }],
      ["all[x.1]/go", "all[x:2]/go"],
    ],
  ])("decision 1.5 a loop can be keyed by %s", (_name, key, list, ids) => {
    const outer = macro("outer", { list: listOf(json) }, [
      each("all", param("list"), [step("go", "note.add", { text: item("all") })], null, key),
    ]);
    expect(idsOf(compile([outer], { list }))).toEqual(ids);
  });

  test.each([
    ["a blank in it", ["a b"], "all[0]"],
    ["nothing in it", [""], "all[0]"],
    ["64 characters", ["a", "x".repeat(64)], "all[1]"],
    ["a slash", ["a/b"], "all[0]"],
    ["an object", [{}], "all[0]"],
    ["a repetition", ["a", "b", "a"], "all[2]"],
    ["a number and its text", [1, "1"], "all[1]"],
  ])("decision 1.5 a loop key with %s is refused with its place", (_name, list, place) => {
    const outer = macro("outer", { list: listOf(json) }, [each("all", param("list"), [step("go", "note.add", { text: 1 })])]);
    expect(findingsOf(compile([outer], { list }))).toEqual([["expand.loop_key", place]]);
  });

  test("labels that stand twice in one block, also through when, are refused", () => {
    const outer = macro("outer", {}, [
      step("go", "note.add", { text: 1 }),
      when(true, [step("go", "note.add", { text: 2 })]),
      invoke("go", "inner"),
    ]);
    expect(findingsOf(compile([outer, macro("inner", {}, [])]))).toEqual([
      ["expand.duplicate_label", "go"],
      ["expand.duplicate_label", "go"],
    ]);
  });

  test("decision 1.5 an id of more than 16 segments is refused", () => {
    const nested = (loops: number): readonly BodyItem[] =>
      loops === 0 ? [step("go", "note.add", { text: 1 })] : [each(`l${loops}`, ["a"], nested(loops - 1))];
    expect(idsOf(compile([macro("outer", {}, nested(15))]))[0]?.split("/")).toHaveLength(16);
    const path = Array.from({ length: 16 }, (_, index) => `l${16 - index}[a]`).join("/");
    expect(findingsOf(compile([macro("outer", {}, nested(16))]))).toEqual([["expand.path_too_long", `${path}/go`]]);
  });
});

describe("limits", () => {
  const chain = (length: number, leaf: readonly BodyItem[]): MacroDefinition[] =>
    Array.from({ length }, (_, level) =>
      macro(
        `m${level}`,
        {},
        level === length - 1 ? leaf : [invoke("n", `m${level + 1}`)],
        level === length - 1 ? {} : result("n"),
      ),
    );

  test("A-060 eight levels below the root are legal, nine are refused with the names on the way", () => {
    expect(idsOf(compile(chain(9, [step("go", "note.add", { text: 1 })])))).toEqual([`${"n/".repeat(8)}go`]);
    const outcome = compile(chain(10, [step("go", "note.add", { text: 1 })]));
    expect(outcome).toMatchObject({ errorKind: "limits_exceeded", sourcePhase: "expand" });
    expect(findingsOf(outcome)).toEqual([["expand.too_deep", "n/".repeat(9).slice(0, -1)]]);
  });

  test("A-061 a bomb of ten levels of ten stops at the limit before it makes more", () => {
    const ten = Array.from({ length: 10 }, (_, index) => index);
    const bomb = ten.map((level) =>
      macro(
        `m${level}`,
        {},
        level === 9 ? [step("go", "note.add", { text: 1 })] : ten.map((index) => invoke(`n${index}`, `m${level + 1}`)),
      ),
    );
    const outcome = compile(bomb, {}, { limits: { ...LIMITS, depthMax: 20 } });
    expect(findingsOf(outcome).map(([code]) => code)).toEqual(["expand.too_many_steps"]);
    expect(
      findingsOf(
        compile(
          bomb.map((made) => (made.name === "m9" ? macro("m9", {}, []) : made)),
          {},
          { limits: { ...LIMITS, depthMax: 20 } },
        ),
      ).map(([code]) => code),
    ).toEqual(["expand.too_much_work"]);
  });

  test("the limit on steps counts the whole tree exactly: 500 pass, 501 do not", () => {
    const outer = macro("outer", { list: listOf(integer) }, [
      each("all", param("list"), [invoke("n", "inner")]),
      step("last", "note.add", { text: 1 }),
    ]);
    const inner = macro("inner", {}, [step("go", "note.add", { text: 1 })]);
    const list = Array.from({ length: 500 }, (_, index) => index);
    expect(idsOf(compile([outer, inner], { list: list.slice(1) }))).toHaveLength(500);
    expect(findingsOf(compile([outer, inner], { list }))).toEqual([["expand.too_many_steps", "last"]]);
  });

  test("steps that wait for a person have a limit of their own", () => {
    const outer = macro("outer", { list: listOf(integer) }, [
      each("all", param("list"), [step("ask", "note.add", { text: 1 }, { mode: "human_gate" })]),
    ]);
    const limits = { ...LIMITS, humanStepsMax: 2 };
    expect(idsOf(compile([outer], { list: [1, 2] }, { limits }))).toHaveLength(2);
    expect(findingsOf(compile([outer], { list: [1, 2, 3] }, { limits }))).toEqual([
      ["expand.too_many_human_steps", "all[3]/ask"],
    ]);
  });

  test("the strictest of the instance's and the context's limits is in force and sealed", () => {
    const outer = macro("outer", { list: listOf(integer) }, [each("all", param("list"), [step("go", "note.add", { text: 1 })])]);
    const outcome = compile([outer], { list: [1, 2, 3] }, { context: { limits: { stepsMax: 2, depthMax: 99 } } });
    expect(findingsOf(outcome)).toEqual([["expand.too_many_steps", "all[3]/go"]]);
    expect(planned(compile([outer], { list: [1] }, { context: { limits: { stepsMax: 2 } } })).core.limits).toEqual({
      ...LIMITS,
      stepsMax: 2,
    });
  });

  test("a chain of 10,000 macros is refused by default and expands without a stack overflow when limits are raised", () => {
    const long = chain(10_000, [step("go", "note.add", { text: 1 })]);
    expect(findingsOf(compile(long)).map(([code]) => code)).toEqual(["expand.too_deep"]);
    const outcome = planned(compile(long, {}, { limits: { ...LIMITS, depthMax: 10_000 } }));
    expect(outcome.plan.steps).toHaveLength(1);
    expect(outcome.core.macroAudits).toHaveLength(10_000);
  });

  test("late values that nest deeper with each macro are refused, not overflowed", () => {
    const long = Array.from({ length: 400 }, (_, level) =>
      level === 399
        ? macro(`m${level}`, { x: json }, [step("go", "note.add", { text: param("x") })])
        : macro(`m${level}`, { x: json }, [invoke("n", `m${level + 1}`, { x: concat(param("x"), "+") })]),
    );
    const root = macro("root", {}, [step("first", "note.add", { text: 1 }), invoke("n", "m0", { x: result("first") })]);
    const outcome = compile([root, ...long], {}, { limits: { ...LIMITS, depthMax: 1000 } });
    expect(findingsOf(outcome).map(([code]) => code)).toEqual(["value.too_deep"]);
  });

  test("arguments of more than 1 MiB are refused with the limit named", () => {
    const outer = macro("outer", { big: text }, [step("go", "note.add", { text: [param("big"), param("big")] })]);
    const outcome = compile([outer], { big: "x".repeat(600_000) });
    expect(findingsOf(outcome)).toEqual([["value.too_large", "go"]]);
    expect(outcome).toMatchObject({ message: expect.stringContaining("1048576") });
  });
});

describe("cycles of macros", () => {
  const go = step("go", "note.add", { text: 1 });
  test.each([
    ["itself", [macro("a", {}, [invoke("n", "a")])], ["a", "a"]],
    ["two", [macro("a", {}, [invoke("n", "b")]), macro("b", {}, [invoke("n", "a")])], ["a", "b", "a"]],
    [
      "three below the root, through when and a loop",
      [
        macro("root", {}, [go, invoke("n", "a")]),
        macro("a", {}, [when(true, [invoke("n", "b")])]),
        macro("b", {}, [each("all", ["x"], [invoke("n", "c")])]),
        macro("c", {}, [invoke("n", "a")]),
      ],
      ["a", "b", "c", "a"],
    ],
  ])("X.5-4 A-005 a circle through %s is refused with its full trace", (_name, macros, cycle) => {
    const outcome = compile(macros);
    expect(outcome).toMatchObject({ kind: "compilation_error", errorKind: "cycle_detected", sourcePhase: "expand", cycle });
    expect(outcome).toMatchObject({ message: expect.stringContaining(cycle.join(" -> ")) });
  });

  test("X.5-4 A-005 a diamond is fine", () => {
    const macros = [
      macro("top", {}, [invoke("l", "left"), invoke("r", "right")]),
      macro("left", {}, [invoke("n", "bottom")]),
      macro("right", {}, [invoke("n", "bottom")]),
      macro("bottom", {}, [go]),
    ];
    expect(idsOf(compile(macros))).toEqual(["l/n/go", "r/n/go"]);
  });
});

describe("X13 nested macros", () => {
  test("X.5-3 a macro inside a loop inside a when is expanded, and counts are exact", () => {
    const outer = macro("outer", { list: listOf(text), go: { type: "boolean" } }, [
      when(param("go"), [each("all", param("list"), [when(true, [invoke("n", "inner", { x: item("all") })])])]),
    ]);
    const inner = macro("inner", { x: text }, [
      step("one", "note.add", { text: param("x") }),
      step("two", "note.add", { text: 2 }),
    ]);
    const outcome = planned(compile([outer, inner], { list: ["a", "b"], go: true }));
    expect(outcome.plan.steps.map(({ id, args }) => [id, args])).toEqual([
      ["all[a]/n/one", { text: "a" }],
      ["all[a]/n/two", { text: 2 }],
      ["all[b]/n/one", { text: "b" }],
      ["all[b]/n/two", { text: 2 }],
    ]);
    expect(outcome.macroAudits.map(({ path, macro: name }) => [path, name])).toEqual([
      ["", "outer"],
      ["all[a]/n", "inner"],
      ["all[b]/n", "inner"],
    ]);
    expect(compile([outer, inner], { list: ["a"], go: false })).toMatchObject({ errorKind: "dag_error" });
  });
});

describe("audits", () => {
  const inner = macro(
    "inner",
    { x: text, d: { type: "default", of: text, value: "dflt" } },
    [step("go", "note.add", { text: bind("who") })],
    {
      at: result("go"),
    },
  );
  const outer = macro("outer", { x: text }, [
    step("first", "note.add", { text: 1 }),
    invoke("n", "inner", { x: concat(param("x"), result("first", "id")) }),
  ]);

  test("A-062 X12 each expanded macro is audited with its own parameters, bindings and limits", () => {
    const outcome = planned(compile([outer, inner], { x: "a" }, { context: { bindings: { who: "ann", other: 1 } } }));
    const [root, nested] = outcome.macroAudits;
    expect(root).toMatchObject({
      path: "",
      macro: "outer",
      version: 1,
      definition: outer.digest,
      params: { x: "a" },
      bindings: {},
      limits: LIMITS,
    });
    expect(nested).toMatchObject({
      path: "n",
      macro: "inner",
      definition: inner.digest,
      params: { x: { $: "concat", of: ["a", { $: "result", step: "first", path: ["id"] }] }, d: "dflt" },
      bindings: { who: "ann" },
    });
    expect(outcome.core.bindings).toEqual({ who: "ann" });
    expect(outcome.core.macroAudits).toEqual(outcome.macroAudits.map((audit) => digestOf(MACRO_AUDIT_TAG, audit)));
    expect(nested?.expansion).toBe(
      digestOf("runseal/expansion/1", {
        output: { at: { $: "result", step: "n/go", path: [] } },
        steps: [["n/go", "note.add@1", { text: "ann" }]],
      }),
    );
    expect(root?.expansion).toBe(
      digestOf("runseal/expansion/1", { output: {}, steps: [["first", "note.add@1", { text: 1 }], nested?.expansion] }),
    );
  });

  test("X12 a nested change changes the audit of every macro above", () => {
    const audit = (bound: string): readonly string[] =>
      planned(compile([outer, inner], { x: "a" }, { context: { bindings: { who: bound } } })).macroAudits.map(
        (made) => made.expansion,
      );
    const [a, b] = [audit("ann"), audit("bob")];
    expect(a[0]).not.toBe(b[0]);
    expect(a[1]).not.toBe(b[1]);
    expect(a.every((digest) => /^[0-9a-f]{64}$/.test(digest))).toBe(true);
  });
});

describe("A-065 new entities", () => {
  const outer = macro("outer", { list: listOf(text) }, [
    each("all", param("list"), [
      step("own", "account.open", { account: allocate("account", 0), currency: "EUR" }),
      step("again", "account.open", { account: allocate("account", 0), currency: "USD" }),
      step("shared", "account.open", { account: allocate("account", 1, ""), currency: "USD" }),
    ]),
  ]);
  const accounts = (outcome: PlanOutcome): Record<string, unknown> =>
    Object.fromEntries(planned(outcome).plan.steps.map(({ id, args }) => [id, (args as { account: string }).account]));

  test("X1 decision 1.6 ids are UUIDv8 made from intent and place: equal for equal input, new for each iteration", () => {
    const first = accounts(compile([outer], { list: ["a", "b"] }));
    expect(first["all[a]/own"]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(first["all[a]/again"]).toBe(first["all[a]/own"]);
    expect(first["all[b]/own"]).not.toBe(first["all[a]/own"]);
    expect(first["all[b]/shared"]).toBe(first["all[a]/shared"]);
    expect(accounts(compile([outer], { list: ["a", "b"] }))).toEqual(first);
  });

  test.each([
    ["intent", { context: { intent: "ticket-2" } }, { list: ["a"] }],
    ["scope", { scope: "tenant-2" }, { list: ["a"] }],
    ["arguments", {}, { list: ["a", "b"] }],
  ])("decision 1.6 another %s gives other ids", (_name, more, args) => {
    const base = accounts(compile([outer], { list: ["a"] }));
    expect(accounts(compile([outer], args, more))["all[a]/own"]).not.toBe(base["all[a]/own"]);
  });

  test("allocations are listed once each in the core", () => {
    const { allocations } = planned(compile([outer], { list: ["a"] })).core;
    expect(allocations.map(({ path, kind }) => [path, kind])).toEqual([
      ["all[a]#0", "account"],
      ["#1", "account"],
    ]);
  });

  test("without an intent, and for a runbook used many times, the operator is asked", () => {
    const { context: _context, ...bare } = request(catalog([open], [outer]), "outer", { list: ["a"] });
    expect(compilePlan({ ...bare })).toMatchObject({
      kind: "clarification",
      missingFields: [{ fieldName: "intent", reason: "missing" }],
    });
    expect(compile([outer], { list: ["a"] }, { context: { uses: "many" } })).toMatchObject({
      kind: "clarification",
      missingFields: [{ fieldName: "uses", suggestions: ["once"] }],
    });
    const harmless = macro("harmless", {}, [step("go", "note.add", { text: 1 })]);
    expect(planned(compile([harmless], {}, { context: { uses: "many" } })).uses).toBe("many");
  });
});

describe("bindings", () => {
  test("missing ones are asked for all at once, each once", () => {
    const outer = macro("outer", {}, [
      step("a", "note.add", { text: [bind("x"), bind("y", "z")] }),
      when(bind("w"), [step("b", "note.add", { text: 1 })]),
      step("c", "note.add", { text: bind("x") }),
    ]);
    expect(compile([outer], {}, { context: { bindings: { y: { z: 1 } } } })).toMatchObject({
      kind: "clarification",
      missingFields: [{ fieldName: "bindings.x" }, { fieldName: "bindings.w" }],
    });
  });

  test("decision 1.3 of the operator and the session only the member that was used is sealed", () => {
    const outer = macro("outer", {}, [
      step("a", "note.add", { text: [bind("operator", "desk"), bind("session", "book"), bind("now"), bind("operator", "none")] }),
    ]);
    const context = {
      now: "2026-01-01T00:00:00Z",
      operator: { desk: "d-1", phone: "1" },
      session: { id: "s", values: { book: 3, page: 4 } },
    };
    const outcome = planned(compile([outer], {}, { context }));
    expect(outcome.plan.steps[0]?.args).toEqual({ text: ["d-1", 3, "2026-01-01T00:00:00Z", null] });
    expect(outcome.core.bindings).toEqual({ "operator.desk": "d-1", "session.book": 3, now: "2026-01-01T00:00:00Z" });
  });

  test("what a macro expects of a bound value is held against it, with optional and default ones", () => {
    const outer = {
      ...macro("outer", {}, [step("a", "note.add", { text: [bind("n"), bind("o"), bind("d"), bind("e", "x")] })]),
      bindings: {
        n: integer,
        o: opt(text),
        d: { type: "default", of: text, value: "dflt" } as const,
        e: obj({ x: oneOf("p", "q") }),
      },
    };
    expect(planned(compile([outer], {}, { context: { bindings: { n: 1, e: { x: "p" } } } })).plan.steps[0]?.args).toEqual({
      text: [1, null, "dflt", "p"],
    });
    expect(compile([outer], {}, { context: { bindings: { n: "1", e: { x: "r" } } } })).toMatchObject({
      kind: "clarification",
      missingFields: [
        { fieldName: "bindings.n", reason: "wrong_type" },
        { fieldName: "bindings.e.x", reason: "not_in_enumeration", suggestions: ["p", "q"] },
      ],
    });
  });

  test.each([
    ["a fraction", 1.5, "not_canonical"],
    ["a secret", "AKIAABCDEFGHIJKLMNOP", "secret"],
  ])("%s is refused with the name of the binding", (_name, value, reason) => {
    const outer = macro("outer", {}, [step("a", "note.add", { text: bind("x") })]);
    expect(compile([outer], {}, { context: { bindings: { x: value } } })).toMatchObject({
      kind: "clarification",
      missingFields: [{ fieldName: "bindings.x", reason }],
    });
  });
});

describe("A-063 what a body emits is checked", () => {
  test("every fault is listed, with the path of the step and the pointer of the argument", () => {
    const outer = macro("outer", {}, [
      step("a", "account.open", { account: 7, currency: "GBP" }),
      step("b", "perk.grant", { nam: "x" }),
      step("c", "nota.add", {}),
      invoke("d", "inner", { x: 1, z: 2 }),
      invoke("e", "iner"),
      step("f", "note.add", { text: { $: "item", loop: "none", path: [] } }),
      when("yes", []),
      when(result("a"), []),
      each("g", result("a", "list"), []),
      each("h", "no list", []),
      each("i", param("missing"), []),
      step("j", "note.add", { text: 1 }, { when: "yes" }),
    ]);
    const outcome = compile([outer, macro("inner", { x: text }, [])]);
    expect(outcome).toMatchObject({ errorKind: "expansion_failed", sourcePhase: "expand" });
    expect(findingsOf(outcome)).toEqual([
      ["expand.invalid_argument", "a/account"],
      ["expand.invalid_argument", "a/currency"],
      ["expand.invalid_argument", "b/nam"],
      ["expand.invalid_argument", "b/name"],
      ["expand.unknown_verb", "c"],
      ["expand.invalid_argument", "d/x"],
      ["expand.invalid_argument", "d/z"],
      ["expand.unknown_macro", "e"],
      ["expand.unknown_reference", ""],
      ["expand.condition", ""],
      ["expand.late_value", ""],
      ["expand.late_value", "g"],
      ["expand.not_a_list", "h"],
      ["expand.not_a_list", "i"],
      ["expand.condition", "j"],
    ]);
    const messages = outcome.kind === "compilation_error" ? outcome.findings.map((finding) => finding.message) : [];
    expect(messages[4]).toBe('"nota.add" is no verb of the catalog; did you mean "note.add"');
    expect(messages[7]).toBe('"iner" is no macro of the catalog; did you mean "inner"');
    expect(messages[2]).toContain('did you mean "name"');
  });

  test("a secret and a value without canonical text are refused where they would be sealed", () => {
    const body = [
      step("a", "note.add", { text: { password: "correct horse" } }),
      step("b", "note.add", { text: { deep: ["x\ud800"] } }),
      step("c", "note.add", { text: 0.5 }),
      step("d", "note.add", { text: 1 }, { when: eq(result("a"), "AKIAABCDEFGHIJKLMNOP") }),
    ];
    expect(findingsOf(compile([{ ...macro("outer", {}, []), body }]))).toEqual([
      ["secret.detected", "a/text/password"],
      ["value.not_canonical", "b"],
      ["value.not_canonical", "c"],
      ["secret.detected", "d/of/1"],
    ]);
  });

  test("late arguments pass as far as they are late, and absent optional parameters drop out", () => {
    const outer = macro("outer", { note: opt(text) }, [
      step("a", "note.add", { text: 1 }),
      step("b", "perk.grant", { name: result("a", "name"), note: param("note") }),
    ]);
    const outcome = planned(compile([outer]));
    expect(outcome.plan.steps[1]?.args).toEqual({ name: { $: "result", step: "a", path: ["name"] } });
    expect(outcome.argsText.get("b")).toBe('{"name":{"$":"result","path":["name"],"step":"a"}}');
  });

  test("an own __proto__ member is an argument like any other", () => {
    const args: unknown = JSON.parse('{"text": {"__proto__": {"x": 1}}}');
    const outer = macro("outer", { text: json }, [step("a", "note.add", { text: param("text") })]);
    expect(planned(compile([outer], args)).argsText.get("a")).toBe('{"text":{"__proto__":{"x":1}}}');
    const asName: unknown = JSON.parse('{"__proto__": 1, "text": 1}');
    expect(compile([outer], asName)).toMatchObject({
      kind: "clarification",
      missingFields: [{ fieldName: "__proto__", reason: "unknown_argument" }],
    });
  });
});

describe("conditions of steps", () => {
  const run = (condition: Parameters<typeof step>[2]): Planned =>
    planned(
      compile([
        macro("outer", { p: opt(text) }, [
          step("a", "note.add", { text: 1 }),
          step("b", "note.add", { text: 2 }, { when: condition }),
        ]),
      ]),
    );
  test("decision 2.2 a late one is sealed, a true one drops out, a false one stays so that nothing vanishes", () => {
    expect(run(eq(result("a", "ok"), true)).plan.steps[1]?.when).toEqual({
      $: "eq",
      of: [{ $: "result", step: "a", path: ["ok"] }, true],
    });
    expect(run(eq(1, 1)).plan.steps[1]).not.toHaveProperty("when");
    expect(run(eq(1, 2)).plan.steps[1]?.when).toBe(false);
  });

  test("decision 2.2 one over an absent value is a diagnostic and counts as false", () => {
    const outcome = run(param("p"));
    expect(outcome.plan.steps[1]?.when).toBe(false);
    expect(outcome.diagnostics).toMatchObject([{ code: "expand.condition_unknown", severity: "warning", path: "b" }]);
    const inBody = macro("outer", { p: opt(text) }, [
      when(param("p"), [step("no", "note.add", { text: 1 })], [step("yes", "note.add", { text: 1 })]),
    ]);
    expect(idsOf(compile([inBody]))).toEqual(["yes"]);
  });
});

test("descriptions of parameters and contracts are not touched by compiling", () => {
  const params = obj({ x: text });
  const before = JSON.stringify(params);
  const outer = { ...macro("outer", {}, [step("a", "note.add", { text: param("x") })]), params };
  planned(compile([outer], { x: "1" }));
  expect(JSON.stringify(params)).toBe(before);
});
