import { describe, expect, test } from "vitest";
import type { CompileRequest } from "../../src/compile/compile-request.js";
import type { Runbook } from "../../src/model/runbook.js";
import type { SealOptions } from "../../src/compile/seal.js";
import { canonicalize } from "../../src/json/canonical.js";
import { compilePlan } from "../../src/compile/compile-plan.js";
import { digestOf } from "../../src/json/digest.js";
import { documentDigestOf, runbookIdOf } from "../../src/model/runbook-digest.js";
import { seal } from "../../src/compile/seal.js";
import {
  allocate,
  catalog,
  each,
  eq,
  item,
  json,
  listOf,
  macro,
  opt,
  param,
  reads,
  request,
  result,
  step,
  text,
  verb,
  writes,
} from "./build.js";

export function sealed(from: CompileRequest, options?: SealOptions): Runbook {
  const outcome = compilePlan(from);
  if (outcome.kind !== "planned") expect.fail(JSON.stringify(outcome, null, 1));
  return seal(outcome, options);
}

const open = verb(
  "account.open",
  { account: writes("account"), owner: reads("customer"), note: opt(json) },
  { sentence: "open {account} for {owner}, {none}", tags: ["bank", "slow"], timeoutMs: 1000 },
);
const tell = verb("mail.tell", { about: json }, { effect: "pure" });
const onboard = macro(
  "customer.onboard",
  { customer: reads("customer"), currencies: listOf(text) },
  [
    each("accounts", param("currencies"), [
      step("open", "account.open", { account: allocate("account"), owner: param("customer"), note: item("accounts") }),
    ]),
    step("tell", "mail.tell", { about: { $: "collect", loop: "accounts", path: [] } }, { after: ["accounts"] }),
    step(
      "late",
      "account.open",
      { account: result("tell", "account"), owner: param("customer") },
      {
        when: eq(result("tell", "ok"), true),
        optional: "all",
      },
    ),
  ],
  { told: result("tell") },
);
const known = catalog([open, tell], [onboard]);
const args = { customer: "c-7", currencies: ["EUR", "USD"] };
const base = (more: Parameters<typeof request>[3] = {}): CompileRequest => request(known, "customer.onboard", args, more);

describe("seal", () => {
  const runbook = sealed(base());

  test("decision 1.3 the id is the digest of the content, and the joined text is the canonical text", () => {
    expect(runbook.id).toBe(runbookIdOf(runbook.content));
    expect(runbook.id).toBe(`rb_${digestOf("runseal/runbook/1", JSON.parse(canonicalize(runbook.content)))}`);
    expect(runbook.documentDigest).toBe(documentDigestOf(runbook.id, runbook.document));
  });

  test("A-110 steps stand in plan order with everything that is obeyed while they run", () => {
    expect(runbook.steps).toBe(runbook.content.steps);
    expect(runbook.steps.map(({ id, dependsOn }) => [id, dependsOn])).toEqual([
      ["accounts[EUR]/open", []],
      ["accounts[USD]/open", []],
      ["tell", ["accounts[EUR]/open", "accounts[USD]/open"]],
      ["late", ["accounts[EUR]/open", "accounts[USD]/open", "tell"]],
    ]);
    expect(runbook.steps[3]).toEqual({
      id: "late",
      verb: "account.open@1",
      contract: open.contract.digest,
      args: { account: { $: "result", step: "tell", path: ["account"] }, owner: "c-7" },
      dependsOn: ["accounts[EUR]/open", "accounts[USD]/open", "tell"],
      when: { $: "eq", of: [{ $: "result", step: "tell", path: ["ok"] }, true] },
      optional: ["tell"],
      effect: "write",
      mode: "sync",
      recovery: "idempotent",
      reads: [{ kind: "customer", id: "c-7", access: "read", source: "declared" }],
      writes: [],
      lateWrites: [{ kind: "account", pointer: "/account" }],
      retry: { attemptsMax: 3, baseMs: 200, maxMs: 30_000 },
      timeoutMs: 1000,
      tags: ["bank", "slow"],
    });
    expect(runbook.steps[2]).not.toHaveProperty("when");
    expect(runbook.steps[2]).not.toHaveProperty("recovery");
    expect(runbook.steps[2]).not.toHaveProperty("tags");
    expect(runbook.steps[2]).not.toHaveProperty("optional");
  });

  test("the document quotes sentences with their arguments, phases, and why steps wait", () => {
    const [first] = runbook.content.core.allocations;
    expect(runbook.document.sentences).toEqual({
      "accounts[EUR]/open": `open ${first?.id ?? ""} for c-7, {none}`,
      "accounts[USD]/open": `open ${runbook.content.core.allocations[1]?.id ?? ""} for c-7, {none}`,
      late: "open tell.result.account for c-7, {none}",
    });
    expect(runbook.document.phases).toEqual([["accounts[EUR]/open", "accounts[USD]/open"], ["tell"], ["late"]]);
    expect(runbook.document.explanations).toContainEqual({ before: "tell", after: "late", why: "reads its result" });
    expect(runbook.document.explanations).toContainEqual({
      before: "accounts[EUR]/open",
      after: "late",
      why: "may touch the same account: one of the two learns which while running",
    });
    expect(runbook.document.output).toEqual({ told: { $: "result", step: "tell", path: [] } });
  });

  test("it is frozen through and through", () => {
    const open: unknown[] = [runbook];
    let count = 0;
    for (let value = open.pop(); value !== undefined; value = open.pop()) {
      expect(Object.isFrozen(value)).toBe(true);
      count += 1;
      if (typeof value === "object" && value !== null) {
        for (const member of Object.values(value as Record<string, unknown>))
          if (typeof member === "object" && member !== null) open.push(member);
      }
    }
    expect(count).toBeGreaterThan(100);
  });

  test("A-113 the contracts it was sealed against come along, sorted", () => {
    expect(runbook.contracts.map((contract) => contract.name)).toEqual(["account.open", "mail.tell"]);
  });
});

