import { describe, expect, test } from "vitest";
import type { BodyItem } from "../../src/model/macro.js";
import type { CompileRequest, Planned } from "../../src/compile/compile-request.js";
import type { MissingLookup } from "../../src/compile/compile-request.js";
import type { Tree } from "../../src/model/expression.js";
import { compilePlan } from "../../src/compile/compile-plan.js";
import { digestOf } from "../../src/json/digest.js";
import { RunsealError } from "../../src/errors/error.js";
import { resolvePlan } from "../../src/compile/resolve.js";
import {
  answer,
  catalog,
  each,
  integer,
  invoke,
  item,
  json,
  listOf,
  macro,
  obj,
  param,
  request,
  result,
  step,
  text,
  verb,
  when,
} from "./build.js";

const look = verb(
  "account.list",
  { owner: text },
  { effect: "read", result: obj({ ids: listOf(text), ok: { type: "boolean" } }) },
);
const size = verb("account.size", { id: text }, { effect: "read", result: integer });
const close = verb("account.close", { id: text, size: integer });
const lookup = (label: string, name: string, args: Tree, more = {}): BodyItem => ({
  kind: "lookup",
  label,
  verb: name,
  args,
  recheck: "at_admission",
  ...more,
});
const need = (label: string, expected: Tree, name = "account.list", args: Tree = { owner: "ann" }): BodyItem => ({
  kind: "require",
  label,
  verb: name,
  args,
  expected,
  recheck: "on_resume",
});

const closeAll = macro(
  "account.close_all",
  { owner: text },
  [
    lookup("all", "account.list", { owner: param("owner") }),
    when(answer("all", "ok"), [
      each("each", answer("all", "ids"), [
        lookup("size", "account.size", { id: item("each") }, { recheck: "never" }),
        step("close", "account.close", { id: item("each"), size: answer("each/size") }),
      ]),
    ]),
  ],
  { ids: answer("all", "ids") },
);
const known = catalog([look, size, close], [closeAll]);

/** Answers from a table of `verb argument`, and remembers what was asked. */
function world(table: Record<string, unknown>): {
  asked: string[];
  ask: (lookup: MissingLookup) => Promise<{ response: unknown; performedAt: number }>;
} {
  const asked: string[] = [];
  return {
    asked,
    ask: async ({ verb: { contract }, args, path }) => {
      const question = `${contract.name} ${Object.values(args as object).join(" ")}`;
      asked.push(`${path} <- ${question}`);
      if (table[question] instanceof Error) throw table[question];
      return { response: table[question], performedAt: 1000 + asked.length };
    },
  };
}

const TABLE = { "account.list ann": { ids: ["a-1", "a-2"], ok: true }, "account.size a-1": 1, "account.size a-2": 2 };

async function planned(from: CompileRequest, table: Record<string, unknown> = TABLE): Promise<Planned> {
  const outcome = await resolvePlan(from, world(table).ask);
  if (outcome.kind !== "planned") expect.fail(JSON.stringify(outcome, null, 1));
  return outcome;
}

