import pg from "pg";
import { expect, inject, test } from "vitest";
import { createWorker } from "runseal";
import { migrate, postgresStores } from "runseal/postgres";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { openShop } from "../instance/shop.js";
import { freshSchema, testPool } from "./fresh-schema.js";

test("a pool that was ended under the stores is as closed stores are: calls say so at once, and workers end (reliability row 25)", async () => {
  const outer = testPool();
  const schema = freshSchema(outer);
  await migrate(outer, { schema });
  const pool = new pg.Pool({ connectionString: inject("databaseUrl"), max: 1 });
  const said: string[] = [];
  const stores = postgresStores(pool, { schema, busyMs: 300 });
  const { runseal } = openShop({ stores, logger: ({ message }) => said.push(message) });
  expect(await runseal.list()).toEqual([]);

  const client = await pool.connect();
  const waiting = runseal.list().catch((error: unknown) => error);
  const ended = pool.end();
  expect(await waiting).toMatchObject({ code: "store.closed", message: expect.stringContaining("the pool was ended") as string });
  client.release();
  await ended;
  await expect(runseal.list()).rejects.toMatchObject({ code: "store.closed" });

  const worker = createWorker(runseal, { pollMs: 1 });
  worker.start();
  await eventually("the worker has looked", () => said.some((line) => line.includes("could not look at the store")));
  await eventually("its heart has stopped", () => said.some((line) => line.includes("leave failed")));
  const { length } = said;
  await worker.drain();
  expect(said).toHaveLength(length);
  await runseal.close();
});
