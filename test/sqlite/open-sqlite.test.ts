import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock, type Clock } from "../../src/time/clock.js";
import type { SqlConnection } from "../../src/sqlite/driver.js";
import { findDriver } from "../../src/sqlite/find-driver.js";
import { SCHEMA_VERSION } from "../../src/sqlite/migrate.js";
import { collect, eventually } from "../../src/testing/store-contract/contract-case.js";
import { entered, SampleRun } from "../../src/testing/store-contract/sample-run.js";
import { bareConnection, driverThat } from "./bare-connection.js";
import { fill, openForTest } from "./filled-stores.js";
import { tempFile } from "./temp-file.js";

const anyHead = ["default", "run/none"] as const;

describe("openSqlite", () => {
  test("does no I/O before the first call", async () => {
    const path = tempFile();
    const stores = openForTest(path);
    expect(existsSync(path)).toBe(false);
    expect(stores.owner).not.toBe("");
    expect(await stores.reader.head(...anyHead)).toBeUndefined();
    expect(existsSync(path)).toBe(true);
  });

  test("can be closed without ever having been used", async () => {
    const path = tempFile();
    await openForTest(path).close();
    expect(existsSync(path)).toBe(false);
  });

  test.each(["odd \u00e4\u00f6 %20 ?a=b #c ' ; \u{1f600}.db", "file:odd.db?mode=memory", "libsql:odd", "http:odd", " ", "-.db"])(
    "takes the path %j for a path, whatever it looks like",
    async (name) => {
      const path = tempFile(name);
      await fill(openForTest(path));
      expect(existsSync(path)).toBe(true);
      const again = openForTest(relative(process.cwd(), path));
      expect(await collect(again.reader.heads("default"))).toHaveLength(1);
    },
  );

  test("keeps :memory: in the process", async () => {
    const [one, two] = [openForTest(":memory:"), openForTest(":memory:")];
    const { run } = await fill(one);
    expect(await one.reader.head("default", run.stream)).toBeDefined();
    expect(await two.reader.head("default", run.stream)).toBeUndefined();
    expect(existsSync(":memory:")).toBe(false);
  });

  test("finds everything again after closing and opening", async () => {
    const path = tempFile();
    const first = openForTest(path);
    const { run, runbook, artifactId } = await fill(first);
    const events = await collect(first.reader.read("default", run.stream));
    await first.close();
    const second = openForTest(path);
    expect(await collect(second.reader.read("default", run.stream))).toEqual(events);
    expect((await second.runbooks.get("default", runbook.id))?.document.title).toBe("said otherwise");
    expect((await second.artifacts.get("default", artifactId))?.kind).toBe("note");
    expect(await second.inbox.pending("default", run.runId)).toHaveLength(1);
  });

  test("leaves one file behind when the last store is closed", async () => {
    const path = tempFile();
    const [one, two] = [openForTest(path), openForTest(path)];
    await fill(one);
    await two.reader.head(...anyHead);
    await one.close();
    await two.close();
    const log = `${path}-wal`;
    expect(existsSync(log) ? statSync(log).size : 0).toBe(0);
  });

  test("leaves tables of others in the file alone", async () => {
    const path = tempFile();
    const bare = await bareConnection(path);
    bare.exec("CREATE TABLE events (mine TEXT); INSERT INTO events VALUES ('kept'); PRAGMA user_version = 7");
    await fill(openForTest(path));
    expect(bare.prepare("SELECT mine FROM events").get([])?.["mine"]).toBe("kept");
    expect(bare.prepare("PRAGMA user_version").get([])?.["user_version"]).toBe(7);
  });

  test("sets WAL, full synchronisation, recursive triggers and a short blocking wait, that one first (decision 4.7)", async () => {
    const statements: string[] = [];
    const seen: { connection?: SqlConnection } = {};
    const drivers = driverThat((connection) => {
      const { exec } = connection;
      seen.connection = connection;
      Object.assign(connection, {
        exec: (sql: string) => {
          statements.push(sql);
          exec(sql);
        },
      });
    });
    await openForTest(tempFile(), { drivers }).reader.head(...anyHead);
    expect(statements[0]).toMatch(/^PRAGMA busy_timeout = (\d|[1-4]\d|50)$/);
    expect(statements[1]).toBe("PRAGMA journal_mode = WAL");
    const pragma = (name: string): unknown => Object.values(seen.connection?.prepare(`PRAGMA ${name}`).all([])[0] ?? {})[0];
    expect(["journal_mode", "synchronous", "recursive_triggers"].map(pragma)).toEqual(["wal", 2, 1]);
  });
});

