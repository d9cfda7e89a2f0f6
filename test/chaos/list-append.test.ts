import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import type { AnomalyKind, Observations, Op, Outcome, Transaction } from "./list-append.js";
import { checkListAppend } from "./list-append.js";

const append = (key: string, value: string): Op => ({ kind: "append", key, value });
const read = (key: string, ...list: readonly string[]): Op => ({ kind: "read", key, list });
const tx = (id: string, outcome: Outcome, ...ops: readonly Op[]): Transaction => ({ id, outcome, ops });
const lists = (final: Readonly<Record<string, readonly string[]>>): Observations["final"] => new Map(Object.entries(final));

function kindsOf(
  transactions: readonly Transaction[],
  final: Readonly<Record<string, readonly string[]>>,
): readonly AnomalyKind[] {
  return checkListAppend({ transactions, final: lists(final) }).map(({ kind }) => kind);
}

describe("a list-append checker finds", () => {
  test("nothing in a serial history, whatever became of what nobody could say", () => {
    const transactions = [
      tx("a", "ok", append("x", "1"), read("x", "1")),
      tx("b", "info", append("x", "2"), append("y", "1")),
      tx("c", "info", append("x", "3")),
      tx("d", "fail", append("x", "4"), read("x", "7")),
      tx("e", "ok", read("x", "1", "2"), read("y", "1"), append("x", "5")),
    ];
    expect(kindsOf(transactions, { x: ["1", "2", "5"], y: ["1"] })).toEqual([]);
  });

  test("an acknowledged append that is lost, also where its key is gone", () => {
    const found = checkListAppend({
      transactions: [tx("a", "ok", append("x", "1")), tx("b", "ok", append("x", "2"), append("z", "9"))],
      final: lists({ x: ["1"] }),
    });
    expect(found).toEqual([
      { kind: "lost_append", message: '"2" was acknowledged and is not in the final list of "x"', transactions: ["b"] },
      { kind: "lost_append", message: '"9" was acknowledged and is not in the final list of "z"', transactions: ["b"] },
    ]);
  });

  test("a value that stands twice, and one that two transactions were told they appended", () => {
    expect(kindsOf([tx("a", "ok", append("x", "1"))], { x: ["1", "1"] })).toEqual(["duplicate"]);
    const twice = [tx("a", "ok", append("x", "1")), tx("b", "ok", append("x", "1"))];
    expect(kindsOf(twice, { x: ["1"] })).toEqual(["duplicate"]);
  });

  test("nothing in what was tried again because nobody could say, or because it had failed", () => {
    for (const outcome of ["info", "fail"] as const) {
      const again = [tx("a", outcome, append("x", "1")), tx("b", "ok", append("x", "1")), tx("c", outcome, append("x", "1"))];
      expect(kindsOf(again, { x: ["1"] })).toEqual([]);
      expect(kindsOf(again, { x: ["1", "1"] })).toEqual(["duplicate"]);
    }
  });

  test("a value that nobody appended, and one whose transaction failed", () => {
    expect(kindsOf([], { x: ["1"] })).toEqual(["unknown_value"]);
    expect(kindsOf([tx("a", "fail", append("x", "1"))], { x: ["1"] })).toEqual(["aborted_read"]);
    const transactions = [tx("a", "fail", append("x", "1")), tx("b", "ok", read("x", "1"))];
    expect(kindsOf(transactions, {})).toEqual(["aborted_read", "reordered"]);
  });

  test("reads that are no beginning of the final list: moved, taken away, inserted before", () => {
    const appended = [tx("a", "ok", append("x", "1")), tx("b", "ok", append("x", "2"))];
    expect(kindsOf([...appended, tx("c", "ok", read("x", "2", "1"))], { x: ["1", "2"] })).toEqual(["reordered"]);
    expect(kindsOf([...appended, tx("c", "ok", read("x", "2"))], { x: ["1", "2"] })).toEqual(["reordered"]);
    expect(kindsOf([tx("a", "info", append("x", "1")), tx("c", "ok", read("x", "1"))], {})).toEqual(["reordered"]);
  });

  test("a read in the middle of another transaction, and one that misses its own append", () => {
    const middle = [tx("a", "ok", append("x", "1"), append("x", "2")), tx("b", "ok", read("x", "1"))];
    expect(kindsOf(middle, { x: ["1", "2"] })).toContain("intermediate_read");
    const own = [tx("a", "ok", append("x", "1"), read("x"))];
    expect(kindsOf(own, { x: ["1"] })).toEqual(["own_write_missed"]);
    const partly = [tx("a", "ok", append("x", "1"), read("x", "1"), append("x", "2"), read("x", "1", "2"))];
    expect(kindsOf(partly, { x: ["1", "2"] })).toEqual([]);
  });

  test("writes that come before each other in a circle (G0)", () => {
    const transactions = [tx("a", "ok", append("x", "a"), append("y", "a")), tx("b", "ok", append("x", "b"), append("y", "b"))];
    const found = checkListAppend({ transactions, final: lists({ x: ["a", "b"], y: ["b", "a"] }) });
    expect(found).toEqual([{ kind: "write_cycle", message: "a -ww-> b -ww-> a", transactions: ["a", "b"] }]);
  });

  test("transactions that read each other's writes in a circle (G1c)", () => {
    const transactions = [tx("a", "ok", append("x", "1"), read("y", "1")), tx("b", "ok", append("y", "1"), read("x", "1"))];
    expect(kindsOf(transactions, { x: ["1"], y: ["1"] })).toEqual(["information_cycle"]);
  });

  test("a lost update and a skewed read (G-single)", () => {
    const update = [tx("a", "ok", read("x"), append("x", "1")), tx("b", "ok", read("x"), append("x", "2"))];
    expect(kindsOf(update, { x: ["1", "2"] })).toEqual(["read_skew"]);
    const skew = [tx("a", "ok", append("x", "1"), append("y", "1")), tx("b", "ok", read("x", "1"), read("y"))];
    expect(kindsOf(skew, { x: ["1"], y: ["1"] })).toEqual(["read_skew"]);
  });

  test("write skew (G2), and in one go with what is apart from it", () => {
    const transactions = [
      tx("a", "ok", read("x"), append("y", "1")),
      tx("b", "ok", read("y"), append("x", "1")),
      tx("c", "ok", append("p", "1"), append("q", "1")),
      tx("d", "ok", append("p", "2"), append("q", "2")),
    ];
    const final = { x: ["1"], y: ["1"], p: ["1", "2"], q: ["2", "1"] };
    expect(kindsOf(transactions, final)).toEqual(["write_cycle", "anti_dependency_cycle"]);
  });

  test("a circle of a thousand transactions, and nothing in a chain of as many", () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `t${index}`);
    const chain = ids.map((id, index) =>
      tx(id, "ok", append(`k${index}`, id), ...(index > 0 ? [append(`k${index - 1}`, id)] : [append("k999", id)])),
    );
    const order = (isCircle: boolean) =>
      Object.fromEntries(
        ids.map((id, index) => {
          const after = ids[(index + 1) % ids.length] ?? "";
          return [`k${index}`, isCircle || index < 999 ? [id, after] : [after, id]];
        }),
      );
    expect(kindsOf(chain, order(true))).toEqual(["write_cycle"]);
    expect(kindsOf(chain, order(false))).toEqual([]);
  });
});

