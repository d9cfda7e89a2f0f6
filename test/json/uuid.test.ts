import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { isUuid, uuidV5, uuidV7, uuidV8FromDigest } from "../../src/json/uuid.js";
import { refusalOf } from "./values.js";

const DNS = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
const DIGEST = "5c146b143c524afd938a375d0df1fbf6fe12a66b645f72f6158759387e51f3c8";

describe("uuids", () => {
  it("match the version 5 vector of RFC 9562, appendix A.4", () => {
    expect(uuidV5(DNS, "www.example.com")).toBe("2ed6657d-e927-568b-95e1-2665a8aea6a2");
    expect(uuidV5(DNS.toUpperCase(), "www.example.com")).toBe("2ed6657d-e927-568b-95e1-2665a8aea6a2");
  });

  it("match the version 7 vector of RFC 9562, appendix A.6", () => {
    const random = Uint8Array.of(0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f);
    expect(uuidV7(0x017f22e279b0, random)).toBe("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  });

  it("match the version 8 vector of RFC 9562, appendix B.2", () => {
    expect(uuidV8FromDigest(DIGEST)).toBe("5c146b14-3c52-8afd-938a-375d0df1fbf6");
  });

  it("of version 7 sort by their time (decision 1.9)", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), random10, random10, (early, more, one, two) => {
        expect(uuidV7(early, one) < uuidV7(early + more + 1, two)).toBe(true);
      }),
    );
  });

  it("carry version and variant and are lower case, whatever the input", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat(), random10, (name, nowMs, random) => {
        expect(uuidV5(DNS, name)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(uuidV7(nowMs, random)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      }),
    );
  });

  it("take the ends of the time range and refuse what lies beyond", () => {
    const random = new Uint8Array(10);
    expect(uuidV7(0, random)).toBe("00000000-0000-7000-8000-000000000000");
    expect(uuidV7(2 ** 48 - 1, random)).toBe("ffffffff-ffff-7000-8000-000000000000");
    for (const nowMs of [-1, 2 ** 48, 0.5, Number.NaN]) {
      expect(refusalOf("run.invalid_option", () => uuidV7(nowMs, random)).details).toEqual({ option: "nowMs" });
    }
  });

  it("refuse random bytes, namespaces and digests of another size", () => {
    expect(refusalOf("run.invalid_option", () => uuidV7(0, new Uint8Array(16))).details).toEqual({ option: "random" });
    expect(refusalOf("run.invalid_option", () => uuidV5("dns", "x")).details).toEqual({ option: "namespace" });
    expect(refusalOf("run.invalid_option", () => uuidV8FromDigest(DIGEST.slice(1))).details).toEqual({ option: "digest" });
  });

  it("are told from other strings by their form", () => {
    expect(isUuid(DNS)).toBe(true);
    expect(isUuid(DNS.toUpperCase())).toBe(true);
    for (const other of [DNS.replaceAll("-", ""), `${DNS}\n`, `{${DNS}}`, DNS.replace("6", "g"), 1])
      expect(isUuid(other)).toBe(false);
  });
});

const random10 = fc.uint8Array({ minLength: 10, maxLength: 10 });
