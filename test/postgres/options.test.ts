import { Pool } from "pg";
import { describe, expect, test } from "vitest";
import { inspectSchema, migrate, migrationSql, postgresLocks, postgresStores, roleSql } from "runseal/postgres";
import { freshSchema, testPool } from "./fresh-schema.js";

const refusedFor = (option: string): unknown =>
  expect.objectContaining({ code: "instance.misconfigured", details: { option } }) as unknown;
// never connected: whatever is asked of it is refused before
const idle = new Pool({ connectionString: "postgres://localhost:1/none" });

describe("options of the door to PostgreSQL that can't be right are refused by name, before anything is done (decision 4.8)", () => {
  test.each<readonly [options: unknown, option: string]>([
    [null, "options"],
    ["runseal", "options"],
    [{ schema: 5 }, "schema"],
    [{ schema: "x".repeat(64) }, "schema"],
    [{ migrate: "yes" }, "migrate"],
    [{ busyMs: 0 }, "busyMs"],
    [{ busyMs: "1" }, "busyMs"],
    [{ busyMs: Number.NaN }, "busyMs"],
    [{ statementMs: -1 }, "statementMs"],
    [{ statementMs: 2 ** 31 }, "statementMs"],
    [{ owner: "" }, "owner"],
    [{ owner: "a\0b" }, "owner"],
    [{ owner: "x".repeat(201) }, "owner"],
    [{ owner: 7 }, "owner"],
    [{ clock: {} }, "clock"],
    [{ session: "postgres://localhost" }, "session"],
    [{ schemaName: "x" }, "schemaName"],
  ])("postgresStores(pool, %j)", (options, option) => {
    expect(() => postgresStores(idle, options as object)).toThrow(refusedFor(option));
  });

  test.each<readonly [options: unknown, option: string]>([
    [null, "options"],
    ["other", "options"],
    [{ schema: {} }, "schema"],
    [{ verify: true }, "verify"],
    [{ verifyOnly: "yes" }, "verifyOnly"],
    [{ allowBreaking: 1 }, "allowBreaking"],
    [{ toString: 1 }, "toString"],
  ])("migrate(pool, %j)", async (options, option) => {
    await expect(migrate(idle, options as object)).rejects.toEqual(refusedFor(option));
  });

  test("of the others", async () => {
    await expect(inspectSchema(idle, { role: "x" } as object)).rejects.toEqual(refusedFor("role"));
    expect(() => postgresLocks(idle, { busyMs: -1 })).toThrow(refusedFor("busyMs"));
    expect(() => migrationSql(JSON.parse('"other"') as object)).toThrow(refusedFor("options"));
    expect(() => migrationSql({ version: 1 } as object)).toThrow(refusedFor("version"));
    expect(() => roleSql({} as { app: string })).toThrow(refusedFor("app"));
    expect(() => roleSql({ app: "a", application: "b" } as { app: string })).toThrow(refusedFor("application"));
  });

  test.each([undefined, null, {}, "postgres://localhost", 5])("%j is no pool", async (pool) => {
    const given = pool as Pool;
    expect(() => postgresStores(given)).toThrow(refusedFor("pool"));
    expect(() => postgresLocks(given)).toThrow(refusedFor("pool"));
    await expect(migrate(given)).rejects.toEqual(refusedFor("pool"));
    await expect(inspectSchema(given)).rejects.toEqual(refusedFor("pool"));
  });
});

test("whether to migrate when stores are opened may be said as yes or no", async () => {
  const pool = testPool();
  const schema = freshSchema(pool);
  const work = { scope: "default", queues: null };
  const verifying = postgresStores(pool, { schema, migrate: false });
  await expect(verifying.runs.nextWake(work)).rejects.toMatchObject({ code: "store.schema_older" });
  const migrating = postgresStores(pool, { schema, migrate: true });
  expect(await migrating.runs.nextWake(work)).toMatchObject({ at: null });
  for (const stores of [verifying, migrating]) await stores.close();
});
