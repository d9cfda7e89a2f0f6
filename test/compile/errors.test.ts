import { describe, expect, test } from "vitest";
import type { CompilationErrorKind, CompileRefusal } from "../../src/model/outcome.js";
import type { CompileContext } from "../../src/model/invocation.js";
import type { CompileRequest } from "../../src/compile/compile-request.js";
import type { Pack } from "../../src/model/pack.js";
import { compilePlan } from "../../src/compile/compile-plan.js";
import { ERROR_KIND_PASS } from "../../src/model/outcome.js";
import { internalError, storeFailed } from "../../src/compile/refusals.js";
import { resolvePlan } from "../../src/compile/resolve.js";
import { RunsealError } from "../../src/errors/error.js";
import { answer, catalog, invoke, json, macro, request, result, step, text, verb, writes } from "./build.js";

const tell = verb("mail.tell", { about: json });
const look = verb("mail.look", {}, { effect: "read" });
const open = verb("account.open", { account: writes("account") }, { sentence: "opens {account}" });
const close = verb("account.close", { account: writes("account") });
const view = verb("view.show", { what: text }, { effect: "pure" });
const go = macro("go", {}, [step("a", "mail.tell", { about: 1 })]);
const looks = macro("looks", {}, [
  { kind: "lookup", label: "l", verb: "mail.look", args: {}, recheck: "never" },
  step("a", "mail.tell", { about: answer("l") }),
]);
const circle = macro("circle", {}, [invoke("n", "circle")]);
const tangled = macro("tangled", {}, [
  step("a", "mail.tell", { about: result("b") }),
  step("b", "mail.tell", { about: result("a") }),
]);
const wrong = macro("wrong", {}, [step("a", "mail.tell", { abot: 1 })]);
const bank = macro("bank", {}, [step("o", "account.open", { account: "a-1" }), step("v", "view.show", { what: "x" })]);
const pack = (id: string, more: Partial<Pack> = {}): Pack => ({
  id,
  name: `Pack ${id}`,
  allowedVerbs: [],
  forbiddenVerbs: [],
  forbiddenEntityKinds: [],
  ...more,
});
const packs = [
  pack("accounts", { allowedVerbs: ["account.*"] }),
  pack("mail", { allowedVerbs: ["mail.tell", "mail.look"] }),
  pack("no_open", { forbiddenVerbs: ["account.open"] }),
  pack("no_kind", { forbiddenEntityKinds: ["account"] }),
  pack("free"),
];
const known = catalog([tell, look, open, close, view], [go, looks, circle, tangled, wrong, bank], packs);
const from = (name: string, more: Partial<CompileRequest> = {}, context: CompileContext = {}): CompileRequest =>
  request(known, name, {}, { ...more, context });
const planned = async (of: CompileRequest): Promise<CompileRefusal> => {
  const outcome = await resolvePlan(of, () => Promise.reject(new Error("down")));
  if (outcome.kind === "planned") expect.fail("it was planned");
  return outcome;
};

/** How each kind comes about. */
const TABLE: { readonly [K in CompilationErrorKind]: () => Promise<CompileRefusal> | CompileRefusal } = {
  lookup_failed: () => planned(from("looks")),
  expansion_failed: () => planned(from("wrong")),
  cycle_detected: () => planned(from("circle")),
  limits_exceeded: () => planned(from("go", {}, { limits: { stepsMax: 0 } })),
  dag_error: () => planned(from("tangled")),
  pack_constraint: () => planned(from("go", {}, { packs: ["accounts", "mail"] })),
  policy_denied: () => planned(from("go", { allowed: ["mail.look", "account.*"] })),
  policy_unavailable: () => planned({ ...from("go"), allowed: undefined }),
  write_set_unresolved: () => planned(from("go", { writeSet: "declared" })),
  store_failed: () => storeFailed(new RunsealError("store.full", "the disk is full", { call: "put" })),
  internal_error: () => internalError(new RunsealError("internal.invariant", "broken", { rule: "r" })),
};

describe("X11 X.5-5 A-150 errors", () => {
  test.each(Object.keys(TABLE) as CompilationErrorKind[])(
    "%s comes from its own pass, with findings, and survives JSON",
    async (kind) => {
      const outcome = await TABLE[kind]();
      expect(outcome).toMatchObject({ kind: "compilation_error", errorKind: kind, sourcePhase: ERROR_KIND_PASS[kind] });
      expect(outcome.kind === "compilation_error" && outcome.findings.length).toBeGreaterThan(0);
      expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome);
    },
  );

  test("every kind stands in the table", () => {
    expect(Object.keys(TABLE).sort()).toEqual(Object.keys(ERROR_KIND_PASS).sort());
  });

  test("A-007 A-036 A-037 the first failing pass gives the error", async () => {
    expect(await planned({ ...from("wrong"), allowed: undefined })).toMatchObject({ errorKind: "expansion_failed" });
    expect(await planned({ ...from("go", { writeSet: "declared" }), allowed: undefined })).toMatchObject({
      errorKind: "policy_unavailable",
    });
    expect(await planned(from("tangled", {}, { packs: ["accounts", "mail"] }))).toMatchObject({ errorKind: "dag_error" });
    expect(await planned(request(known, "go", { x: 1 }, { context: { packs: ["accounts", "mail"] } }))).toMatchObject({
      kind: "clarification",
    });
  });

  test("clarifications and violations survive JSON too", async () => {
    for (const outcome of [await planned(request(known, "gone")), await planned(from("bank", {}, { packs: ["no_open"] }))]) {
      expect(JSON.parse(JSON.stringify(outcome))).toEqual(outcome);
    }
  });
});

