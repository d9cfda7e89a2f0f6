import type { Pool } from "pg";
import { describe, expect, test } from "vitest";
import type { RunbookId } from "../../src/model/ids.js";
import { sha256Hex } from "../../src/json/digest.js";
import { Database } from "../../src/postgres/database.js";
import { migrateSchema } from "../../src/postgres/migrate.js";
import { PostgresArtifactStore } from "../../src/postgres/postgres-artifact-store.js";
import { PostgresInbox } from "../../src/postgres/postgres-inbox.js";
import { PostgresLeaseStore } from "../../src/postgres/postgres-lease-store.js";
import { PostgresProjections } from "../../src/postgres/postgres-projections.js";
import { PostgresRunbookStore } from "../../src/postgres/postgres-runbook-store.js";
import { PostgresRunIndex } from "../../src/postgres/postgres-run-index.js";
import { PostgresTransactions } from "../../src/postgres/postgres-transactions.js";
import { inSchema, schemaName } from "../../src/postgres/schema-name.js";
import { Listeners } from "../../src/stores/listeners.js";
import { systemClock } from "../../src/time/clock.js";
import { sampleRunbook } from "../../src/testing/store-contract/sample-runbook.js";
import { freshSchema, testPool } from "./fresh-schema.js";

/** A database whose schema is made by the first call. */
function databaseOn(pool: Pool, schema: string): Database {
  const prepare = async (database: Database): Promise<void> => {
    await migrateSchema(database);
  };
  return new Database({ pool, schema: schemaName(schema), busyMs: 5_000, statementMs: 20_000, prepare });
}

interface SmallStores {
  readonly runbooks: PostgresRunbookStore;
  readonly artifacts: PostgresArtifactStore;
  readonly inbox: PostgresInbox;
  readonly leases: PostgresLeaseStore;
  readonly runs: PostgresRunIndex;
  readonly projections: PostgresProjections;
}

function storesOn(database: Database): SmallStores {
  const transactions = new PostgresTransactions(database, new Listeners(), systemClock);
  return {
    runbooks: new PostgresRunbookStore(database, transactions),
    artifacts: new PostgresArtifactStore(database),
    inbox: new PostgresInbox(database, new Listeners()),
    leases: new PostgresLeaseStore(database),
    runs: new PostgresRunIndex(database, transactions),
    projections: new PostgresProjections(database),
  };
}

const BYTES = Uint8Array.from([1, 2, 3]);
const artifact = { id: sha256Hex(BYTES), kind: "note", bytes: BYTES };

describe("stores of any schema name", () => {
  test.each(['we"ird', "with.dot", "it's", "$1 {{name}} $& $$", `${"x".repeat(60)}\u20ac`])(
    "%j keeps what is its own (decision 4.8)",
    async (name) => {
      const pool = testPool({ max: 4 });
      const schema = freshSchema(pool, name);
      const stores = storesOn(databaseOn(pool, schema));
      const others = storesOn(databaseOn(pool, freshSchema(pool)));
      const runbook = sampleRunbook(name);
      expect(await stores.runbooks.put(runbook)).toEqual({ isNew: true });
      await stores.artifacts.put("default", artifact);
      expect(await stores.runbooks.recordVersion("default", "session", runbook.id)).toBe(1);
      expect((await stores.runbooks.get("default", runbook.id))?.id).toBe(runbook.id);
      expect(await stores.projections.rebuild("default")).toEqual({ streams: 0 });
      expect(await stores.runs.due({ scope: null, queues: null, limit: 1 })).toEqual([]);
      expect((await stores.runs.nextWake({ scope: null, queues: null })).at).toBeNull();
      expect(await others.runbooks.get("default", runbook.id)).toBeUndefined();
      expect(await others.artifacts.get("default", artifact.id)).toBeUndefined();
    },
  );
});