describe("a file that can't be opened", () => {
  test("a missing directory is named, and the stores work once it is there", async () => {
    const path = join(dirname(tempFile()), "missing", "stores.db");
    const stores = openForTest(path);
    await expect(stores.reader.head(...anyHead)).rejects.toMatchObject({
      code: "store.failed",
      message: expect.stringContaining(`"${path}" can't be opened; its directory must exist`),
    });
    mkdirSync(dirname(path));
    expect(await stores.reader.head(...anyHead)).toBeUndefined();
  });

  test("a directory in the place of the file", async () => {
    await expect(openForTest(dirname(tempFile())).reader.head(...anyHead)).rejects.toMatchObject({ code: "store.failed" });
  });

  test("a file that is not a database is left as it is", async () => {
    const path = tempFile();
    const text = "not a database, and long enough to be looked at ".repeat(100);
    writeFileSync(path, text);
    await expect(openForTest(path).reader.head(...anyHead)).rejects.toMatchObject({
      code: "store.corrupt",
      details: { what: "file", id: path, seq: null },
    });
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("a database cut in half is corrupt", async () => {
    const path = tempFile();
    const first = openForTest(path);
    await fill(first);
    await first.close();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length / 3)));
    const stores = openForTest(path);
    await expect(collect(stores.reader.heads("default")).then(() => stores.projections.rebuild("default"))).rejects.toMatchObject(
      {
        code: "store.corrupt",
      },
    );
  });

  test("a newer schema is refused, naming both, and nothing is changed", async () => {
    const path = tempFile();
    const first = openForTest(path);
    await first.reader.head(...anyHead);
    await first.close();
    const bare = await bareConnection(path);
    bare.exec(`INSERT INTO runseal_migrations (version, name, at) VALUES (${SCHEMA_VERSION + 1}, 'later', 0)`);
    const stores = openForTest(path);
    for (const call of [stores.reader.head(...anyHead), stores.events.commit([new SampleRun(1).submission()])]) {
      await expect(call).rejects.toMatchObject({
        code: "store.schema_newer",
        details: { found: SCHEMA_VERSION + 1, supported: SCHEMA_VERSION },
      });
    }
    expect(bare.prepare("SELECT count(*) AS events FROM runseal_events").get([])?.["events"]).toBe(0);
  });

  test("a file whose tables can't be made is left as it was", async () => {
    const path = tempFile();
    const bare = await bareConnection(path);
    bare.exec("CREATE TABLE runseal_heads (mine TEXT)");
    await expect(openForTest(path).reader.head(...anyHead)).rejects.toMatchObject({ code: "store.failed" });
    expect(bare.prepare("SELECT count(*) AS things FROM sqlite_schema").get([])?.["things"]).toBe(1);
    bare.exec("DROP TABLE runseal_heads");
    expect(await openForTest(path).reader.head(...anyHead)).toBeUndefined();
  });

  test("a read-only database is read, and says so when it is written", async () => {
    const path = tempFile();
    const first = openForTest(path);
    const { run } = await fill(first);
    await first.close();
    const stores = openForTest(path, { drivers: driverThat((connection) => connection.exec("PRAGMA query_only = ON")) });
    expect(await collect(stores.reader.read("default", run.stream))).toHaveLength(6);
    await expect(stores.events.commit([new SampleRun(2).submission()])).rejects.toMatchObject({
      code: "store.failed",
      details: { call: "events.commit" },
      message: expect.stringContaining("is read-only"),
    });
  });

  test("no driver at all says what to install", async () => {
    const missing = { drivers: [async () => undefined] };
    await expect(openForTest(tempFile(), missing).reader.head(...anyHead)).rejects.toMatchObject({
      code: "sqlite.driver_missing",
      details: { node: process.versions.node },
      message: expect.stringContaining("install libsql, or use node 22.13 or later"),
    });
    await expect(findDriver([], "20.19.0")).rejects.toMatchObject({ details: { node: "20.19.0" } });
  });
});

