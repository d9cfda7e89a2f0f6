import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { allowAll, createCatalog, createRunseal, defineVerb } from "runseal";
import { migrate, postgresStores } from "runseal/postgres";
import type { PostgresTransaction } from "runseal/postgres";
import { OpenSchema } from "./open-schema.js";

const work = defineVerb({
  name: "rows.work",
  version: 1,
  effect: "write",
  recovery: "manual",
  transactional: true,
  args: z.object({ way: z.string() }),
  result: z.object({ done: z.boolean() }),
});

const schema = new OpenSchema();
const pool = schema.pool();
const rows = `"${schema.name}".host_rows`;

const ways: { readonly [way: string]: (tx: PostgresTransaction) => Promise<void> } = {
  "an error that was caught": async (tx) => {
    await tx.query(`INSERT INTO ${rows} (id) VALUES (0)`).catch(() => undefined);
  },
  "a constraint that was deferred": async (tx) => {
    await tx.query(`INSERT INTO ${rows} (id, parent) VALUES (1, 99)`);
  },
  "a commit behind another statement": async (tx) => {
    await tx.query(`INSERT INTO ${rows} (id) VALUES (2); COMMIT`);
  },
  "an error behind a savepoint": async (tx) => {
    await tx.query("SAVEPOINT mine");
    await tx.query(`INSERT INTO ${rows} (id) VALUES (0)`).catch(() => undefined);
    await tx.query("ROLLBACK TO mine");
    await tx.query(`INSERT INTO ${rows} (id) VALUES (3)`);
  },
};

const runseal = createRunseal({
  catalog: createCatalog({ verbs: [work] }),
  handlers: {
    "rows.work": async ({ way }, ctx) => {
      await ways[way]?.(ctx.tx as PostgresTransaction);
      return { done: true };
    },
  },
  stores: postgresStores(pool, { schema: schema.name }),
  policy: allowAll(),
});

async function resultOf(way: string): Promise<unknown> {
  const outcome = await runseal.compile({ name: "rows.work", args: { way } }, { intent: way });
  if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
  const run = await runseal.execute(outcome.runbook.id);
  const { status, failure } = { failure: null, ...(await run.result()) };
  expect((await runseal.verify(run.runId)).isSound).toBe(true);
  return { status, failure };
}

beforeAll(async () => {
  await migrate(pool, { schema: schema.name });
  await pool.query(`CREATE TABLE ${rows} (id integer PRIMARY KEY CHECK (id > 0),
    parent integer REFERENCES ${rows} (id) DEFERRABLE INITIALLY DEFERRED)`);
});
afterAll(async () => {
  await runseal.close();
  await schema.drop();
});

describe("what a transactional handler leaves that can't be committed fails its attempt, and the run ends (decision 3.12)", () => {
  test.each<readonly [way: string, code: string, message: RegExp]>([
    ["an error that was caught", "store.transaction_lost", /catching its error does not save the others/],
    ["a constraint that was deferred", "store.failed", /foreign key/],
    ["a commit behind another statement", "step.handler_threw", /multiple commands/],
  ])("%s", async (way, code, message) => {
    expect(await resultOf(way)).toMatchObject({
      status: "failed",
      failure: { code, message: expect.stringMatching(message) as string },
    });
    expect((await pool.query(`SELECT id FROM ${rows} WHERE id < 3`)).rows).toEqual([]);
  });

  test("and an error behind a savepoint does not", async () => {
    expect(await resultOf("an error behind a savepoint")).toMatchObject({ status: "completed" });
    expect((await pool.query(`SELECT id FROM ${rows} WHERE id = 3`)).rows).toEqual([{ id: 3 }]);
  });
});

test("a connection that is in no transaction is refused as what to enqueue in", async () => {
  const outcome = await runseal.compile({ name: "rows.work", args: { way: "none" } }, { intent: "none" });
  if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
  await expect(runseal.enqueue(pool, outcome.runbook.id)).rejects.toMatchObject({
    code: "run.invalid_option",
    details: { option: "tx" },
  });
});
