import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { PoolClient } from "pg";
import { Client } from "pg";
import { describe, expect, inject, test } from "vitest";
import { RunsealError } from "../../src/errors/error.js";
import { migrate } from "../../src/postgres/migrate.js";
import { sqlFailure } from "../../src/postgres/postgres-error.js";
import { freePort } from "./free-port.js";
import { freshSchema, testPool } from "./fresh-schema.js";
import { asRole } from "./roles.js";

/** What a promise was rejected with. */
async function thrownBy(asked: Promise<unknown>): Promise<unknown> {
  return asked.then(
    () => expect.unreachable("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
}

/** What a statement is refused with, on a connection that is thrown away. */
async function refused(...texts: readonly string[]): Promise<unknown> {
  const client = new Client({ connectionString: inject("databaseUrl") });
  client.on("error", () => undefined);
  await client.connect();
  try {
    for (const text of texts.slice(0, -1)) await client.query(text).catch(() => undefined);
    return await thrownBy(client.query(texts.at(-1) ?? ""));
  } finally {
    await client.end();
  }
}

const raised = (state: string): string => `DO $$ BEGIN RAISE EXCEPTION 'so it is' USING ERRCODE = '${state}'; END $$`;
const deep = `SELECT ('${"[".repeat(60_000)}${"]".repeat(60_000)}')::jsonb`;

describe("what a SQLSTATE means (reliability: error codes to map)", () => {
  test.each<readonly [state: string, kind: string, code: string, texts: readonly string[]]>([
    ["08000", "unknown", "store.connection_lost", [raised("08000")]],
    ["08001", "before", "store.connection_lost", [raised("08001")]],
    ["08003", "unknown", "store.connection_lost", [raised("08003")]],
    ["08004", "before", "store.connection_lost", [raised("08004")]],
    ["08006", "unknown", "store.connection_lost", [raised("08006")]],
    ["08007", "unknown", "store.connection_lost", [raised("08007")]],
    ["57P01", "unknown", "store.connection_lost", ["SELECT pg_terminate_backend(pg_backend_pid())"]],
    ["57P02", "unknown", "store.connection_lost", [raised("57P02")]],
    ["57P03", "before", "store.connection_lost", [raised("57P03")]],
    ["57P05", "unknown", "store.connection_lost", [raised("57P05")]],
    ["53100", "final", "store.full", [raised("53100")]],
    ["53200", "final", "store.out_of_memory", [raised("53200")]],
    ["54001", "final", "store.too_complex", [deep]],
    ["22P02", "final", "store.not_storable", ["SELECT 'x'::integer"]],
    ["22P05", "final", "store.not_storable", [`SELECT '"\\u0000"'::jsonb`]],
    ["22021", "final", "store.not_storable", ["SELECT E'\\xff'"]],
    ["25P02", "final", "store.transaction_lost", ["BEGIN", "SELECT 1/0", "SELECT 1"]],
    ["25006", "final", "store.read_only", ["SET default_transaction_read_only = on", "CREATE TABLE never (n integer)"]],
    ["3F000", "final", "store.schema_mismatch", ["CREATE TABLE no_such_schema.t (n integer)"]],
    ["42P01", "final", "store.schema_mismatch", ["SELECT * FROM no_such_table"]],
    ["42703", "final", "store.schema_mismatch", ["SELECT no_such_column FROM pg_class"]],
    ["42883", "final", "store.schema_mismatch", ["SELECT no_such_function(1)"]],
    ["57014", "final", "store.canceled", ["SET statement_timeout = 5", "SELECT pg_sleep(10)"]],
    ["22012", "final", "store.failed", ["SELECT 1/0"]],
  ])("%s: %s, %s", async (state, kind, code, texts) => {
    const thrown = await refused(...texts);
    expect(thrown).toMatchObject({ code: state });
    const failure = sqlFailure(thrown, "the.call");
    expect(failure).toMatchObject({ kind, error: { code, cause: thrown, details: { call: "the.call" } } });
    const withoutState = ["store.full", "store.failed"];
    if (!withoutState.includes(code)) expect(failure.error.details).toMatchObject({ sqlState: state });
  });

  test("40001, a conflict of transactions: before", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    await pool.query(`CREATE SCHEMA "${schema}"; CREATE TABLE "${schema}".t (n integer); INSERT INTO "${schema}".t VALUES (1)`);
    const [one, other] = await Promise.all([pool.connect(), pool.connect()]);
    await one.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await one.query(`SELECT * FROM "${schema}".t`);
    await other.query(`UPDATE "${schema}".t SET n = 2`);
    expectBefore(await thrownBy(one.query(`UPDATE "${schema}".t SET n = 3`)), "40001", "store.contention");
    await one.query("ROLLBACK");
    one.release();
    other.release();
  });

  test("40P01, a deadlock: before", async () => {
    const pool = testPool();
    const clients = await Promise.all([pool.connect(), pool.connect()]);
    const key = randomBytes(3).readUIntBE(0, 3);
    const lock = async (client: PoolClient, n: number): Promise<unknown> =>
      client.query(`SELECT pg_advisory_xact_lock(${key}, ${n})`);
    await Promise.all(clients.map((client) => client.query("BEGIN; SET LOCAL deadlock_timeout = 20")));
    await Promise.all(clients.map((client, n) => lock(client, n)));
    const ends = await Promise.allSettled(clients.map((client, n) => lock(client, 1 - n)));
    const losers = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []));
    expect(losers).toHaveLength(1);
    expectBefore(losers[0], "40P01", "store.contention");
    for (const client of clients) {
      await client.query("ROLLBACK");
      client.release();
    }
  });

  test("55P03, a lock that was not given: before", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    await pool.query(`CREATE SCHEMA "${schema}"; CREATE TABLE "${schema}".t (n integer)`);
    const holder = await pool.connect();
    await holder.query(`BEGIN; LOCK TABLE "${schema}".t`);
    expectBefore(await refused("BEGIN", `LOCK TABLE "${schema}".t NOWAIT`), "55P03", "store.contention");
    expectBefore(await refused("SET lock_timeout = 5", `SELECT * FROM "${schema}".t`), "55P03", "store.contention");
    await holder.query("ROLLBACK");
    holder.release();
  });

  test("23505, somebody else was first: before, so that it is looked at again", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    await migrate(pool, { schema });
    const insert = `INSERT INTO "${schema}".spent_tokens VALUES ('s', 't', 'run/x', 0)`;
    await pool.query(insert);
    expectBefore(await thrownBy(pool.query(insert)), "23505", "store.contention");
  });

  test("53300, no connection left for the role: before", async () => {
    const pool = testPool();
    const role = `limited_${randomBytes(4).toString("hex")}`;
    await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'p' CONNECTION LIMIT 0`);
    const limited = testPool({ connectionString: asRole(role) });
    expectBefore(await thrownBy(limited.query("SELECT 1")), "53300", "store.too_many_connections");
    await pool.query(`DROP ROLE ${role}`);
  });

  test("54000, an index entry too large: final", async () => {
    const pool = testPool();
    const schema = freshSchema(pool);
    await migrate(pool, { schema });
    const name = randomBytes(20_000).toString("hex");
    const thrown = await thrownBy(pool.query(`INSERT INTO "${schema}".streams (scope, stream) VALUES ('s', $1)`, [name]));
    expect(sqlFailure(thrown, "c")).toMatchObject({
      kind: "final",
      error: { code: "store.too_complex", details: { sqlState: "54000" } },
    });
  });

  test("22021, NUL in a value: final", async () => {
    const thrown = await thrownBy(testPool().query("SELECT $1::text", ["nul\0"]));
    expect(sqlFailure(thrown, "c")).toMatchObject({
      kind: "final",
      error: { code: "store.not_storable", details: { sqlState: "22021" } },
    });
  });

  test("25P03, idle in a transaction for too long: final; what comes after finds the connection lost", async () => {
    const client = new Client({ connectionString: inject("databaseUrl") });
    const heard = new Promise<unknown>((resolve) => client.once("error", resolve));
    client.on("error", () => undefined);
    await client.connect();
    await client.query("SET idle_in_transaction_session_timeout = 5");
    await client.query("BEGIN");
    const thrown = await heard;
    expect(sqlFailure(thrown, "c")).toMatchObject({
      kind: "final",
      error: { code: "store.transaction_lost", details: { sqlState: "25P03" } },
    });
    const after = await thrownBy(client.query("COMMIT"));
    expect(sqlFailure(after, "c")).toMatchObject({
      kind: "unknown",
      error: { code: "store.connection_lost", details: { sqlState: null } },
    });
    await client.end();
  });

  test("42501, no right: final", async () => {
    const pool = testPool();
    const role = `poor_${randomBytes(4).toString("hex")}`;
    const schema = freshSchema(pool);
    await migrate(pool, { schema });
    await pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'p'`);
    const poor = testPool({ connectionString: asRole(role) });
    const thrown = await thrownBy(poor.query(`SELECT * FROM "${schema}".heads`));
    expect(sqlFailure(thrown, "c")).toMatchObject({
      kind: "final",
      error: { code: "store.permission", details: { sqlState: "42501" } },
    });
    await poor.query("SELECT 1");
    await pool.query(`DROP ROLE ${role}`);
  });

  test("what our own functions raise: append-only, a chain that does not go on, a message that is not there", async () => {
    const appendOnly = sqlFailure(Object.assign(new Error("inbox is append-only"), { code: "RS001" }), "c");
    expect(appendOnly).toMatchObject({ kind: "final", error: { code: "store.append_only", details: { table: "inbox" } } });
    const detail = JSON.stringify({ stream: "run/x", seq: 7 });
    const broken = sqlFailure(Object.assign(new Error("no"), { code: "RS002", detail }), "c");
    expect(broken).toMatchObject({
      kind: "final",
      error: { code: "store.corrupt", details: { what: "event", id: "run/x", seq: 7 } },
    });
    const missing = sqlFailure(Object.assign(new Error("no message"), { code: "RS003" }), "c");
    expect(missing).toMatchObject({ kind: "final", error: { code: "internal.invariant", details: { rule: "no message" } } });
  });
});