interface Serial {
  readonly transactions: readonly Transaction[];
  readonly final: ReadonlyMap<string, readonly string[]>;
}

const key = fc.constantFrom("x", "y", "z");
const plan = fc.array(
  fc.record({
    outcome: fc.constantFrom<Outcome>("ok", "ok", "ok", "fail", "info"),
    isApplied: fc.boolean(),
    ops: fc.array(fc.record({ key, isRead: fc.boolean() }), { minLength: 1, maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 30 },
);

/** Executes a plan one transaction after the other. */
const serial = plan.map((planned): Serial => {
  let final = new Map<string, readonly string[]>();
  let values = 0;
  const transactions = planned.map(({ outcome, isApplied, ops }, index) => {
    const view = new Map(final);
    const done = ops.map((op): Op => {
      const list = view.get(op.key) ?? [];
      if (op.isRead) return { kind: "read", key: op.key, list };
      values += 1;
      view.set(op.key, [...list, String(values)]);
      return { kind: "append", key: op.key, value: String(values) };
    });
    if (outcome === "ok" || (outcome === "info" && isApplied)) final = view;
    return { id: `t${index}`, outcome, ops: done };
  });
  return { transactions, final };
});

const withFinal = (history: Serial, ofKey: string, list: readonly string[]): Serial => ({
  ...history,
  final: new Map(history.final).set(ofKey, list),
});

/** Every value of the final lists, with its place. */
const places = ({ final }: Serial) =>
  [...final].flatMap(([ofKey, list]) => list.map((value, index) => ({ key: ofKey, value, index, list })));

function writerOf({ transactions }: Serial, ofKey: string, value: string): Transaction | undefined {
  return transactions.find(({ ops }) => ops.some((op) => op.kind === "append" && op.key === ofKey && op.value === value));
}

describe("a list-append checker, over generated histories", () => {
  test("finds nothing in a serial one", () => {
    fc.assert(
      fc.property(serial, (history) => {
        expect(checkListAppend(history)).toEqual([]);
      }),
    );
  });

  test("finds one value taken out, doubled, or put in", () => {
    fc.assert(
      fc.property(serial, fc.nat(), (history, pick) => {
        const all = places(history);
        const place = all[pick % Math.max(1, all.length)];
        fc.pre(place !== undefined);
        const { key: at, value, index, list } = place;
        const kinds = (changed: readonly string[]) => checkListAppend(withFinal(history, at, changed)).map(({ kind }) => kind);
        if (writerOf(history, at, value)?.outcome === "ok") expect(kinds(list.toSpliced(index, 1))).toContain("lost_append");
        expect(kinds(list.toSpliced(index, 0, value))).toContain("duplicate");
        expect(kinds(list.toSpliced(index, 0, "0"))).toContain("unknown_value");
      }),
    );
  });

  test("finds a writer that had failed", () => {
    fc.assert(
      fc.property(serial, fc.nat(), (history, pick) => {
        const all = places(history);
        const place = all[pick % Math.max(1, all.length)];
        fc.pre(place !== undefined);
        const writer = writerOf(history, place.key, place.value);
        const transactions = history.transactions.map((one) => (one === writer ? { ...one, outcome: "fail" as const } : one));
        const kinds = checkListAppend({ ...history, transactions }).map(({ kind }) => kind);
        expect(kinds).toContain("aborted_read");
      }),
    );
  });

  test("finds two values of one read that changed places", () => {
    fc.assert(
      fc.property(serial, fc.nat(), (history, pick) => {
        const candidates = history.transactions.flatMap((one) =>
          one.outcome === "ok" ? one.ops.flatMap((op) => (op.kind === "read" && op.list.length > 1 ? [{ one, op }] : [])) : [],
        );
        const chosen = candidates[pick % Math.max(1, candidates.length)];
        fc.pre(chosen !== undefined);
        const list = [...chosen.op.list].reverse();
        const changed = { ...chosen.one, ops: chosen.one.ops.map((op) => (op === chosen.op ? { ...chosen.op, list } : op)) };
        const transactions = history.transactions.map((one) => (one === chosen.one ? changed : one));
        expect(checkListAppend({ ...history, transactions }).map(({ kind }) => kind)).toContain("reordered");
      }),
    );
  });

  test("finds a lost update and a write skew that end it", () => {
    fc.assert(
      fc.property(serial, (history) => {
        const x = history.final.get("x") ?? [];
        const y = history.final.get("y") ?? [];
        const update = {
          transactions: [
            ...history.transactions,
            tx("u", "ok", read("x", ...x), append("x", "u")),
            tx("v", "ok", read("x", ...x), append("x", "v")),
          ],
          final: new Map(history.final).set("x", [...x, "u", "v"]),
        };
        expect(checkListAppend(update).map(({ kind }) => kind)).toEqual(["read_skew"]);
        const skew = {
          transactions: [
            ...history.transactions,
            tx("u", "ok", read("x", ...x), append("y", "u")),
            tx("v", "ok", read("y", ...y), append("x", "v")),
          ],
          final: new Map(history.final).set("x", [...x, "v"]).set("y", [...y, "u"]),
        };
        expect(checkListAppend(skew).map(({ kind }) => kind)).toEqual(["anti_dependency_cycle"]);
      }),
    );
  });

  test("knows nothing of what it checks: it imports nothing but its own graph", () => {
    const imports = ["list-append.ts", "dependency-graph.ts"].flatMap((file) =>
      [...readFileSync(new URL(file, import.meta.url), "utf8").matchAll(/from "([^"]+)"/g)].map(([, name]) => name),
    );
    expect([...new Set(imports)]).toEqual(["./dependency-graph.js"]);
  });
});
