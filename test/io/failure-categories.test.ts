import { describe, expect, test } from "vitest";
import { allowAll, createCatalog, createRunseal, memoryStores } from "runseal";
import { RunsealError } from "../../src/errors/error.js";
import { failureOf } from "../../src/engine/failure-of.js";

describe("failures of transports as they are recorded", () => {
  test.each([
    [new RunsealError("io.unreachable", "no response", { reason: "ECONNREFUSED" }), "network", true],
    [new RunsealError("io.timeout", "too late", { timeoutMs: 1 }), "timeout", true],
    [new RunsealError("exec.timeout", "too late", { timeoutMs: 1 }), "timeout", true],
    [new RunsealError("exec.failed", "ended", { program: "/bin/x", exitCode: 1, signal: null }), "unknown", true],
    [new RunsealError("io.canceled", "given up", {}), "canceled", false],
    [new RunsealError("io.url_refused", "no", { reason: "address", hop: 0 }), "policy", false],
    [new RunsealError("io.request_invalid", "no", { field: "url" }), "policy", false],
    [new RunsealError("exec.program_not_allowed", "no", {}), "policy", false],
    [new RunsealError("secret.not_sealed", "no", { stepId: "a", name: "b" }), "policy", false],
  ] as const)("%s is of category %s, and trying again helps: %s (D-085, D-086)", (error, category, retryable) => {
    expect(failureOf(error)).toMatchObject({ code: error.code, category, retryable });
  });

  test("a name of a code that only an object's prototype has is no category", () => {
    const odd = Object.assign(new TypeError("x"), { name: "RunsealError", code: "constructor" });
    expect(failureOf(odd)).toMatchObject({ code: "step.handler_threw", category: "policy" });
  });

  test("a group that is none is refused when the instance is made (D-085)", () => {
    const make = (group: string) =>
      createRunseal({
        catalog: createCatalog({ verbs: [] }),
        stores: memoryStores(),
        policy: allowAll(),
        io: { transports: { [group]: () => ({ call: async () => null }) } },
      });
    expect(() => make("")).toThrow(expect.objectContaining({ code: "instance.misconfigured", details: { option: "io" } }));
    expect(() => make("Bank")).toThrow(expect.objectContaining({ code: "instance.misconfigured" }));
    expect(make("bank.eu").scope).toBe("default");
  });
});