describe("decision 2.1a lookups", () => {
  test("planning without answers names what is missing, and only what can be asked yet", () => {
    const outcome = compilePlan(request(known, "account.close_all", { owner: "ann" }));
    expect(outcome).toMatchObject({ kind: "lookups", missing: [{ path: "all", args: { owner: "ann" } }] });
  });

  test("are asked in rounds until nothing is missing, each once", async () => {
    const { asked, ask } = world(TABLE);
    const outcome = await resolvePlan(request(known, "account.close_all", { owner: "ann" }), ask);
    expect(asked).toEqual([
      "all <- account.list ann",
      "each[a-1]/size <- account.size a-1",
      "each[a-2]/size <- account.size a-2",
    ]);
    expect(outcome).toMatchObject({
      kind: "planned",
      output: { ids: ["a-1", "a-2"] },
      plan: {
        steps: [
          { id: "each[a-1]/close", args: { id: "a-1", size: 1 } },
          { id: "each[a-2]/close", args: { size: 2 } },
        ],
      },
    });
  });

  test("are sealed with verb, arguments, digest of the answer and recheck; time and answer stay beside", async () => {
    const outcome = await planned(request(known, "account.close_all", { owner: "ann" }));
    expect(outcome.core.lookups[0]).toEqual({
      path: "all",
      verb: "account.list@1",
      contract: look.contract.digest,
      args: { owner: "ann" },
      responseDigest: digestOf("runseal/response/1", TABLE["account.list ann"]),
      recheck: "at_admission",
    });
    expect(outcome.core.lookups[1]).toMatchObject({ path: "each[a-1]/size", recheck: "never" });
    expect(outcome.lookups[0]).toEqual({
      path: "all",
      verb: "account.list@1",
      args: { owner: "ann" },
      response: TABLE["account.list ann"],
      performedAt: 1001,
    });
  });

  test("a pinned answer is not asked for again", async () => {
    const { asked, ask } = world(TABLE);
    const pinned = new Map([["all", { response: { ids: ["a-2"], ok: true } }]]);
    await resolvePlan(request(known, "account.close_all", { owner: "ann" }, { pinned }), ask);
    expect(asked).toEqual(["each[a-2]/size <- account.size a-2"]);
  });

  test("what depends on a missing answer is left out of the round, through macros, outputs and yields", () => {
    const inner = macro("inner", { x: json }, [lookup("deep", "account.size", { id: "fixed" })], {
      x: param("x"),
      deep: answer("deep"),
    });
    const outer = macro("outer", {}, [
      lookup("first", "account.size", { id: "f" }),
      invoke("skipped", "inner", { x: answer("first") }),
      invoke("asked", "inner", { x: 1 }),
      each("loop", ["a"], [lookup("own", "account.size", { id: item("loop") })], answer("loop/own")),
      each("late", answer("first"), []),
      step("close", "account.close", { id: "x", size: answer("first") }),
      step("other", "account.close", { id: "y", size: result("asked", "deep") }, { when: answer("first") }),
      step("third", "account.close", { id: "y", size: { $: "collect", loop: "loop", path: ["0"] } }),
    ]);
    const outcome = compilePlan(request(catalog([size, close], [outer, inner]), "outer"));
    expect(outcome).toMatchObject({
      kind: "lookups",
      missing: [{ path: "first" }, { path: "asked/deep" }, { path: "loop[a]/own" }],
    });
  });

  test("secrets in an answer are kept out of the audit", async () => {
    const secret = verb("vault.look", {}, { effect: "read" });
    const outer = macro("outer", {}, [
      lookup("l", "vault.look", {}),
      step("c", "account.close", { id: answer("l", "id"), size: 1 }),
    ]);
    const outcome = await planned(request(catalog([secret, close], [outer]), "outer"), {
      "vault.look ": { id: "i-1", password: "correct horse battery" },
    });
    expect(outcome.lookups[0]?.response).toEqual({ id: "i-1", password: "[REDACTED]" });
  });
});

