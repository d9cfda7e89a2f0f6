import { describe, expect, test } from "vitest";
import { memoryStores } from "../../src/stores/memory/memory-stores.js";
import { MemoryTransaction } from "../../src/stores/memory/memory-transaction.js";
import type { Stores } from "../../src/stores/stores.js";
import { storeContract } from "../../src/testing/store-contract/store-contract.js";
import { contractSuite, type OpenedEnv } from "./contract-suite.js";
import { TurnedClock } from "./turned-clock.js";

async function openMemory(): Promise<OpenedEnv> {
  const clock = new TurnedClock(1_700_000_000_000);
  const dead = new Set<string>();
  const stores = memoryStores({ clock, ownerAlive: (owner) => !dead.has(owner) });
  const opened: Stores[] = [stores];
  const table = new Map<string, string>();
  return {
    stores,
    openAnother: async () => {
      const other = memoryStores({ sharedWith: stores });
      opened.push(other);
      return other;
    },
    advance: (ms) => clock.advance(ms),
    rows: {
      put: (tx, key, value) => memoryTx(tx).set(table, key, value),
      get: (_tx, key) => table.get(key),
    },
    kill: ({ owner }) => {
      dead.add(owner);
    },
    dispose: async () => {
      for (const each of opened) await each.close();
    },
  };
}

function memoryTx(tx: unknown): MemoryTransaction {
  if (!(tx instanceof MemoryTransaction)) throw new TypeError("no transaction of memory");
  return tx;
}

contractSuite("memory", openMemory);

describe("the contract", () => {
  test("has cases for every port, each with a name of its own", () => {
    expect(storeContract.length).toBeGreaterThan(70);
    expect(new Set(storeContract.map(({ port, name }) => `${port} ${name}`)).size).toBe(storeContract.length);
  });

  test("leaves nothing out on memory", async () => {
    for (const each of storeContract) {
      const env = await openMemory();
      expect(await each.run(env)).toBeUndefined();
      await env.dispose();
    }
  });

  test("leaves out, with a reason, what stores without a clock, a killer or locks can't show", async () => {
    const skipped: string[] = [];
    for (const each of storeContract) {
      const { stores, openAnother, dispose } = await openMemory();
      const { locks: _locks, ...unlocked } = stores;
      const outcome = await each.run({ stores: unlocked, openAnother });
      if (outcome !== undefined) skipped.push(outcome.skipped);
      await dispose();
    }
    expect(new Set(skipped)).toEqual(
      new Set([
        "the clock of these stores can't be moved",
        "no owner of these stores can be made to count as gone",
        "these stores bring no locks",
        "these stores come without a table of the host's own",
      ]),
    );
  });
});

describe("memoryStores", () => {
  test("share nothing unless told to", async () => {
    const [one, two] = [memoryStores(), memoryStores()];
    await one.artifacts.put("default", {
      id: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      kind: "empty",
      bytes: new Uint8Array(0),
    });
    expect(
      await two.artifacts.get("default", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ).toBeUndefined();
  });

  test("refuses to share with other stores, and a caller's transaction", async () => {
    const stores = memoryStores();
    expect(() => memoryStores({ sharedWith: { ...stores } })).toThrow("sharedWith was made by memoryStores");
    await expect(stores.events.commit([], { tx: {} })).rejects.toMatchObject({ code: "run.invalid_option" });
  });

  test("keeps the time of this machine unless given another", async () => {
    const before = Date.now();
    const now = await memoryStores().leases.now();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
  });
});
