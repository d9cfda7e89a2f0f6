import { expect, test } from "vitest";
import type { Runbook } from "../../src/model/runbook.js";
import { RunbookCache } from "../../src/instance/runbook-cache.js";
import { buildRunbook } from "../engine/build-runbook.js";

const numbered = (number: number, steps = 1): Runbook => {
  const runbook = buildRunbook({ steps: [{ id: "a" }] });
  const [step] = runbook.steps;
  if (step === undefined) throw new TypeError("the sample has a step");
  return { ...runbook, id: `rb_${String(number).padStart(64, "0")}`, steps: Array.from({ length: steps }, () => step) };
};

test("a runbook is kept for its scope, and the least recently used goes first", () => {
  const cache = new RunbookCache();
  const runbooks = Array.from({ length: 257 }, (_, number) => numbered(number));
  for (const runbook of runbooks.slice(0, 256)) cache.keep("a", runbook);
  expect(cache.get("a", numbered(0).id)).toBe(runbooks[0]);
  expect(cache.get("b", numbered(0).id)).toBeUndefined();
  cache.keep("a", numbered(256));
  expect(cache.get("a", numbered(0).id)).toBe(runbooks[0]);
  expect(cache.get("a", numbered(1).id)).toBeUndefined();
  expect(cache.get("a", numbered(256).id)?.id).toBe(numbered(256).id);
});

test("large plans make room for themselves, and one that is too large is not kept", () => {
  const cache = new RunbookCache();
  for (const number of [1, 2, 3]) cache.keep("a", numbered(number, 8_000));
  expect([1, 2, 3].map((number) => cache.get("a", numbered(number).id) !== undefined)).toEqual([false, true, true]);
  cache.keep("a", numbered(4, 20_001));
  expect(cache.get("a", numbered(4).id)).toBeUndefined();
  // the same one again takes the place of itself
  cache.keep("a", numbered(2, 12_000));
  expect([2, 3].map((number) => cache.get("a", numbered(number).id)?.steps.length)).toEqual([12_000, 8_000]);
});
