import type { JsonValue } from "../../src/json/value.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KnownSecrets } from "../../src/secrets/known-secrets.js";
import { REDACTED } from "../../src/secrets/redact.js";

const SECRET = 'cänary "4711"/\\+\n&x';

function knowing(...values: readonly string[]): KnownSecrets {
  const known = new KnownSecrets();
  for (const value of values) known.add(value);
  return known;
}

/** Every form in which a declared secret is searched for. */
const FORMS: readonly (readonly [form: string, write: (secret: string) => string])[] = [
  ["raw", (secret) => secret],
  ["JSON-escaped", (secret) => JSON.stringify({ a: secret })],
  [
    "JSON-escaped in ASCII",
    (secret) => JSON.stringify(secret).replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
  ],
  ["URL-encoded", (secret) => encodeURIComponent(secret)],
  ["form-encoded", (secret) => encodeURIComponent(secret).replaceAll("%20", "+")],
  ["URL-encoded in lower case", (secret) => encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase())],
  ["hexadecimal", (secret) => Buffer.from(secret).toString("hex")],
  ["hexadecimal in upper case", (secret) => Buffer.from(secret).toString("hex").toUpperCase()],
  ["base64", (secret) => Buffer.from(secret).toString("base64")],
  ["base64 behind one byte", (secret) => Buffer.from(`:${secret}`).toString("base64")],
  ["base64 behind two bytes", (secret) => Buffer.from(`a:${secret}`).toString("base64")],
  ["base64 between others", (secret) => Buffer.from(`user:${secret}:more`).toString("base64")],
  ["base64url", (secret) => Buffer.from(`~~${secret}`).toString("base64url")],
];

describe("secrets that were handed out (D-091, reliability row 89)", () => {
  test.each(FORMS)("are found and replaced %s (reliability row 89)", (_form, write) => {
    const known = knowing(SECRET);
    const text = `before ${write(SECRET)} after`;
    expect(known.isIn(text)).toBe(true);
    const clean = known.redactText(text);
    expect(clean).toContain(REDACTED);
    expect(known.isIn(clean)).toBe(false);
    expect(clean.startsWith("before ") && clean.endsWith(" after")).toBe(true);
    expect(known.isInBytes(new TextEncoder().encode(text))).toBe(true);
    expect(known.redact({ deep: [{ [text]: text }], n: 1 })).toEqual({ deep: [{ [clean]: clean }], n: 1 });
  });

  test("are found in every form whatever they are (reliability row 89)", () => {
    const secrets = fc.string({ minLength: 8, maxLength: 40, unit: "grapheme" }).filter((text) => text.trim().length >= 8);
    fc.assert(
      fc.property(secrets, fc.constantFrom(...FORMS.map(([, write]) => write)), (secret, write) => {
        expect(knowing(secret).isIn(`<${write(secret)}>`)).toBe(true);
      }),
    );
  });

  test("are known with and without white space around them", () => {
    const known = knowing("hunter2-hunter2\n");
    expect(known.redactText("it is hunter2-hunter2.")).toBe(`it is ${REDACTED}.`);
  });

  test("that are short, split, or encoded twice are not found: the documented limit (reliability row 89)", () => {
    expect(knowing("seven77").isEmpty).toBe(true);
    expect(knowing("  seven77  ").redactText("seven77")).toBe("seven77");
    const known = knowing("hunter2-hunter2");
    expect(["hunter2-", "hunter2"].some((chunk) => known.isIn(chunk))).toBe(false);
    expect(known.isIn(Buffer.from(Buffer.from("hunter2-hunter2").toString("hex")).toString("base64"))).toBe(false);
  });

  test("leave what holds none as it is", () => {
    const value = { a: [1, true, null, "x"], b: { c: "y" } };
    expect(knowing(SECRET).redact(value)).toBe(value);
    expect(new KnownSecrets().redact(value)).toBe(value);
    expect(knowing(SECRET).redactText("x")).toBe("x");
    expect(knowing(SECRET).isInBytes(new Uint8Array([99, 99, 0xc3]))).toBe(false);
    expect(knowing(SECRET).redact(null)).toBeNull();
    expect(knowing(SECRET).redact([SECRET])).toEqual([REDACTED]);
    expect(Object.keys(knowing(SECRET).redact(JSON.parse('{"__proto__":"cänary"}') as JsonValue) as object)).toEqual([
      "__proto__",
    ]);
  });

  test("one in another: the longer one goes whole", () => {
    expect(knowing("password-1", "password-1-and-more").redactText("password-1-and-more!")).toBe(`${REDACTED}!`);
  });

  test("are forgotten oldest first beyond a thousand", () => {
    const known = knowing("canary-first");
    known.add("canary-first");
    for (let index = 0; index < 999; index += 1) known.add(`filling-${index}`);
    expect(known.isIn("canary-first")).toBe(true);
    known.add("canary-last");
    expect([known.isIn("canary-first"), known.isIn("filling-0"), known.isIn("canary-last")]).toEqual([false, true, true]);
  });
});
