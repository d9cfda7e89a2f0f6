import { describe, expect, test } from "vitest";
import { bytesIn, integerIn, integerOrNullIn, textIn, textOrNullIn } from "../../src/sql/row.js";
import { Listeners } from "../../src/stores/listeners.js";
import { byPriority } from "../../src/stores/run-order.js";
import { assertShortIdFree, shortIdOf } from "../../src/stores/runbook-record.js";
import { memoryStores } from "../../src/stores/memory/memory-stores.js";
import { SampleRun } from "../../src/testing/store-contract/sample-run.js";

describe("assertShortIdFree (decision 1.4)", () => {
  const id = `rb_${"a".repeat(32)}${"b".repeat(32)}` as const;

  test("refuses two runbooks that share their first 128 bits, and only those", () => {
    expect(shortIdOf(id)).toBe(`rb_${"a".repeat(32)}`);
    expect(() => assertShortIdFree(id, `rb_${"a".repeat(32)}${"c".repeat(32)}`)).toThrow("have the same first 128 bits");
    assertShortIdFree(id, id);
    assertShortIdFree(id, `rb_${"a".repeat(31)}c${"b".repeat(32)}`);
  });
});

describe("columns", () => {
  test("are read as what they hold", () => {
    const row = { text: "t", integer: 5, big: 5n, none: null, bytes: Uint8Array.of(1) };
    expect([textIn(row, "text"), textOrNullIn(row, "none"), textOrNullIn(row, "text")]).toEqual(["t", null, "t"]);
    expect([integerIn(row, "integer"), integerIn(row, "big"), integerOrNullIn(row, "none")]).toEqual([5, 5, null]);
    expect(bytesIn(row, "bytes")).toEqual(Uint8Array.of(1));
  });

  test("that hold something else are corrupt", () => {
    const row = { text: "t", fraction: 1.5, none: null };
    for (const read of [
      () => textIn(row, "fraction"),
      () => textIn(row, "none"),
      () => textIn(row, "missing"),
      () => integerIn(row, "none"),
      () => integerIn(row, "fraction"),
      () => integerOrNullIn(row, "text"),
      () => bytesIn(row, "text"),
    ]) {
      expect(read).toThrow(expect.objectContaining({ code: "store.corrupt" }));
    }
  });
});

test("a listener that throws is counted and changes nothing (reliability 93)", () => {
  const listeners = new Listeners();
  const calls: string[] = [];
  listeners.add(() => {
    throw new RangeError("careless");
  });
  const listener = (): void => void calls.push("heard");
  const [first] = [listeners.add(listener), listeners.add(listener)];
  listeners.notify();
  first();
  listeners.notify();
  expect([listeners.failures, calls.length]).toEqual([2, 3]);
});

test("work is ordered by priority, higher first, then run id", async () => {
  const stores = memoryStores();
  for (const [number, priority] of [1, 2, 2].entries()) await new SampleRun(number).submit(stores, { priority });
  const heads = await stores.runs.list("default", {});
  expect([...heads].sort(byPriority).map(({ run }) => run?.runId.at(-1))).toEqual(["1", "2", "0"]);
});
