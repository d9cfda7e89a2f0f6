import { describe, expect, test } from "vitest";
import { findSecret } from "../../src/secrets/detect.js";
import { collectSecretNames, isSecretReferenceName, secretNameOf, secretRef } from "../../src/secrets/reference.js";

describe("references to secrets (decision 4.6)", () => {
  test("are texts that stand where the value would, and no secret themselves", () => {
    expect(secretRef("bank/api-token.v2")).toBe("secret:bank/api-token.v2");
    expect(findSecret({ password: secretRef("bank"), header: `Bearer ${secretRef("bank-production-token")}` })).toBeUndefined();
    expect(secretNameOf("secret:bank")).toBe("bank");
  });

  test.each(["", "1a", "a b", "a:b", "ä", "a".repeat(129), 'x"', 7 as never, undefined as never])(
    "%j is no name of one",
    (name) => {
      expect(() => secretRef(name)).toThrow(expect.objectContaining({ code: "run.invalid_option" }));
      expect(isSecretReferenceName(name)).toBe(false);
    },
  );

  test("what only looks like one is a text", () => {
    for (const text of ["secret:", "secret: bank", "Secret:bank", "secret:bank\n", " secret:bank", "a secret:bank"])
      expect(secretNameOf(text)).toBeUndefined();
  });

  test("are collected from anywhere in a value, once each, and not from names of members", () => {
    const names = new Set<string>();
    collectSecretNames({ a: "secret:one", b: ["secret:two", { c: "secret:one", "secret:three": null }], d: 1, e: true }, names);
    expect([...names]).toEqual(["one", "two"]);
  });
});
