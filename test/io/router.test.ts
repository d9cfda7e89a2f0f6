import { describe, expect, test } from "vitest";
import type { JsonValue } from "../../src/json/value.js";
import type { TransportEnv, TransportFactory } from "../../src/io/transport.js";
import { transportRouter } from "../../src/io/router.js";
import { callOf, envOf } from "./transport-call.js";

const says =
  (word: string): TransportFactory =>
  () => ({ call: async (request: JsonValue) => ({ word, request }) });

describe("the router of transports (D-085)", () => {
  const router = transportRouter({ bank: says("bank"), "bank.eu": says("eu"), clock: says("clock") });

  test.each([
    ["bank", "bank"],
    ["bank.us", "bank"],
    ["bank.eu", "eu"],
    ["bank.eu.sepa.instant", "eu"],
    ["bank.europe", "bank"],
    ["clock", "clock"],
  ])("the longest group that is %s or a prefix of it ending at a dot answers (D-085): %s", async (namespace, word) => {
    expect(await router.open(envOf()).call([1], callOf({ namespace }))).toEqual({ word, request: [1] });
  });

  test.each(["banking", "eu", "bank_", "Bank", "", "bank.", ".bank", "bank..eu", "__proto__", "constructor", "toString"])(
    "the namespace %j is unknown, and the request is not repeated (D-085)",
    async (namespace) => {
      const open = router.open(envOf());
      const request = { pin: "canary-4711" };
      const error = await open.call(request, callOf({ namespace })).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "io.unknown_namespace" });
      expect(JSON.stringify(error)).not.toContain("canary");
    },
  );

  test("a namespace that is no name is not shown", async () => {
    const open = router.open(envOf());
    await expect(open.call(null, callOf({ namespace: "canary <4711>" }))).rejects.toMatchObject({ details: { namespace: null } });
  });

  test("a transport is made per attempt, at its first call, with who asks", async () => {
    const made: TransportEnv[] = [];
    const counting: TransportFactory = (env) => {
      made.push(env);
      return { call: async () => env.attempt };
    };
    const own = transportRouter({ bank: counting });
    const first = own.open(envOf({ attempt: 1 }));
    const second = own.open(envOf({ attempt: 2 }));
    expect(made).toHaveLength(0);
    await first.call(null, callOf({ namespace: "bank.a" }));
    await first.call(null, callOf({ namespace: "bank.b" }));
    await second.call(null, callOf({ namespace: "bank" }));
    expect(made.map(({ attempt, runId }) => [attempt, runId])).toEqual([
      [1, "run-1"],
      [2, "run-1"],
    ]);
  });

  test.each(["", "Bank", "bank.", ".bank", "bank..eu", "bank-eu", "bank eu", "__proto__", "1bank", "a".repeat(64)])(
    "the group %j is refused when the instance is made (D-085)",
    (group) => {
      expect(() => transportRouter([[group, says("x")]])).toThrow(expect.objectContaining({ code: "instance.misconfigured" }));
    },
  );

  test("a group given twice, and a transport that is no factory, are refused (D-085)", () => {
    expect(() =>
      transportRouter([
        ["bank", says("a")],
        ["bank", says("b")],
      ]),
    ).toThrow('the namespace group "bank" is given twice');
    expect(() => transportRouter([["bank", {} as TransportFactory]])).toThrow('the transport of "bank" is no function');
    expect(() => transportRouter([[7 as never, says("a")]])).toThrow("a number is no namespace group");
  });
});
