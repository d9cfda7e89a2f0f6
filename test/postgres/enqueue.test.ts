import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { allowAll, createCatalog, createRunseal, defineVerb } from "runseal";
import { migrate, postgresStores } from "runseal/postgres";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { OpenSchema } from "./open-schema.js";

const note = defineVerb({
  name: "note.take",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ text: z.string() }),
  result: z.object({ text: z.string() }),
});

const catalog = createCatalog({ verbs: [note] });
const schema = new OpenSchema();
const pool = schema.pool();
const stores = postgresStores(pool, { schema: schema.name });
const runseal = createRunseal({
  catalog,
  handlers: { "note.take": async ({ text }) => ({ text }) },
  stores,
  policy: allowAll(),
});
const table = `${pg.escapeIdentifier(schema.name)}.orders`;

/** A sealed runbook that nobody has run. */
async function sealed(text: string): Promise<string> {
  const outcome = await runseal.compile({ name: "note.take", args: { text } }, { intent: text });
  if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
  return outcome.runbook.id;
}

/** Does something in a transaction of the host's. */
async function within<T>(end: "COMMIT" | "ROLLBACK", work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const value = await work(client);
    await client.query(end);
    return value;
  } finally {
    client.release();
  }
}

beforeAll(async () => {
  await migrate(pool, { schema: schema.name });
  await pool.query(`CREATE TABLE ${table} (id text PRIMARY KEY)`);
});
afterAll(async () => {
  await runseal.close();
  await schema.drop();
});

describe("enqueue over PostgreSQL (decision 3.12, A-125)", () => {
  test("the run is there with the host's row, or neither is", async () => {
    const id = await sealed("both");
    const lost = await within("ROLLBACK", async (client) => {
      await client.query(`INSERT INTO ${table} VALUES ('o-1')`);
      return (await runseal.enqueue(client, id)).runId;
    });
    await expect(runseal.status(lost)).rejects.toMatchObject({ code: "run.not_found" });
    const kept = await within("COMMIT", async (client) => {
      await client.query(`INSERT INTO ${table} VALUES ('o-1')`);
      return (await runseal.enqueue(client, id)).runId;
    });
    expect((await runseal.status(kept)).status).toBe("queued");
    expect((await pool.query(`SELECT id FROM ${table}`)).rows).toEqual([{ id: "o-1" }]);
  });

  test("who watches in this process hears of it when the host commits, whichever connection of the pool that was on", async () => {
    const other = postgresStores(pool, { schema: schema.name });
    const heard = [new Set<string>(), new Set<string>()];
    const watchers = [stores, other].map((each, place) =>
      each.watch((change) => heard[place]?.add(change?.stream ?? "anything")),
    );
    const enqueued = async (text: string): Promise<string> => {
      const id = await sealed(text);
      const { runId } = await within("COMMIT", (client) => runseal.enqueue(client, id));
      return `run/${runId}`;
    };
    // what was said before they listened is no promise
    let tries = 0;
    await eventually("both listen", async () => {
      await enqueued(`first ${(tries += 1)}`);
      return heard.every((each) => each.size > 0);
    });
    // more than one, so that the connections take turns
    for (const text of ["heard 1", "heard 2", "heard 3"]) {
      const stream = await enqueued(text);
      await eventually(`"${text}" is heard of by both`, () => heard.every((each) => each.has(stream)));
    }
    for (const stop of watchers) stop();
    await other.close();
  });

  test("handles of other libraries fit by their shape", async () => {
    const shapes: Record<string, (client: pg.PoolClient) => unknown> = {
      rows: (client) => ({
        query: async (text: string, values: unknown[]) => (await client.query(text, values)).rows as unknown[],
      }),
      // as Kysely's executeQuery answers, and Knex' raw
      object: (client) => ({ query: (text: string, values: unknown[]) => client.query(text, values) }),
      prisma: (client) => ({
        $queryRawUnsafe: async (text: string, ...values: unknown[]) => (await client.query(text, values)).rows as unknown[],
      }),
    };
    for (const [shape, handle] of Object.entries(shapes)) {
      const id = await sealed(shape);
      const { runId } = await within("COMMIT", (client) => runseal.enqueue(handle(client), id));
      expect((await runseal.status(runId)).runbookId).toBe(id);
    }
  });

  test("needs no second connection: as many transactions as the pool has connections enqueue at a time (reliability row 25)", async () => {
    const small = schema.pool({ max: 2 });
    const ids = [await sealed("one of two"), await sealed("two of two")];
    const ofSmall = createRunseal({ catalog, stores: postgresStores(small, { schema: schema.name, busyMs: 2_000 }) });
    await ofSmall.list(); // the schema was looked at
    const clients = [await small.connect(), await small.connect()];
    for (const client of clients) await client.query("BEGIN");
    const runs = await Promise.all(
      ids.map((id, place) => ofSmall.enqueue(clients[place], id, { dedupKey: `small-${place}` }).then(({ runId }) => runId)),
    );
    await expect(ofSmall.enqueue(clients[0], ids[1] ?? "", { dedupKey: "small-0" })).rejects.toMatchObject({
      code: "run.dedup_conflict",
      details: { runId: runs[0] },
    });
    for (const client of clients) {
      await client.query("COMMIT");
      client.release();
    }
    expect(await Promise.all(runs.map(async (runId) => (await runseal.status(runId)).runbookId))).toEqual(ids);
    await ofSmall.close();
  });

  test("finds a runbook that was sealed after the transaction took its snapshot", async () => {
    const runId = await within("COMMIT", async (client) => {
      await client.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      await client.query(`SELECT FROM ${table}`);
      return (await runseal.enqueue(client, await sealed("later than the snapshot"))).runId;
    });
    expect((await runseal.status(runId)).status).toBe("queued");
  });

  test("a second one in the same transaction gives the run that is there, and spoils nothing", async () => {
    const id = await sealed("twice");
    const [first, second] = await within("COMMIT", async (client) => [
      (await runseal.enqueue(client, id)).runId,
      (await runseal.enqueue(client, id)).runId,
    ]);
    expect(second).toBe(first);
  });

  test("what is no transaction is refused", async () => {
    const id = await sealed("refused");
    for (const tx of [{}, "tx", 7, { query: "text" }, { query: () => Promise.resolve(undefined) }]) {
      await expect(runseal.enqueue(tx, id)).rejects.toMatchObject({ code: "run.invalid_option", details: { option: "tx" } });
    }
    await expect(runseal.submit(id)).resolves.toBeDefined();
  });
});
