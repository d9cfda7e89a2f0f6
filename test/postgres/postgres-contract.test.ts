import { randomBytes } from "node:crypto";
import { Pool } from "pg";
import { afterAll, inject } from "vitest";
import type { Stores } from "../../src/stores/stores.js";
import type { PostgresTransaction } from "../../src/postgres/open-transaction.js";
import { migrate } from "../../src/postgres/migrate.js";
import { postgresStores } from "../../src/postgres/postgres-stores.js";
import { applicationName } from "../../src/postgres/session.js";
import { inSchema, schemaName } from "../../src/postgres/schema-name.js";
import { contractSuite, type OpenedEnv } from "../stores/contract-suite.js";
import { TurnedClock } from "../stores/turned-clock.js";

const STARTED_AT = 1_700_000_000_000;

/** Makes the schema's clock stand still until it is moved. */
const TURNED_CLOCK = `CREATE TABLE {{schema}}.turned_clock AS SELECT ${STARTED_AT}::bigint AS now;
  CREATE OR REPLACE FUNCTION {{schema}}.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT now FROM {{schema}}.turned_clock'`;
const HOST_ROWS = "CREATE TABLE {{schema}}.host_rows (key text PRIMARY KEY, value text NOT NULL)";
const END_SESSIONS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name IN ($1, $2)";
const LAST_LEASE = "SELECT max(lease_until) AS ends FROM {{schema}}.heads WHERE owner = $1";

function poolOf(name: string, max: number): Pool {
  const pool = new Pool({ connectionString: inject("databaseUrl"), max, application_name: name });
  pool.on("error", () => undefined);
  return pool;
}

// on a busy machine a schema takes some 80 ms to make and 25 ms to drop, a connection 20 ms: the cases share their connections
const bystander = poolOf("contract bystander", 2);
const shared = poolOf("contract stores", 12);
afterAll(async () => {
  for (const pool of [bystander, shared]) await pool.end();
});

async function openSchema(): Promise<OpenedEnv> {
  const schema = schemaName(`contract ${randomBytes(6).toString("hex")}`);
  const clock = new TurnedClock(STARTED_AT);
  await migrate(shared, { schema: schema.name });
  await bystander.query(inSchema(schema, `${TURNED_CLOCK}; ${HOST_ROWS}`));
  const options = { schema: schema.name, clock };
  const stores = postgresStores(shared, options);
  const others = new Map<Stores, Pool>();
  const advance = async (ms: number): Promise<void> => {
    await bystander.query(inSchema(schema, "UPDATE {{schema}}.turned_clock SET now = now + $1::bigint"), [ms]);
    clock.advance(ms);
  };
  return {
    stores,
    openAnother: async () => {
      // its sessions are called as it is called itself
      const owner = `another ${randomBytes(6).toString("hex")}`;
      const pool = poolOf(owner, 6);
      const other = postgresStores(pool, { ...options, owner });
      others.set(other, pool);
      return other;
    },
    advance,
    rows: {
      put: async (tx, key, value) => {
        await (tx as PostgresTransaction).query(inSchema(schema, "INSERT INTO {{schema}}.host_rows VALUES ($1, $2)"), [
          key,
          value,
        ]);
      },
      get: async (tx, key) => {
        const sql = inSchema(schema, "SELECT value FROM {{schema}}.host_rows WHERE key = $1");
        return (await (tx as PostgresTransaction).query(sql, [key])).rows[0]?.["value"] as string | undefined;
      },
    },
    // what a death comes to: its sessions end, and with them its locks; its leases end with their terms
    kill: async (dead) => {
      await bystander.query(END_SESSIONS, [dead.owner, applicationName(dead.owner)]);
      const { rows } = await bystander.query<{ ends: string | null }>(inSchema(schema, LAST_LEASE), [dead.owner]);
      await advance(Math.max(0, Number(rows[0]?.ends ?? 0) - clock.now()));
    },
    dispose: async () => {
      for (const each of [stores, ...others.keys()]) await each.close();
      for (const pool of others.values()) await pool.end();
      await bystander.query(inSchema(schema, "DROP SCHEMA {{schema}} CASCADE"));
    },
  };
}

contractSuite("postgres", openSchema);
