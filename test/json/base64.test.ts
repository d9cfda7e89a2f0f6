import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { base64Of, bytesOfBase64 } from "../../src/json/base64.js";

describe("base64", () => {
  test("is what Node writes, for bytes of any length, and reads back to the same bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const text = base64Of(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64"));
        expect(bytesOfBase64(text)).toEqual(bytes);
      }),
    );
    expect(base64Of(new Uint8Array())).toBe("");
    expect(bytesOfBase64("")).toEqual(new Uint8Array());
    const part = new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 4);
    expect(bytesOfBase64(base64Of(part))).toEqual(new Uint8Array([2, 3, 4]));
  });

  test("has one text for the same bytes: every other one is refused", () => {
    for (const text of [
      "A",
      "AA",
      "AAA",
      "AA=A",
      "A===",
      "====",
      "AA-_",
      "AAA\n",
      "AAAé",
      "Ā===",
      "AB==",
      "AAB=",
      "AA= ",
      " AAA",
    ]) {
      expect(bytesOfBase64(text), text).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        const bytes = bytesOfBase64(text);
        if (bytes !== undefined) expect(base64Of(bytes)).toBe(text);
      }),
    );
  });
});
