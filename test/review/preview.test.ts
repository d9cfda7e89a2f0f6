import { describe, expect, test } from "vitest";
import type { BodyItem } from "../../src/model/macro.js";
import { preview } from "../../src/review/preview.js";
import { sealed } from "./sealed.js";
import {
  answer,
  catalog,
  concat,
  each,
  eq,
  item,
  json,
  listOf,
  macro,
  param,
  reads,
  request,
  result,
  step,
  text,
  verb,
  when,
  writes,
} from "../compile/build.js";

const close = verb("account.close", { account: writes("account"), owner: reads("customer") }, { sentence: "Close {account}." });
const tell = verb("mail.tell", { about: json }, { effect: "pure" });
const ask = verb("desk.ask", { about: json }, { effect: "read", mode: "human_gate" });
const wire = verb("bank.wire", { from: writes("account"), ref: json }, { mode: "durable", recovery: "manual" });
const look = verb("account.list", { owner: text }, { effect: "read" });
const known = (...macros: Parameters<typeof catalog>[1][]) => catalog([close, tell, ask, wire, look], macros.flat() as never);

const offboard = macro(
  "customer.offboard",
  { customer: reads("customer"), note: text },
  [
    { kind: "lookup", label: "open", verb: "account.list", args: { owner: param("customer") }, recheck: "at_admission" },
    { kind: "require", label: "clear", verb: "account.list", args: { owner: "x" }, expected: { ok: true }, recheck: "on_resume" },
    each("accounts", answer("open", "ids"), [
      step("close", "account.close", { account: item("accounts"), owner: param("customer") }),
    ]),
    step("ask", "desk.ask", { about: param("note") }, { after: ["accounts"] }),
    step(
      "wire",
      "bank.wire",
      { from: result("ask", "from"), ref: "0f6c1a7e-3b1d-4c57-9a52-6f1f0c1b2d3e" },
      { when: eq(result("ask", "ok"), true) },
    ),
    step("never", "mail.tell", { about: concat("a", "b") }, { when: false }),
  ],
  { wired: result("wire", "id") },
);
const pinned = new Map([
  ["open", { response: { ids: ["a-1", "a-2"] } }],
  ["clear", { response: { ok: true } }],
]);
const runbook = sealed(
  request(
    known([offboard]),
    "customer.offboard",
    { customer: "c-7", note: "bye" },
    { pinned, context: { execution: { deadlineMs: 60_000, skipTags: ["slow"] }, snapshotCursor: "s 1" } },
  ),
);