describe("a file that others hold", () => {
  test("is waited for, asynchronously, and store.busy names the wait when it lasts too long", async () => {
    const path = tempFile();
    const stores = openForTest(path, { busyMs: 150 });
    await stores.reader.head(...anyHead);
    const bare = await bareConnection(path);
    bare.exec("BEGIN IMMEDIATE");
    let turns = 0;
    const timer = systemClock.schedule(0, function again() {
      turns += 1;
      if (turns < 1000) systemClock.schedule(1, again);
    });
    const run = new SampleRun(1);
    const error: unknown = await run.submit(stores).catch((reason: unknown) => reason);
    timer.cancel();
    expect(error).toMatchObject({ code: "store.busy", details: { waitedMs: expect.any(Number) as number } });
    expect((error as { details: { waitedMs: number } }).details.waitedMs).toBeGreaterThanOrEqual(150);
    expect(turns).toBeGreaterThan(1);
    expect(await stores.reader.head("default", run.stream)).toBeUndefined();
    bare.exec("COMMIT");
    turns = 1000;
    await run.submit(stores);
  });

  test("is written as soon as it is free", async () => {
    const path = tempFile();
    let sleeps = 0;
    const clock: Clock = {
      ...systemClock,
      sleep: (ms) => {
        sleeps += 1;
        return systemClock.sleep(ms);
      },
    };
    const stores = openForTest(path, { clock });
    await stores.reader.head(...anyHead);
    const bare = await bareConnection(path);
    bare.exec("BEGIN IMMEDIATE");
    const run = new SampleRun(1);
    const submitting = run.submit(stores);
    await eventually("it has been tried again", () => sleeps >= 3);
    expect(await stores.reader.head("default", run.stream)).toBeUndefined();
    bare.exec("COMMIT");
    await submitting;
    expect((await stores.reader.head("default", run.stream))?.seq).toBe(1);
  });

  test("closing ends the wait", async () => {
    const path = tempFile();
    const stores = openForTest(path);
    await stores.reader.head(...anyHead);
    const bare = await bareConnection(path);
    bare.exec("BEGIN IMMEDIATE");
    const submitting = new SampleRun(1).submit(stores);
    const closing = stores.close();
    await expect(submitting).rejects.toMatchObject({ code: "store.closed" });
    await closing;
  });
});

describe("a commit that the database refuses", () => {
  test("store.full writes nothing, and room lets the same commit in (reliability 30)", async () => {
    const seen: { connection?: SqlConnection } = {};
    const drivers = driverThat((connection) => {
      seen.connection = connection;
    });
    const stores = openForTest(tempFile(), { drivers });
    const { run } = await fill(stores);
    const pages = Object.values(seen.connection?.prepare("PRAGMA page_count").all([])[0] ?? {})[0];
    seen.connection?.prepare(`PRAGMA max_page_count = ${Number(pages)}`).all([]);
    const bytes = new Uint8Array(1_000_000);
    const artifact = { id: "d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025", kind: "large", bytes };
    const write = run.write([entered("c")], { artifacts: [artifact] });
    await expect(stores.events.commit([write])).rejects.toMatchObject({ code: "store.full", details: { call: "events.commit" } });
    expect((await stores.reader.head("default", run.stream))?.seq).toBe(6);
    seen.connection?.prepare("PRAGMA max_page_count = 1000000").all([]);
    expect((await stores.events.commit([write])).kind).toBe("committed");
  });

  test("store.failed at a kind that the schema does not know, and nothing is written", async () => {
    const stores = openForTest(tempFile());
    const run = new SampleRun(1);
    const write = run.submission();
    const events = write.events.map((event) => ({ ...event, kind: "later.kind" }));
    await expect(stores.events.commit([{ ...write, events }])).rejects.toMatchObject({
      code: "store.failed",
      details: { call: "events.commit" },
    });
    expect(await stores.reader.head("default", run.stream)).toBeUndefined();
    await run.submit(stores);
  });

  test("a caller's transaction is refused", async () => {
    await expect(openForTest(tempFile()).events.commit([], { tx: {} })).rejects.toMatchObject({ code: "run.invalid_option" });
  });
});
