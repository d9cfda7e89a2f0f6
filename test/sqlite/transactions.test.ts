import { expect, test } from "vitest";
import type { SqliteTransaction } from "../../src/sqlite/sqlite-transaction.js";
import type { StoreTransaction } from "../../src/stores/transactions.js";
import { openSqlite, type SqliteStores } from "../../src/sqlite/open-sqlite.js";
import { SampleRun } from "../../src/testing/store-contract/sample-run.js";
import { TurnedClock } from "../stores/turned-clock.js";
import { bareConnection } from "./bare-connection.js";
import { tempFile } from "./temp-file.js";

function open(path = tempFile()): SqliteStores {
  return openSqlite(path, { busyMs: 50 });
}

function sqlOf(tx: StoreTransaction): SqliteTransaction {
  return tx.handle as SqliteTransaction;
}

async function withTable(stores: SqliteStores): Promise<void> {
  await stores.transactions.run(async (tx) => {
    sqlOf(tx).run("CREATE TABLE rows (id INTEGER PRIMARY KEY, name TEXT UNIQUE, body BLOB)");
  });
}

function rowsOf(stores: SqliteStores): Promise<readonly unknown[]> {
  return stores.transactions.run(async (tx) =>
    sqlOf(tx)
      .all("SELECT name FROM rows ORDER BY id")
      .map(({ name }) => name),
  );
}

test("the handle runs statements with parameters, one at a time, and gives rows by column name", async () => {
  const stores = open();
  await withTable(stores);
  const seen = await stores.transactions.run(async (tx) => {
    const sql = sqlOf(tx);
    const insert = "INSERT INTO rows (name, body) VALUES (?, ?)";
    const changed = [sql.run(insert, ["a", new Uint8Array([1, 2])]), sql.run(insert, [null, null])];
    const first = sql.get("SELECT id, name, body FROM rows WHERE name = ?", ["a"]);
    return { changed, first, none: sql.get("SELECT 1 FROM rows WHERE id = 9"), all: sql.all("SELECT id FROM rows ORDER BY id") };
  });
  expect(seen).toEqual({
    changed: [1, 1],
    first: { id: 1, name: "a", body: new Uint8Array([1, 2]) },
    none: undefined,
    all: [{ id: 1 }, { id: 2 }],
  });
  await stores.close();
});

test("a transaction is on the disk for another connection when it has ended, and not before", async () => {
  const path = tempFile();
  const stores = open(path);
  await withTable(stores);
  const other = await bareConnection(path);
  const count = (): unknown => other.prepare("SELECT count(*) AS n FROM rows").get([])?.["n"];
  await stores.transactions.run(async (tx) => {
    sqlOf(tx).run("INSERT INTO rows (name) VALUES ('a')");
    expect(count()).toBe(0);
  });
  expect(count()).toBe(1);
  await stores.close();
});

test("an error of a statement leaves the transaction open, and what was done before it", async () => {
  const stores = open();
  await withTable(stores);
  await stores.transactions.run(async (tx) => {
    const sql = sqlOf(tx);
    sql.run("INSERT INTO rows (name) VALUES ('a')");
    expect(() => sql.run("INSERT INTO rows (name) VALUES ('a')")).toThrow(expect.objectContaining({ code: "store.failed" }));
    expect(() => sql.get("SELECT nothing FROM nowhere")).toThrow(expect.objectContaining({ code: "store.failed" }));
    sql.run("SAVEPOINT own");
    sql.run("INSERT INTO rows (name) VALUES ('b')");
    sql.run("ROLLBACK TO own");
    sql.run("INSERT INTO rows (name) VALUES ('c')");
  });
  expect(await rowsOf(stores)).toEqual(["a", "c"]);
  await stores.close();
});

test("a transaction that SQLite has rolled back by itself takes nothing any more: no row, no commit of the log, no end", async () => {
  const stores = open();
  await withTable(stores);
  const run = new SampleRun(1);
  const end = stores.transactions.run(async (tx) => {
    const sql = sqlOf(tx);
    sql.run("INSERT INTO rows (name) VALUES ('a')");
    expect(() => sql.run("INSERT OR ROLLBACK INTO rows (name) VALUES ('a')")).toThrow("UNIQUE");
    expect(() => sql.run("INSERT INTO rows (name) VALUES ('b')")).toThrow("was given up by SQLite");
    await expect(stores.events.commit([run.submission()], { tx })).rejects.toMatchObject({ code: "store.failed" });
  });
  await expect(end).rejects.toMatchObject({ code: "store.failed" });
  expect(await rowsOf(stores)).toEqual([]);
  expect(await stores.reader.head("default", run.stream)).toBeUndefined();
  await run.submit(stores);
  await stores.close();
});