describe("lookup_failed", () => {
  const from = (more: Partial<CompileRequest> = {}): CompileRequest =>
    request(known, "account.close_all", { owner: "ann" }, more);
  const findings = async (of: CompileRequest, table: Record<string, unknown>): Promise<unknown> => {
    const outcome = await resolvePlan(of, world(table).ask);
    expect(outcome).toMatchObject({ kind: "compilation_error", errorKind: "lookup_failed", sourcePhase: "resolve" });
    return outcome.kind === "compilation_error"
      ? outcome.findings.map(({ code, path, message }) => [code, path, message])
      : outcome;
  };

  test("when the handler threw, with what it said and without its secrets", async () => {
    const table = { "account.list ann": new Error("down: https://ann:hunter22@db") };
    expect(await findings(from(), table)).toEqual([
      ["resolve.handler_threw", "all", '"account.list" could not be asked: down: https[REDACTED]db'],
    ]);
  });

  test("when there is no handler, under that code", async () => {
    const missing = new RunsealError("admission.handler_missing", "no handler", { verb: "account.list@1" });
    expect(await findings(from(), { "account.list ann": missing })).toMatchObject([
      ["admission.handler_missing", "all", expect.any(String)],
    ]);
  });

  test("when something that is no error was thrown", async () => {
    const outcome = await resolvePlan(from(), () => Promise.reject("text"));
    expect(outcome).toMatchObject({
      findings: [{ code: "resolve.handler_threw", message: expect.stringContaining("no error") }],
    });
  });

  test.each([
    ["a wrong type", { ids: "a-1", ok: true }, '"/ids" expected a list, found a string'],
    ["a value that is not canonical", { ids: [], ok: 1.5 }, "a fraction"],
    ["nothing", undefined, "undefined"],
  ])("when the answer is %s", async (_name, response, said) => {
    expect(await findings(from(), { "account.list ann": response })).toMatchObject([
      ["resolve.answer_refused", "all", expect.stringContaining(said)],
    ]);
  });

  test("when the policy denies the verb, and the world is not asked", async () => {
    const { asked, ask } = world(TABLE);
    expect(await resolvePlan(from({ allowed: ["account.close"] }), ask)).toMatchObject({
      errorKind: "lookup_failed",
      findings: [{ code: "resolve.denied", path: "all" }],
    });
    expect(await resolvePlan({ ...from(), allowed: undefined }, ask)).toMatchObject({ errorKind: "policy_unavailable" });
    expect(asked).toEqual([]);
  });

  test("when there are more than the limit", async () => {
    const limits = { depthMax: 8, stepsMax: 500, humanStepsMax: 500, lookupsMax: 2 };
    expect(await findings(from({ limits }), TABLE)).toMatchObject([
      ["resolve.too_many", "each[a-2]/size", expect.stringContaining("more than 2 lookups")],
    ]);
  });

  test("when a body looks up with a verb that writes, or with a late value, it is the author's fault", async () => {
    const outer = macro("outer", {}, [
      lookup("a", "account.close", { id: "x", size: 1 }),
      step("s", "account.close", { id: "x", size: 1 }),
      lookup("b", "account.size", { id: result("s") }),
      lookup("c", "account.size", { id: 1 }),
      lookup("d", "account.siz", {}),
    ]);
    const outcome = await resolvePlan(request(catalog([size, close], [outer]), "outer"), world({}).ask);
    expect(outcome).toMatchObject({
      errorKind: "expansion_failed",
      findings: [
        { code: "expand.lookup_writes", path: "a" },
        { code: "expand.late_value", path: "b" },
        { code: "expand.invalid_argument", path: "c/id" },
        { code: "expand.unknown_verb", path: "d" },
      ],
    });
  });
});

describe("preconditions", () => {
  const table = { "account.list ann": { ids: ["a-1"], ok: true } };
  const body = (expected: Tree): readonly BodyItem[] => [
    need("open", expected),
    step("go", "account.close", { id: "x", size: 1 }),
  ];

  test.each([
    ["a part of it", { ok: true }],
    ["all of it", { ids: ["a-1"], ok: true }],
    ["nothing of it", {}],
  ])("hold when the answer has %s, and are sealed with what they expect", async (_name, expected) => {
    const outcome = await planned(request(catalog([look, close], [macro("outer", {}, body(expected))]), "outer"), table);
    expect(outcome.core.lookups).toMatchObject([{ path: "open", recheck: "on_resume", expected }]);
  });

  test.each([
    ["another value", { ok: false }],
    ["a list in part", { ids: [] }],
    ["a member that is not there", { other: null }],
    ["no object", "yes"],
  ])(
    "decision 2.3 that do not hold (%s) at the root are the operator's question, with found and wanted",
    async (_name, expected) => {
      const outer = macro("outer", {}, [...body(expected), need("second", { ok: 7 })]);
      expect(await resolvePlan(request(catalog([look, close], [outer]), "outer"), world(table).ask)).toMatchObject({
        kind: "clarification",
        missingFields: [
          { fieldName: "open", reason: "precondition", message: expect.stringContaining('ids: ["a-1"]') },
          { fieldName: "second", reason: "precondition", suggestions: ["{ ok: 7 }"] },
        ],
      });
    },
  );

  test("decision 2.4 that do not hold in a nested macro are lookup_failed", async () => {
    const macros = [macro("outer", {}, [invoke("n", "inner")]), macro("inner", {}, body({ ok: false }))];
    expect(await resolvePlan(request(catalog([look, close], macros), "outer"), world(table).ask)).toMatchObject({
      errorKind: "lookup_failed",
      sourcePhase: "resolve",
      findings: [{ code: "resolve.precondition", path: "n/open" }],
    });
  });
});