describe("decision 2.10 preview", () => {
  test("is text worth looking at in a terminal", () => {
    const closeLines = (id: string): string =>
      [
        `  accounts[${id}]/close`,
        "      account.close@1 (write, idempotent)",
        `      { account: "${id}", owner: "c-7" }`,
        `      the author says: "Close ${id}."`,
      ].join("\n");
    expect(preview(runbook).text).toBe(
      [
        [
          "customer.offboard",
          `  runbook     ${runbook.id}`,
          `  document    ${runbook.documentDigest}`,
          "  scope       default",
          '  intent      "ticket-1"',
          "  uses        once",
          "  on failure  stop",
          "  deadline    60000 ms after the start",
          "  skips       steps tagged slow",
          '  snapshot    "s 1"',
        ].join("\n"),
        [
          "Phase 1: 3 steps that may run together",
          closeLines("a-1"),
          closeLines("a-2"),
          "  never",
          "      mail.tell@1 (pure)",
          '      { about: "ab" }',
          "      only if false",
        ].join("\n"),
        [
          "Phase 2",
          "  ask",
          "      desk.ask@1 (read), after the decision of a person",
          '      { about: "bye" }',
          "      after accounts[a-1]/close, accounts[a-2]/close",
        ].join("\n"),
        [
          "Phase 3",
          "  wire",
          "      bank.wire@1 (write, manual), then waits for a signal",
          '      { from: ask.result.from, ref: "0f6c1a7e-3b1d-4c57-9a52-6f1f0c1b2d3e" }',
          "      only if eq(ask.result.ok, true)",
          "      after accounts[a-1]/close, accounts[a-2]/close, ask",
        ].join("\n"),
        ["Writes", "  account:a-1", "  account:a-2", "  uuid:0f6c1a7e-3b1d-4c57-9a52-6f1f0c1b2d3e  (found, not declared)"].join(
          "\n",
        ),
        ["Late writes", "  account in wire at /from"].join("\n"),
        ["Reads", "  customer:c-7"].join("\n"),
        ["Locks, in order", ...preview(runbook).locks.map((lock) => `  ${lock}`)].join("\n"),
        [
          "Looked at while compiling",
          '  open: account.list@1 { owner: "c-7" } (asked again before the run)',
          '  clear: account.list@1 { owner: "x" }, must hold { ok: true } (asked again before the run and when it is resumed)',
        ].join("\n"),
        ["Gives back", "  { wired: wire.result.id }"].join("\n"),
        [
          "Not known before the run",
          "  ask waits for the decision of a person",
          "  wire runs only if eq(ask.result.ok, true)",
          "  wire gets values that are known only while running: ask.result.from",
          "  wire writes an entity of kind account whose id is learnt while running",
          "  wire waits for a signal after it has dispatched",
          "  wire needs a person if it is not known whether it happened",
          "  never never runs: its condition is false",
        ].join("\n"),
        "Approval: 3 writing steps\n",
      ].join("\n\n"),
    );
  });

  test("gives the same as data: steps, phases, entities, locks in the order in which they are taken", () => {
    const made = preview(runbook);
    expect(made.phases).toEqual(runbook.document.phases);
    expect(made.reads).toEqual([{ kind: "customer", id: "c-7" }]);
    expect(made.writes.map(({ kind, id, source }) => [kind, id, source])).toEqual([
      ["account", "a-1", "declared"],
      ["account", "a-2", "declared"],
      ["uuid", "0f6c1a7e-3b1d-4c57-9a52-6f1f0c1b2d3e", "heuristic"],
    ]);
    expect(made.lateWrites).toEqual([{ kind: "account", pointer: "/from", step: "wire" }]);
    expect([...made.locks].sort()).toEqual([
      "read customer:c-7",
      "write account:a-1",
      "write account:a-2",
      "write uuid:0f6c1a7e-3b1d-4c57-9a52-6f1f0c1b2d3e",
    ]);
    expect(made.approvalsNeeded).toBe(true);
    expect(made.steps[0]).toEqual({
      id: "accounts[a-1]/close",
      verb: "account.close@1",
      effect: "write",
      mode: "sync",
      recovery: "idempotent",
      args: '{ account: "a-1", owner: "c-7" }',
      when: null,
      dependsOn: [],
      sentence: "Close a-1.",
    });
  });

  test("shows control characters and changed directions escaped, wherever they stand", () => {
    const disguise = "pay \u202e001\u202c\u0007\u200b\n  writes nothing";
    const body: readonly BodyItem[] = [
      step("a", "account.close", { account: disguise, owner: disguise }, { sentence: disguise }),
      step("b", "mail.tell", { about: { [disguise]: disguise } }),
      when(param("missing"), []),
    ];
    const outer = { ...macro("outer", {}, body, { [disguise]: disguise }), title: disguise };
    const context = { intent: disguise, snapshotCursor: disguise, execution: { skipTags: [disguise] } };
    const shown = preview(sealed(request(known([outer]), "outer", {}, { scope: disguise, context }))).text;
    expect(shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/);
    expect(shown.split("\n").filter((line) => line.trim() === "writes nothing")).toEqual([]);
    expect(shown).toContain("\\u202e001\\u202c");
  });

  test("is a pure function of the runbook, and what reads only needs no approval", () => {
    expect(preview(runbook)).toEqual(preview(structuredClone(runbook)));
    const outer = macro("outer", {}, [step("a", "mail.tell", { about: 1 })]);
    const made = preview(
      sealed(request(known([outer]), "outer", {}, { context: { execution: { onFailure: "continue_independent" } } })),
    );
    expect(made).toMatchObject({ approvalsNeeded: false, writes: [], reads: [], locks: [], unknowns: [] });
    expect(made.text).toContain("Approval: nothing is written");
    expect(made.text).toContain("go on with what does not depend on it");
  });

  test("decision 1.5 says that steps are named by position where a loop has no other key", () => {
    const outer = macro("outer", { list: listOf(json) }, [
      each("all", param("list"), [step("tell", "mail.tell", { about: item("all") })], null, { by: "index" }),
    ]);
    expect(preview(sealed(request(known([outer]), "outer", { list: ["x y"] }))).text).toContain(
      'Remarks\n  the steps of the loop "all" are named by position',
    );
  });
});
