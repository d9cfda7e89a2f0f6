import { describe, expect, test } from "vitest";
import { didYouMean, suggestFrom } from "../../src/catalog/suggest.js";

describe("suggestFrom", () => {
  test.each<readonly [string, readonly string[], readonly string[]]>([
    ["acount.open", ["account.open", "account.close"], ["account.open"]],
    ["ab.cd", ["ab.dc"], ["ab.dc"]],
    ["MAIL.SEND", ["mail.send"], ["mail.send"]],
    ["item.x", ["item.c", "item.a", "item.b", "item.d"], ["item.a", "item.b", "item.c"]],
    ["item.abc", ["item.abd", "item.abcd", "item.xyz"], ["item.abcd", "item.abd"]],
    ["a", ["b", "c"], []],
    ["", ["a"], []],
    ["mail.send", [], []],
    ["mail.send", ["x".repeat(129)], []],
    ["x".repeat(129), ["x".repeat(128)], []],
  ])("for %j from %j gives %j", (name, names, suggestions) => {
    expect(suggestFrom(names, name)).toEqual(suggestions);
  });

  test("is put into words", () => {
    expect(didYouMean([])).toBe("");
    expect(didYouMean(["a"])).toBe('; did you mean "a"');
    expect(didYouMean(["a", "b"])).toBe('; did you mean "a" or "b"');
  });
});
