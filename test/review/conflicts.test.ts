import { describe, expect, test } from "vitest";
import type { BodyItem } from "../../src/model/macro.js";
import type { Runbook } from "../../src/model/runbook.js";
import { conflictsOf } from "../../src/review/conflicts.js";
import { sealed } from "./sealed.js";
import { catalog, json, macro, reads, request, result, step, verb, writes } from "../compile/build.js";

const set = verb("item.set", { id: writes("item") });
const see = verb("item.see", { id: reads("item") }, { effect: "read" });
const tell = verb("mail.tell", { about: json });
const runbookOf = (name: string, body: readonly BodyItem[], scope = "default"): Runbook =>
  sealed(request(catalog([set, see, tell], [macro(name, {}, body)]), name, {}, { scope }));
const write = (id: string): BodyItem => step("w", "item.set", { id });
const read = (id: string): BodyItem => step(`r${id.slice(-1)}`, "item.see", { id });
const late: readonly BodyItem[] = [step("t", "mail.tell", { about: 1 }), step("l", "item.set", { id: result("t") })];
const UUID = "0f6c1a7e-3b1d-4c57-9a52-6f1f0c1b2d3e";

describe("conflicts", () => {
  test("are the pairs of which one writes what the other touches; the rest may run together", () => {
    const [a, b, c, d] = [
      runbookOf("a", [write("i-1")]),
      runbookOf("b", [write("i-1"), read("i-2")]),
      runbookOf("c", [read("i-1"), read("i-2")]),
      runbookOf("d", [write("i-9")]),
    ] as const;
    expect(conflictsOf([a, b, c, d])).toEqual([
      {
        a: a.id,
        b: b.id,
        entities: [{ kind: "item", id: "i-1", access: "write_write" }],
        lateKinds: [],
        isCertain: true,
        text: "a and b: both write item:i-1",
      },
      {
        a: a.id,
        b: c.id,
        entities: [{ kind: "item", id: "i-1", access: "read_write" }],
        lateKinds: [],
        isCertain: true,
        text: "a and c: one writes and one reads item:i-1",
      },
      {
        a: b.id,
        b: c.id,
        entities: [{ kind: "item", id: "i-1", access: "read_write" }],
        lateKinds: [],
        isCertain: true,
        text: "b and c: one writes and one reads item:i-1",
      },
    ]);
  });

  test("are possible where one learns while running what it writes", () => {
    const conflicts = conflictsOf([
      runbookOf("a", late),
      runbookOf("b", [read("i-1")]),
      runbookOf("c", [step("t", "mail.tell", { about: 1 })]),
    ]);
    expect(conflicts).toMatchObject([
      {
        lateKinds: ["item"],
        entities: [],
        isCertain: false,
        text: "a and b: they may write the same item, which is learnt while running",
      },
    ]);
  });

  test("see one entity in a UUID of any kind and case", () => {
    const a = runbookOf("a", [write(UUID.toUpperCase())]);
    const b = runbookOf("b", [step("t", "mail.tell", { about: [UUID] })]);
    expect(conflictsOf([a, b])).toMatchObject([{ entities: [{ id: UUID, access: "write_write" }], isCertain: true }]);
  });

  test("are not there between scopes, nor with nothing to compare", () => {
    expect(conflictsOf([runbookOf("a", [write("i-1")]), runbookOf("b", [write("i-1")], "tenant-2")])).toEqual([]);
    expect(conflictsOf([runbookOf("a", [write("i-1")])])).toEqual([]);
    expect(conflictsOf([])).toEqual([]);
  });
});