describe("decision 1.3 what the id covers", () => {
  const { id, documentDigest } = sealed(base());

  test.each<[string, CompileRequest]>([
    ["an argument", request(known, "customer.onboard", { ...args, customer: "c-8" })],
    ["the intent", base({ context: { intent: "ticket-2" } })],
    ["the scope", base({ scope: "tenant-2" })],
    ["the snapshot cursor", base({ context: { snapshotCursor: "s-1" } })],
    ["what a failure stops", base({ context: { execution: { onFailure: "continue_independent" } } })],
    ["the deadline", base({ context: { execution: { deadlineMs: 1000 } } })],
    ["tags to skip", base({ context: { execution: { skipTags: ["slow"] } } })],
    ["a limit", base({ context: { limits: { stepsMax: 400 } } })],
    ["a pin", base({ context: { pins: { "account.open": { objectId: "o", snapshotId: "s" } } } })],
    [
      "a contract",
      request(catalog([{ contract: { ...open.contract, digest: "0".repeat(64) } }, tell], [onboard]), "customer.onboard", args),
    ],
    [
      "a timeout",
      request(catalog([{ contract: { ...open.contract, timeoutMs: 2000 } }, tell], [onboard]), "customer.onboard", args),
    ],
    ["a macro of another version", request(catalog([open, tell], [{ ...onboard, version: 2 }]), "customer.onboard", args)],
  ])("%s is in it", (_name, other) => {
    expect(sealed(other).id).not.toBe(id);
  });

  test("a basis is in it", () => {
    const basis = { kind: "fork", runId: "r-1", headHash: "0".repeat(64), from: null } as const;
    const forked = sealed(base(), { basis });
    expect(forked.id).not.toBe(id);
    expect(forked.content.core.basis).toEqual(basis);
    expect(forked.id).toBe(runbookIdOf(forked.content));
  });

  test.each<[string, CompileRequest]>([
    ["X2 the session", base({ context: { session: { id: "s-9", values: { x: 1 } } } })],
    ["who asked", base({ context: { requestedBy: { subject: "ann" } } })],
    ["the operator and the time", base({ context: { operator: { desk: "d" }, now: "2026-01-01T00:00:00Z" } })],
    ["an unused binding", base({ context: { bindings: { x: 1 } } })],
    ["a pin of a verb that is not used", base({ context: { pins: { "other.verb": { objectId: "o", snapshotId: "s" } } } })],
  ])("%s is not in it", (_name, other) => {
    expect(sealed(other).id).toBe(id);
  });

  test("the order and repetition of tags is not in it", () => {
    const tagged = (skipTags: string[]): string => sealed(base({ context: { execution: { skipTags } } })).id;
    expect(tagged(["slow", "bank", "slow"])).toBe(tagged(["bank", "slow"]));
  });

  test("X.5-2 a changed sentence changes what approvers see and not the id; a changed macro changes the id", () => {
    const reworded = catalog(
      [{ contract: { ...open.contract, sentence: "another sentence" } }, tell],
      [{ ...onboard, title: "Onboard" }],
    );
    const other = sealed(request(reworded, "customer.onboard", args));
    expect(other.id).toBe(id);
    expect(other.documentDigest).not.toBe(documentDigest);
    const changed = macro(
      "customer.onboard",
      { customer: reads("customer"), currencies: listOf(text) },
      onboard.body.slice(0, 1),
    );
    expect(sealed(request(catalog([open, tell], [changed]), "customer.onboard", args)).id).not.toBe(id);
  });
});

test.each<[string, unknown]>([
  ["an object that looks like an expression", { $: "param", path: [] }],
  ["names that read as numbers, out of order", { b: 1, "10": 2, "9": 3, a: [{ "1": null }] }],
  ["an own __proto__", JSON.parse('{"z": 1, "__proto__": {"y": 1}}')],
  ["an emoji, a quote and a control character", { text: '\u0007"\ud83d\ude00\u2028' }],
  ["minus zero", [-0]],
])("the joined text is canonical with %s in the arguments, of a verb and through a macro", (_name, about) => {
  const outer = macro("outer", { about: json }, [
    step("a", "mail.tell", { about: param("about") }),
    step("b", "mail.tell", { about: [result("a"), param("about")] }, { when: eq(result("a"), param("about")) }),
  ]);
  const from = catalog([tell], [outer]);
  for (const made of [sealed(request(from, "mail.tell", { about })), sealed(request(from, "outer", { about }))]) {
    expect(made.id).toBe(runbookIdOf(made.content));
    expect(made.documentDigest).toBe(documentDigestOf(made.id, made.document));
    expect(made.envelope.macroAudits.map((audit) => digestOf("runseal/macro-audit/1", audit))).toEqual(
      made.content.core.macroAudits,
    );
  }
});

test("X1 two compilations give the same bytes", () => {
  expect(canonicalize(sealed(base()).content)).toBe(canonicalize(sealed(base()).content));
});
