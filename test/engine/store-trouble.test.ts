import { describe, expect, test } from "vitest";
import { failureOf } from "../../src/engine/failure-of.js";

const trouble = (code: string): Error => Object.assign(new TypeError("the store was away"), { name: "RunsealError", code });

describe("a store that is away under a handler or its transaction", () => {
  test.each([
    "store.busy",
    "store.full",
    "store.connection_lost",
    "store.outcome_unknown",
    "store.contention",
    "store.too_many_connections",
    "store.pool_exhausted",
    "store.out_of_memory",
  ])("is a reason to try again: %s (reliability rows 17, 21, 29)", (code) => {
    expect(failureOf(trouble(code))).toMatchObject({ code, category: "storage", retryable: true });
  });

  test.each(["store.closed", "store.corrupt", "store.permission"])("is none where trying again is no use: %s", (code) => {
    expect(failureOf(trouble(code))).toMatchObject({ code, category: "policy", retryable: false });
  });
});
