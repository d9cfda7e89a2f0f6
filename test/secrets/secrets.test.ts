import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findSecret } from "../../src/secrets/detect.js";
import { isSecretName } from "../../src/secrets/names.js";
import { REDACTED, redact, redactText } from "../../src/secrets/redact.js";

// put together at run time, so that no scanner of the repository takes a sample for a secret
const repeat = (text: string, count: number): string => text.repeat(count);
const samples: readonly (readonly [rule: string, hit: string, nearMiss: string])[] = [
  ["private_key", `-----BEGIN RSA PRIVATE KEY-----\nMII`, "-----BEGIN PUBLIC KEY-----"],
  ["aws_access_key", `AKIA${repeat("A1", 8)}`, `AKIA${repeat("a1", 8)}`],
  ["aws_session_key", `ASIA${repeat("B2", 8)}`, "ASIA is a continent here"],
  ["github_token", `ghp_${repeat("a", 36)}`, `ghp_${repeat("a", 12)}`],
  ["github_fine_token", `github_pat_${repeat("a", 40)}`, "github_pat_short"],
  ["slack_token", `xoxb-${repeat("1", 12)}`, "xoxy-hugs-and-kisses"],
  ["stripe_key", `sk_live_${repeat("a", 20)}`, `sk_test_${repeat("a", 20)}`],
  ["google_api_key", `AIza${repeat("x", 35)}`, `AIza${repeat("x", 12)}`],
  ["npm_token", `npm_${repeat("q", 36)}`, "npm_config_cache_dir"],
  ["openai_key", `sk-${repeat("z", 40)}`, "sk-learn-regression"],
  ["jwt", `eyJ${repeat("a", 12)}.eyJ${repeat("b", 12)}.${repeat("c", 12)}`, `eyJ${repeat("a", 12)}.plain`],
  ["bearer_header", `Authorization: Bearer ${repeat("t", 20)}`, "the bearer of this letter"],
  ["basic_header", `Basic ${repeat("Q", 20)}==`, "Basic training"],
  ["url_credentials", `postgres://admin:${repeat("p", 9)}@db/x`, "postgres://db:5432/x"],
];

describe("secret detection (D-090, decision 4.6)", () => {
  test.each(samples)("%s is found and its near miss is not", (rule, hit, nearMiss) => {
    expect(findSecret({ note: [hit] })).toEqual({ pointer: "/note/0", rule });
    expect(findSecret({ note: nearMiss })).toBeUndefined();
  });

  test("a long value under a credential's name is a secret; short ones, references and other names are not", () => {
    expect(findSecret({ user: { "api-key": "abcdefgh" } })).toEqual({ pointer: "/user/api-key", rule: "name" });
    expect(findSecret({ password: ["abcdefgh"] })).toEqual({ pointer: "/password/0", rule: "name" });
    expect(findSecret({ password: "short", apiKey: "secret:stripe", passwordPolicy: "at least twelve" })).toBeUndefined();
    expect(isSecretName("x".repeat(41))).toBe(false);
    expect(findSecret({ n: 1, b: true, z: null })).toBeUndefined();
  });

  test("a name says the same however many names were looked at before", () => {
    for (let count = 0; count < 5_000; count += 1) expect(isSecretName(`member ${count}`)).toBe(false);
    for (const name of ["pass_word", "Pass.Word", "pass_word"]) expect(isSecretName(name)).toBe(true);
    for (const name of ["pass_words", "pass_words"]) expect(isSecretName(name)).toBe(false);
  });

  test("a secret in a member's name is found, and pointers are escaped", () => {
    const hit = `AKIA${repeat("A1", 8)}`;
    expect(findSecret({ "a/b~c": { [hit]: 1 } })).toEqual({ pointer: "/a~1b~0c", rule: "aws_access_key" });
  });
});

describe("redaction (D-091, decision 4.6)", () => {
  test.each(samples)("%s does not survive redaction", (_rule, hit) => {
    expect(findSecret(redact({ note: [hit], keep: 1 }))).toBeUndefined();
    expect(redactText(`before ${hit} after`)).toContain(REDACTED);
  });

  test("what holds no secret comes back as the same object", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const sample = { value: value as never };
        fc.pre(findSecret(sample) === undefined);
        expect(redact(sample)).toBe(sample);
      }),
    );
  });

  test("only the secret part of a text is replaced, and the whole value under a credential's name", () => {
    expect(redact({ log: `key AKIA${repeat("A1", 8)} used`, password: "hunter22hunter22" })).toEqual({
      log: `key ${REDACTED} used`,
      password: REDACTED,
    });
  });

  test("a secret member name is replaced, __proto__ stays data", () => {
    const hit = `AKIA${repeat("A1", 8)}`;
    expect(redact({ [hit]: 1, z: 2 })).toEqual({ z: 2, [REDACTED]: 1 });
    const hostile = JSON.parse(`{"__proto__":{"password":"abcdefghij"},"a":1}`) as never;
    expect(JSON.stringify(redact(hostile))).toBe(`{"__proto__":{"password":"${REDACTED}"},"a":1}`);
  });

  test("redacting twice changes nothing more", () => {
    const once = redact({ t: `Bearer ${repeat("t", 20)}`, password: "abcdefghij" });
    expect(redact(once)).toBe(once);
  });
});
