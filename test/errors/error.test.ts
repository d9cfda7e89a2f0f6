import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isRunsealError, RunsealError } from "../../src/errors/error.js";
import { invariant, present } from "../../src/errors/invariant.js";

const CLOSED = new RunsealError("store.closed", "the store is closed", { call: "commit" });

describe("RunsealError", () => {
  test("carries code, message, details and cause, and is an Error by the name of the class", () => {
    const cause = new TypeError("why");
    const error = new RunsealError("store.failed", "the database refused", { call: "commit" }, { cause });
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.message, error.details, error.cause]).toEqual([
      "RunsealError",
      "store.failed",
      "the database refused",
      { call: "commit" },
      cause,
    ]);
  });

  test("becomes plain JSON without its stack and its cause, which may hold what must not be shown", () => {
    const error = new RunsealError(
      "store.closed",
      "the store is closed",
      { call: "commit" },
      { cause: new Error("password=hunter2") },
    );
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: "store.closed",
      message: "the store is closed",
      details: { call: "commit" },
    });
  });
});

describe("isRunsealError", () => {
  test("holds for its own errors, of any code or of the one that is named", () => {
    expect([isRunsealError(CLOSED), isRunsealError(CLOSED, "store.closed"), isRunsealError(CLOSED, "store.full")]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("holds for the error of another copy of the package", () => {
    class Copy extends Error {
      override readonly name = "RunsealError";
      readonly code = "store.closed";
    }
    expect([
      new Copy() instanceof RunsealError,
      isRunsealError(new Copy(), "store.closed"),
      isRunsealError(new Copy(), "store.full"),
    ]).toEqual([false, true, false]);
  });

  test("holds for an error of another realm", () => {
    const foreign: unknown = runInNewContext('Object.assign(new Error("m"), { name: "RunsealError", code: "store.closed" })');
    expect([foreign instanceof Error, isRunsealError(foreign), isRunsealError(foreign, "store.closed")]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("holds for no other error, for no error without a code, and for nothing that only looks like one", () => {
    const named = Object.assign(new Error("m"), { name: "RunsealError" });
    const numbered = Object.assign(new Error("m"), { name: "RunsealError", code: 7 });
    const shaped = { name: "RunsealError", code: "store.closed", message: "m", details: {} };
    expect(
      [new Error("m"), named, numbered, shaped, null, undefined, "RunsealError", 1, [], () => 1].map((value) =>
        isRunsealError(value),
      ),
    ).toEqual(Array.from({ length: 10 }, () => false));
  });

  test("answers for values that throw when they are looked at", () => {
    const trapped = new Proxy(new Error("m"), {
      get: () => {
        throw new Error("trap");
      },
    });
    const getter = Object.defineProperty(new Error("m"), "name", {
      get: () => {
        throw new Error("getter");
      },
    });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect([trapped, getter, proxy].map((value) => isRunsealError(value))).toEqual([false, false, false]);
  });

  test("never throws, for anything at all", () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withSparseArray: true, withBigInt: true, withDate: true }), (value) => {
        expect(isRunsealError(value)).toBe(false);
      }),
    );
  });
});

describe("invariant", () => {
  test("does nothing while the rule holds", () => {
    expect(() => {
      invariant(true, "a run has one head");
    }).not.toThrow();
  });

  test("throws `internal.invariant` with the rule once it doesn't", () => {
    expect(() => {
      invariant(false, "a run has one head");
    }).toThrow(
      expect.objectContaining({
        code: "internal.invariant",
        message: "broken invariant: a run has one head",
        details: { rule: "a run has one head" },
      }),
    );
  });
});

describe("present", () => {
  test("hands back what is there, falsy values too", () => {
    expect([present(0, "r"), present("", "r"), present(false, "r")]).toEqual([0, "", false]);
  });

  test.each([[null], [undefined]])("throws `internal.invariant` for %s", (value) => {
    expect(() => present(value, "the step is in the plan")).toThrow(
      expect.objectContaining({ code: "internal.invariant", details: { rule: "the step is in the plan" } }),
    );
  });
});
