import { describe, expect, test } from "vitest";
import { fc, test as property } from "@fast-check/vitest";
import type { BodyItem } from "../../src/model/macro.js";
import type { CompileContext } from "../../src/model/invocation.js";
import type { Runbook } from "../../src/model/runbook.js";
import { diffRunbooks } from "../../src/review/diff.js";
import { movedIn } from "../../src/review/moved.js";
import { sealed } from "./sealed.js";
import { catalog, json, macro, reads, request, result, step, verb, writes } from "../compile/build.js";

const set = verb("item.set", { id: writes("item"), other: reads("item") });
const tell = verb("mail.tell", { about: json }, { effect: "pure" });
const runbookOf = (body: readonly BodyItem[], context: CompileContext = {}): Runbook =>
  sealed(request(catalog([set, tell], [macro("outer", {}, body)]), "outer", {}, { context }));
const say = (label: string, about: unknown, more: Parameters<typeof step>[3] = {}): BodyItem =>
  step(label, "mail.tell", { about: about as never }, more);
const write = (label: string, id: string): BodyItem => step(label, "item.set", { id, other: "o" });

describe("diff", () => {
  test("of a runbook with itself, and with a reworded one, is the same runbook", () => {
    const first = runbookOf([say("a", 1, { sentence: "one" })]);
    expect(diffRunbooks(first, first)).toMatchObject({
      isSame: true,
      added: [],
      removed: [],
      changed: [],
      reordered: [],
      document: [],
    });
    const reworded: Runbook = { ...first, document: { ...first.document, sentences: { a: "two" } } };
    expect(diffRunbooks(first, reworded)).toMatchObject({ isSame: true, document: ["sentences"] });
    expect(diffRunbooks(first, first).text).toContain("the same runbook");
  });

  test("names steps that were added, removed, changed and moved", () => {
    const before = runbookOf([say("a", 1), say("b", 1), say("c", 1), say("d", 1)]);
    const after = runbookOf([say("c", 1), say("a", 2), say("b", 1, { when: result("a") }), say("e", 1)]);
    const diff = diffRunbooks(before, after);
    expect(diff).toMatchObject({
      isSame: false,
      added: ["e"],
      removed: ["d"],
      changed: [
        { id: "a", members: ["args"] },
        { id: "b", members: ["dependsOn", "when"] },
      ],
      reordered: ["c"],
      execution: [],
      core: ["core.macroAudits"],
      document: ["explanations", "phases"],
    });
    expect(diff.text).toBe(
      [
        `from ${before.id}`,
        `to   ${after.id}`,
        "- d  mail.tell@1 { about: 1 }",
        "+ e  mail.tell@1 { about: 1 }",
        "~ a: args",
        "    - { about: 1 }",
        "    + { about: 2 }",
        "~ b: dependsOn, when",
        "    - always runs",
        "    + only if a.result",
        "    - after []",
        '    + after ["a"]',
        "> c runs at another place",
        "~ pinned by the compilation: core.macroAudits",
        "~ what a person reads: explanations, phases",
        "",
      ].join("\n"),
    );
  });

  test("tells writes that were widened and narrowed, late ones by kind", () => {
    const late = step("l", "item.set", { id: result("s"), other: "o" });
    const diff = diffRunbooks(
      runbookOf([say("s", 1), write("a", "i-1"), write("b", "i-2")]),
      runbookOf([say("s", 1), write("a", "i-3"), write("b", "i-2"), late]),
    );
    expect(diff.writes).toEqual({ widened: [{ kind: "item", id: "i-3" }], narrowed: [{ kind: "item", id: "i-1" }] });
    expect(diff.lateWrites).toEqual({ widened: ["item"], narrowed: [] });
    expect(diff.text).toContain("+ writes item:i-3\n- writes item:i-1\n+ writes some item, learnt while running");
    expect(diffRunbooks(runbookOf([say("s", 1), late]), runbookOf([say("s", 1)])).text).toContain("- writes some item");
  });

  test("tells options and pins", () => {
    const diff = diffRunbooks(
      runbookOf([say("a", 1)]),
      runbookOf([say("a", 1)], { intent: "t-2", execution: { deadlineMs: 5 }, snapshotCursor: "s" }),
    );
    expect(diff).toMatchObject({ execution: ["deadlineMs"], core: ["intent", "core.snapshotCursor"], changed: [] });
  });

  property.prop([fc.uniqueArray(fc.integer({ min: 0, max: 40 }).map(String)), fc.infiniteStream(fc.nat())])(
    "the moved steps are the fewest: without them both orders agree, and no smaller set is found by dropping one",
    (before, picks) => {
      const after = [...before].sort((a, b) => Number(a) - Number(b) + ((picks.next().value ?? 0) % 7) - 3);
      const moved = new Set(movedIn(before, after));
      const rest = (list: readonly string[]): readonly string[] => list.filter((id) => !moved.has(id));
      expect(rest(after)).toEqual(rest(before));
      for (const back of moved) {
        const kept = (list: readonly string[]): readonly string[] => list.filter((id) => id === back || !moved.has(id));
        expect(kept(after)).not.toEqual(kept(before));
      }
    },
  );
});