describe("A-081 A-082 A-084 the gate", () => {
  test("A-033 names every verb against the packs, what stands against it, and ways out", async () => {
    expect(await planned(from("bank", {}, { packs: ["no_open"] }))).toEqual({
      kind: "constraint_violation",
      explanation: '"Pack no_open" forbids "account.open"',
      violatingVerbs: ["account.open"],
      activeConstraints: [
        { packId: "no_open", packName: "Pack no_open", constraint: { type: "forbidden_verb", verb: "account.open" } },
      ],
      remediationOptions: [
        { type: "suspend_pack", packId: "no_open", packName: "Pack no_open" },
        { type: "alternative_verbs", alternatives: [{ verb: "account.close", description: "", score: 0.62 }] },
        { type: "widen_scope", suggestedPacks: ["accounts", "free", "no_kind"] },
      ],
    });
  });

  test("forbidden beats allowed, and what is not in an allowed set is named", async () => {
    const both = await planned(from("bank", {}, { packs: ["no_open", "accounts"] }));
    expect(both).toMatchObject({ activeConstraints: [{ packId: "no_open", constraint: { type: "forbidden_verb" } }] });
    const outside = await planned(from("bank", {}, { packs: ["mail", "mail"] }));
    expect(outside).toMatchObject({
      violatingVerbs: ["account.open"],
      activeConstraints: [{ packId: "mail", constraint: { type: "verb_not_allowed", verb: "account.open" } }],
    });
  });

  test("entity kinds are held against writes", async () => {
    expect(await planned(from("bank", {}, { packs: ["no_kind"] }))).toMatchObject({
      violatingVerbs: ["account.open"],
      activeConstraints: [{ packId: "no_kind", constraint: { type: "forbidden_entity_kind", kind: "account" } }],
      explanation: '"Pack no_kind" forbids writing any account',
    });
  });

  test("packs that don't restrict, patterns that fit, and verbs that are always admitted pass", () => {
    expect(compilePlan(from("bank", {}, { packs: ["accounts", "free"] })).kind).toBe("planned");
    const viewing = request(known, "view.show", { what: "x" }, { context: { packs: ["accounts", "mail"] } });
    expect(compilePlan(viewing).kind).toBe("planned");
  });

  test("packs whose allowed sets overlap in a pattern do not contradict each other", () => {
    const overlap = [pack("a", { allowedVerbs: ["account.*"] }), pack("b", { allowedVerbs: ["account.open", "mail.*"] })];
    const some = catalog([open, view], [bank], overlap);
    expect(compilePlan(request(some, "bank", {}, { context: { packs: ["a", "b"] } })).kind).toBe("planned");
    const same = [pack("a", { allowedVerbs: ["account.*"] }), pack("b", { allowedVerbs: ["account.*"] })];
    expect(compilePlan(request(catalog([open, view], [bank], same), "bank", {}, { context: { packs: ["a", "b"] } })).kind).toBe(
      "planned",
    );
  });
});

describe("A-090 A-091 A-092 authorize", () => {
  test("lists every denied verb with its steps", async () => {
    const outcome = await planned(from("bank", { allowed: [] }));
    expect(outcome).toMatchObject({
      errorKind: "policy_denied",
      findings: [
        { code: "authorize.denied", path: "o", message: 'the policy does not allow "account.open"' },
        { code: "authorize.denied", path: "v" },
      ],
    });
  });

  test("counts the verbs of lookups, also of pinned ones", async () => {
    const pinned = new Map([["l", { response: 1 }]]);
    expect(await planned(from("looks", { allowed: ["mail.tell"], pinned }))).toMatchObject({
      errorKind: "policy_denied",
      findings: [{ path: "l", message: 'the policy does not allow "mail.look"' }],
    });
  });

  test("A-092 seals the pins of verbs in use, and refuses one object at two snapshots", async () => {
    const pins = {
      "account.open": { objectId: "obj", snapshotId: "s-1" },
      "mail.tell": { objectId: "other", snapshotId: "s-2" },
    };
    const outcome = compilePlan(from("bank", {}, { pins }));
    expect(outcome).toMatchObject({ kind: "planned", core: { snapshotManifest: { obj: "s-1" } } });
    const torn = { ...pins, "view.show": { objectId: "obj", snapshotId: "s-3" } };
    expect(await planned(from("bank", {}, { pins: torn }))).toMatchObject({
      errorKind: "policy_denied",
      findings: [{ code: "authorize.pin_conflict", related: ["s-1", "s-3"] }],
    });
  });
});
