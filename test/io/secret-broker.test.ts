import { describe, expect, test } from "vitest";
import type { SecretSource } from "../../src/io/secret-broker.js";
import { SecretBroker } from "../../src/io/secret-broker.js";
import { boxHeaderOf, openBox, sealBox } from "../../src/io/secret-box.js";

const key = new Uint8Array(32).fill(7);
const nonce = (byte: number): Uint8Array => new Uint8Array(12).fill(byte);
const place = { scope: "eu", runId: "run-1" };
const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);
const plain = new TextEncoder().encode("canary-4711");

describe("boxes for secret payloads (D-092, decision 4.2)", () => {
  const box = sealBox(plain, { id: "k1", key }, nonce(1), place);

  test("hold ciphertext alone and open with their key, at their place", () => {
    expect(text(openBox(box.bytes, key, place))).toBe("canary-4711");
    expect(Buffer.from(box.bytes).toString("latin1")).not.toContain("canary");
    expect(boxHeaderOf(box.bytes)?.header).toEqual({ keyId: "k1", nonce: "01".repeat(12), keyedDigest: box.keyedDigest });
    expect(text(openBox(sealBox(new Uint8Array(), { id: "k1", key }, nonce(1), place).bytes, key, place))).toBe("");
  });

  test("do not open with another key, elsewhere, or when any byte of them has changed", () => {
    expect(openBox(box.bytes, new Uint8Array(32), place)).toBeUndefined();
    expect(openBox(box.bytes, key, { ...place, runId: "run-2" })).toBeUndefined();
    expect(openBox(box.bytes, key, { ...place, scope: "us" })).toBeUndefined();
    for (let index = 0; index < box.bytes.length; index += 1) {
      const changed = Uint8Array.from(box.bytes, (byte, at) => (at === index ? byte ^ 1 : byte));
      expect(openBox(changed, key, place)).toBeUndefined();
    }
    for (const length of [0, 10, 100, box.bytes.length - 1])
      expect(openBox(box.bytes.subarray(0, length), key, place)).toBeUndefined();
  });

  test("of equal content have equal keyed digests and different bytes; of another key or scope they say nothing", () => {
    const again = sealBox(plain, { id: "k1", key }, nonce(2), { ...place, runId: "run-2" });
    expect(again.keyedDigest).toBe(box.keyedDigest);
    expect(Buffer.from(again.bytes).equals(Buffer.from(box.bytes))).toBe(false);
    expect(sealBox(plain, { id: "k1", key: new Uint8Array(32) }, nonce(1), place).keyedDigest).not.toBe(box.keyedDigest);
    expect(sealBox(plain, { id: "k1", key }, nonce(1), { ...place, scope: "us" }).keyedDigest).not.toBe(box.keyedDigest);
  });
});

describe("the broker of secrets (D-090, decision 4.6)", () => {
  const vault: SecretSource = {
    resolve: (name, { scope }): string => {
      if (name === "odd") return 7 as never;
      if (name === "lone") return "\ud800-canary-canary";
      if (name === "throws") throw new Error("canary-4711");
      return { bank: `${scope}-canary-4711`, empty: "" }[name] ?? (undefined as never);
    },
  };

  test("hands values out by scope and knows them from then on", async () => {
    const broker = new SecretBroker(vault);
    expect(broker.known("eu").isEmpty).toBe(true);
    expect(await broker.resolve("eu", "bank")).toBe("eu-canary-4711");
    expect(broker.known("eu").isIn("it is eu-canary-4711")).toBe(true);
    expect(broker.known("us").isEmpty).toBe(true);
    expect(await broker.isResolvable("eu", "bank")).toBe(true);
  });

  test.each(["odd", "lone", "empty", "missing", "throws", "no name", "", 7 as never])(
    "%j is not resolved, and nothing of it is repeated",
    async (name) => {
      const error: unknown = await new SecretBroker(vault).resolve("eu", name).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "secret.unresolved" });
      expect(String((error as Error).stack) + String((error as Error).cause)).not.toContain("canary");
      expect(await new SecretBroker(vault).isResolvable("eu", name)).toBe(false);
    },
  );

  test("asks `has` where the host has it, and takes nothing but true for a yes", async () => {
    const asked: string[] = [];
    const answers: Record<string, unknown> = { yes: true, no: false, odd: 1, later: Promise.resolve(true) };
    const broker = new SecretBroker({
      resolve: () => "never asked for",
      has: (name, { scope }) => {
        asked.push(`${scope}/${name}`);
        if (name === "throws") throw new Error("canary");
        return answers[name] as boolean;
      },
    });
    const found = await Promise.all(["yes", "no", "odd", "later", "throws"].map((name) => broker.isResolvable("eu", name)));
    expect(found).toEqual([true, false, false, true, false]);
    expect(asked[0]).toBe("eu/yes");
    expect(broker.known("eu").isEmpty).toBe(true);
  });

  test("encrypts with the key of now and decrypts with the key that was named (D-092)", async () => {
    const keys: Record<string, Uint8Array> = { old: new Uint8Array(32).fill(1), now: new Uint8Array(32).fill(2) };
    let current = "old";
    const broker = new SecretBroker({ resolve: () => "", key: (id = current) => ({ id, key: keys[id] ?? new Uint8Array() }) });
    const first = await broker.seal(plain, nonce(1), place);
    current = "now";
    const second = await broker.seal(plain, nonce(2), place);
    expect([first.keyId, second.keyId]).toEqual(["old", "now"]);
    expect(text(await broker.open(first.bytes, place))).toBe("canary-4711");
    keys["old"] = new Uint8Array(32).fill(3);
    await expect(broker.open(first.bytes, place)).rejects.toMatchObject({ code: "secret.key_wrong", details: { keyId: "old" } });
    await expect(broker.open(second.bytes, { ...place, runId: "run-2" })).rejects.toMatchObject({ code: "secret.key_wrong" });
    delete keys["now"];
    await expect(broker.open(second.bytes, place)).rejects.toMatchObject({
      code: "secret.key_missing",
      details: { keyId: "now" },
    });
  });

  const keyless: readonly (readonly [string, SecretSource | undefined])[] = [
    ["no source", undefined],
    ["no key", { resolve: () => "" }],
    [
      "a key that throws",
      {
        resolve: () => "",
        key: () => {
          throw new Error("canary");
        },
      },
    ],
    ["a short key", { resolve: () => "", key: () => ({ id: "k", key: new Uint8Array(16) }) }],
    ["a bad id", { resolve: () => "", key: () => ({ id: "a b", key }) }],
    ["no object", { resolve: () => "", key: () => null as never }],
    ["half of one", { resolve: () => "", key: () => ({ id: "k" }) as never }],
    ["odd types", { resolve: () => "", key: () => ({ id: 7, key: "k" }) as never }],
  ];
  test.each(keyless)("with %s nothing is encrypted (D-092)", async (_what, source) => {
    const sealed = new SecretBroker(source).seal(plain, nonce(1), place);
    await expect(sealed).rejects.toMatchObject({ code: "secret.key_missing", details: { keyId: null } });
  });

  test("a host that answers with another key than was asked for is not believed (D-092)", async () => {
    const { bytes } = sealBox(plain, { id: "k1", key }, nonce(1), place);
    const broker = new SecretBroker({ resolve: () => "", key: () => ({ id: "k2", key }) });
    await expect(broker.open(bytes, place)).rejects.toMatchObject({ code: "secret.key_missing", details: { keyId: "k1" } });
  });
});
