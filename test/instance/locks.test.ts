import { describe, expect, test } from "vitest";
import { memoryStores } from "runseal";
import type { LockedEntity, Stores } from "runseal";
import { postgresStores } from "../../src/postgres/postgres-stores.js";
import { freshSchema, testPool } from "../postgres/fresh-schema.js";
import { openForTest } from "../sqlite/filled-stores.js";
import { openShop } from "./shop.js";

const KINDS: readonly (readonly [string, () => Stores])[] = [
  ["memory", () => memoryStores()],
  ["SQLite", () => openForTest(":memory:")],
  [
    "PostgreSQL",
    () => {
      const pool = testPool();
      return postgresStores(pool, { schema: freshSchema(pool), migrate: "auto" });
    },
  ],
];

describe.each(KINDS)("locks over %s", (_kind, make) => {
  test("are listed while host code holds them, each with its holder and for its scope alone, and are gone after it", async () => {
    const { runseal, stores } = openShop({ stores: make() });
    const other = runseal.withScope("other");
    const entities = [
      { kind: "order", id: "o-2" },
      { kind: "order", id: "o-1" },
      { kind: "item", id: "pen", access: "read" },
    ] as const;
    const listed = await runseal.withLocks(entities, async () => {
      await other.withLocks([{ kind: "order", id: "o-1" }], async () => {
        expect((await other.locks()).map(({ scope, kind, id }) => [scope, kind, id])).toEqual([["other", "order", "o-1"]]);
      });
      return runseal.locks();
    });
    expect(listed.map(({ kind, id, access }) => [kind, id, access])).toEqual([
      ["item", "pen", "read"],
      ["order", "o-1", "write"],
      ["order", "o-2", "write"],
    ]);
    expect(new Set(listed.map(({ holder }) => holder))).toEqual(new Set([stores.owner]));
    expect(listed.every(({ runId, scope }) => runId.startsWith("host-") && scope === "default")).toBe(true);
    expect(await runseal.locks()).toEqual([]);
    await runseal.close();
  });
});

test.each<readonly [entities: unknown, option: string]>([
  [null, "entities"],
  [["order"], "entities[0]"],
  [[{ kind: "order", id: "o-1" }, { kind: "order" }], "entities[1].id"],
  [[{ kind: "", id: "o-1" }], "entities[0].kind"],
  [[{ kind: "order", id: "o-1", access: "exclusive" }], "entities[0].access"],
])("withLocks refuses %j by name", async (entities, option) => {
  const { runseal } = openShop();
  const asked = runseal.withLocks(entities as readonly LockedEntity[], () => Promise.resolve(1));
  await expect(asked).rejects.toMatchObject({ code: "run.invalid_option", details: { option } });
});

test("stores without a lock manager hold nothing; one that can't list is said to be the trouble", async () => {
  const { locks, ...without } = memoryStores();
  expect(await openShop({ stores: without }).runseal.locks()).toEqual([]);
  const bare = { acquire: locks.acquire.bind(locks), holder: locks.holder.bind(locks) };
  await expect(openShop({ stores: { ...without, locks: bare } }).runseal.locks()).rejects.toMatchObject({
    code: "instance.misconfigured",
    details: { option: "stores" },
  });
});