test("a commit that throws inside spoils the transaction, also where the host catches it", async () => {
  const stores = open();
  await withTable(stores);
  const run = new SampleRun(1);
  await run.submit(stores);
  const end = stores.transactions.run(async (tx) => {
    sqlOf(tx).run("INSERT INTO rows (name) VALUES ('a')");
    const lost = { ...new SampleRun(2).submission(), artifacts: [{ id: "0".repeat(64), kind: "x", bytes: new Uint8Array(1) }] };
    await expect(stores.events.commit([lost], { tx })).rejects.toMatchObject({ code: "store.corrupt" });
  });
  await expect(end).rejects.toMatchObject({ code: "store.failed", cause: { code: "store.corrupt" } });
  expect(await rowsOf(stores)).toEqual([]);
  await stores.close();
});

test.each(["BEGIN", "COMMIT", " end ", "rollback", "/* so */ -- \n COMMIT", ";ROLLBACK TRANSACTION"])(
  "the handle does not begin or end transactions: %s",
  async (sql) => {
    const stores = open();
    await withTable(stores);
    await stores.transactions.run(async (tx) => {
      sqlOf(tx).run("INSERT INTO rows (name) VALUES ('a')");
      expect(() => sqlOf(tx).run(sql)).toThrow("a transaction is begun and ended by who opened it");
    });
    expect(await rowsOf(stores)).toEqual(["a"]);
    await stores.close();
  },
);

test("a handle that is kept is of no use after its transaction", async () => {
  const stores = open();
  await withTable(stores);
  const kept = await stores.transactions.run(async (tx) => sqlOf(tx));
  for (const use of [() => kept.run("DELETE FROM rows"), () => kept.get("SELECT 1"), () => kept.all("SELECT 1")]) {
    expect(use).toThrow(expect.objectContaining({ code: "store.transaction_ended" }));
  }
  await stores.close();
});

test("inside a transaction reads see what it has written; another transaction, a write beside it and close are refused", async () => {
  const stores = open();
  const run = new SampleRun(1);
  await stores.transactions.run(async (tx) => {
    await stores.events.commit([run.submission()], { tx });
    expect((await stores.reader.head("default", run.stream))?.seq).toBe(1);
    expect(await stores.runs.list("default", {})).toHaveLength(1);
    const refused = { code: "store.in_transaction" };
    await expect(stores.transactions.run(async () => undefined)).rejects.toMatchObject(refused);
    await expect(
      stores.inbox.put({ scope: "default", runId: run.runId, key: "k", kind: "signal", payload: 1 }),
    ).rejects.toMatchObject(refused);
    await expect(stores.leases.renew("default", run.stream, { owner: "o", epoch: 1, leaseMs: 1 })).rejects.toMatchObject(refused);
    await expect(stores.close()).rejects.toMatchObject(refused);
  });
  expect((await stores.reader.head("default", run.stream))?.seq).toBe(1);
  await stores.close();
});

test("close waits for the transaction that is open", async () => {
  const path = tempFile();
  const stores = open(path);
  await withTable(stores);
  let finish = (): void => undefined;
  const mayFinish = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const end = stores.transactions.run(async (tx) => {
    sqlOf(tx).run("INSERT INTO rows (name) VALUES ('a')");
    await mayFinish;
  });
  const closed = stores.close();
  finish();
  await Promise.all([end, closed]);
  const again = open(path);
  expect(await rowsOf(again)).toEqual(["a"]);
  await again.close();
});

test("another process that writes meanwhile finds the file busy, and nothing of it is lost", async () => {
  const path = tempFile();
  const clock = new TurnedClock(1_700_000_000_000);
  const [stores, other] = [openSqlite(path, { clock }), openSqlite(path, { clock, busyMs: 0 })];
  const [one, two] = [new SampleRun(1), new SampleRun(2)];
  await other.reader.head("default", one.stream);
  await stores.transactions.run(async (tx) => {
    await stores.events.commit([one.submission()], { tx });
    await expect(two.try(other, [], {})).rejects.toMatchObject({ code: "internal.invariant" });
    await expect(other.events.commit([two.submission()])).rejects.toMatchObject({ code: "store.busy" });
  });
  await two.submit(other);
  expect((await stores.runs.list("default", {})).length).toBe(2);
  await stores.close();
  await other.close();
});