describe("what is no SQLSTATE", () => {
  test("a port where nobody listens: before", async () => {
    const port = await freePort();
    const thrown = await thrownBy(new Client({ host: "127.0.0.1", port, user: "u", database: "d" }).connect());
    expectBefore(thrown, "ECONNREFUSED", "store.connection_lost");
    expectBefore(await thrownBy(socketTo(port)), "ECONNREFUSED", "store.connection_lost");
  });

  test.each(["ECONNRESET", "EPIPE", "ETIMEDOUT", "ENETRESET", "ENETUNREACH", "EHOSTUNREACH", "ENETDOWN"])(
    "%s: unknown",
    (code) => {
      const failure = sqlFailure(Object.assign(new Error("gone"), { code }), "c");
      expect(failure).toMatchObject({
        kind: "unknown",
        error: { code: "store.connection_lost", details: { call: "c", sqlState: code } },
      });
    },
  );

  test.each(["ENOTFOUND", "EAI_AGAIN", "ENOENT"])("%s: before", (code) => {
    expectBefore(Object.assign(new Error("nowhere"), { code }), code, "store.connection_lost");
  });

  test.each([
    "Connection terminated unexpectedly",
    "Connection terminated due to connection timeout",
    "Client has encountered a connection error and is not queryable",
    "Client was closed and is not queryable",
  ])("pg says %j without a code: unknown", (message) => {
    expect(sqlFailure(new Error(message), "c")).toMatchObject({ kind: "unknown", error: { code: "store.connection_lost" } });
  });

  test("errors of this package pass through", () => {
    const error = new RunsealError("store.closed", "closed", { call: "c" });
    expect(sqlFailure(error, "c")).toEqual({ kind: "final", error });
  });

  test.each([undefined, null, "text", 42, {}, { code: 5, message: 7 }, Object.create(null), new Error("")])(
    "%j thrown: final",
    (thrown) => {
      expect(sqlFailure(thrown, "c")).toMatchObject({ kind: "final", error: { code: "store.failed", details: { call: "c" } } });
    },
  );
});

function expectBefore(thrown: unknown, state: string, code: string): void {
  expect(sqlFailure(thrown, "c")).toMatchObject({
    kind: "before",
    error: { code, cause: thrown, details: { call: "c", sqlState: state } },
  });
}

function socketTo(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    connect(port, "127.0.0.1", resolve).on("error", reject);
  });
}