describe("names that PostgreSQL would refuse, or turn into others", () => {
  test.each(["a\u0000", "a\ud800", "\udc00a"])("are refused before they reach the server: %j", async (odd) => {
    const pool = testPool({ max: 1 });
    const database = databaseOn(pool, freshSchema(pool));
    const { runbooks, artifacts, inbox, leases, runs, projections } = storesOn(database);
    const id: RunbookId = `rb_${"0".repeat(64)}`;
    const query = { scope: null, queues: null, limit: 1 };
    const limit = { queue: "q", label: odd, running: 1, starts: null };
    const message = { scope: "s", runId: "r", key: "k", kind: "signal", payload: 1 } as const;
    const calls: readonly (() => Promise<unknown>)[] = [
      () => runbooks.get(odd, id),
      () => runbooks.documents(odd, id),
      () => runbooks.list(odd),
      () => runbooks.recordVersion(odd, "s", id),
      () => runbooks.recordVersion("s", odd, id),
      () => artifacts.put(odd, artifact),
      () => artifacts.put("s", { ...artifact, kind: odd }),
      () => artifacts.get(odd, artifact.id),
      () => inbox.put({ ...message, scope: odd }),
      () => inbox.put({ ...message, runId: odd }),
      () => inbox.put({ ...message, key: odd }),
      () => inbox.pending(odd, "r"),
      () => inbox.all("s", odd),
      () => leases.renew(odd, "run/r", { owner: "o", epoch: 1, leaseMs: 1 }),
      () => leases.renew("s", "run/r", { owner: odd, epoch: 1, leaseMs: 1 }),
      () => runs.list(odd, {}),
      () => runs.list("s", { queue: odd }),
      () => runs.list("s", { after: odd }),
      () => runs.due({ ...query, scope: odd }),
      () => runs.due({ ...query, scope: ["s", odd] }),
      () => runs.due({ ...query, queues: [odd] }),
      () => runs.due({ ...query, after: odd }),
      () => runs.due({ ...query, limits: [limit] }),
      () => runs.nextWake({ ...query, scope: odd }),
      () => projections.rebuild(odd),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "value.not_canonical" });
    expect(pool.totalCount).toBe(0);
  });
});

describe("processes that do the same at once", () => {
  test("store a runbook once, and its second document once", async () => {
    const pool = testPool({ max: 12 });
    const schema = freshSchema(pool);
    const processes = Array.from({ length: 6 }, () => storesOn(databaseOn(pool, schema)));
    await processes[0]?.leases.now();
    for (const intent of ["a", "b", "c", "d"]) {
      const both = [sampleRunbook(intent), sampleRunbook(intent, { title: "said otherwise" })];
      const puts = processes.flatMap(({ runbooks }) => both.map((runbook) => runbooks.put(runbook)));
      expect((await Promise.all(puts)).filter(({ isNew }) => isNew)).toHaveLength(1);
      const digests = await processes[0]?.runbooks.documents("default", both[0]?.id ?? "rb_");
      expect([...(digests ?? [])].sort()).toEqual(both.map(({ documentDigest }) => documentDigest).sort());
    }
  });

  test("number the versions of a session without a gap, each number once", async () => {
    const pool = testPool({ max: 12 });
    const schema = freshSchema(pool);
    const processes = Array.from({ length: 8 }, () => storesOn(databaseOn(pool, schema)));
    const runbooks = Array.from({ length: 8 }, (_, number) => sampleRunbook(`number ${number}`));
    for (const runbook of runbooks) await processes[0]?.runbooks.put(runbook);
    const numbers = await Promise.all(
      processes.map((each, at) => each.runbooks.recordVersion("default", "s", runbooks[at]?.id ?? "rb_")),
    );
    expect(numbers.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe("two runbooks with the same first 128 bits", () => {
  test("are told apart by refusing the second (decision 1.4)", async () => {
    const pool = testPool({ max: 2 });
    const schema = freshSchema(pool);
    const database = databaseOn(pool, schema);
    const { runbooks, leases } = storesOn(database);
    await leases.now();
    const runbook = sampleRunbook("a");
    const forged = `${runbook.id.slice(0, 35)}${"0".repeat(32)}`;
    await pool.query(
      inSchema(
        schemaName(schema),
        "INSERT INTO {{schema}}.runbooks (scope, id, content, evidence, evidence_digest, at) VALUES ('default', $1, '{}', '{}', 'd', 0)",
      ),
      [forged],
    );
    await expect(runbooks.put(runbook)).rejects.toMatchObject({ code: "store.corrupt", details: { what: "runbook" } });
    expect(await runbooks.list("default")).toEqual([forged]);
    expect(await runbooks.documents("default", runbook.id)).toEqual([]);
  });
});
