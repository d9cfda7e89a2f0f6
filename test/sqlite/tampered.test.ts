import { describe, expect, test } from "vitest";
import { collect } from "../../src/testing/store-contract/contract-case.js";
import type { SqliteStores } from "../../src/sqlite/open-sqlite.js";
import { bareConnection } from "./bare-connection.js";
import { fill, openForTest, type Filling } from "./filled-stores.js";
import { tempFile } from "./temp-file.js";

interface Tampering {
  readonly table: string;
  readonly sql: string;
  readonly read: (stores: SqliteStores, filling: Filling) => Promise<unknown>;
  readonly details: Readonly<Record<string, unknown>>;
}

const readRun: Tampering["read"] = (stores, { run }) => collect(stores.reader.read("default", run.stream));
const readRunbook: Tampering["read"] = (stores, { runbook }) => stores.runbooks.get("default", runbook.id);
const atSeq = (seq: number): Record<string, unknown> => ({ what: "event", seq });

/** Somebody with the file in hand, the triggers dropped, and one change made (reliability 58 to 66). */
const TAMPERINGS: readonly (readonly [string, Tampering])[] = [
  [
    "a payload",
    {
      table: "events",
      sql: "UPDATE runseal_events SET payload = replace(payload, '\"a\"', '\"x\"') WHERE seq = 4",
      read: readRun,
      details: atSeq(4),
    },
  ],
  [
    "a payload with its digest",
    {
      table: "events",
      sql: "UPDATE runseal_events SET payload_digest = (SELECT payload_digest FROM runseal_events WHERE seq = 5), payload = (SELECT payload FROM runseal_events WHERE seq = 5) WHERE seq = 4",
      read: readRun,
      details: atSeq(4),
    },
  ],
  ["a hash", { table: "events", sql: "UPDATE runseal_events SET hash = prev WHERE seq = 2", read: readRun, details: atSeq(2) }],
  ["a link", { table: "events", sql: "UPDATE runseal_events SET prev = hash WHERE seq = 3", read: readRun, details: atSeq(3) }],
  [
    "a kind",
    { table: "events", sql: "UPDATE runseal_events SET kind = 'step.failed' WHERE seq = 5", read: readRun, details: atSeq(5) },
  ],
  ["an epoch", { table: "events", sql: "UPDATE runseal_events SET epoch = 9 WHERE seq = 3", read: readRun, details: atSeq(3) }],
  [
    "an event out of the middle",
    { table: "events", sql: "DELETE FROM runseal_events WHERE seq = 3", read: readRun, details: atSeq(4) },
  ],
  [
    "two events in each other's place",
    {
      table: "events",
      sql: "UPDATE runseal_events SET seq = 99 WHERE seq = 4; UPDATE runseal_events SET seq = 4 WHERE seq = 5; UPDATE runseal_events SET seq = 5 WHERE seq = 99",
      read: readRun,
      details: atSeq(4),
    },
  ],
  [
    "a stream under another run's name",
    {
      table: "events",
      sql: "UPDATE runseal_events SET stream = 'run/other'",
      read: (stores) => collect(stores.reader.read("default", "run/other")),
      details: { what: "event", id: "run/other", seq: 1 },
    },
  ],
  [
    "a stream in another scope",
    {
      table: "events",
      sql: "UPDATE runseal_events SET scope = 'other'",
      read: (stores, { run }) => collect(stores.reader.read("other", run.stream)),
      details: atSeq(1),
    },
  ],
  [
    "a runbook's content",
    {
      table: "runbooks",
      sql: "UPDATE runseal_runbooks SET content = replace(content, 'filled', 'felled')",
      read: readRunbook,
      details: { what: "runbook" },
    },
  ],
  [
    "a runbook's evidence",
    {
      table: "runbooks",
      sql: "UPDATE runseal_runbooks SET evidence = replace(evidence, '[]', '[1]')",
      read: readRunbook,
      details: { what: "runbook evidence" },
    },
  ],
  [
    "a document",
    {
      table: "documents",
      sql: "UPDATE runseal_documents SET document = replace(document, 'said', 'seid')",
      read: readRunbook,
      details: { what: "document" },
    },
  ],
  [
    "a byte of an artifact",
    {
      table: "artifacts",
      sql: "UPDATE runseal_artifacts SET bytes = x'01020305'",
      read: (stores, { artifactId }) => stores.artifacts.get("default", artifactId),
      details: { what: "artifact" },
    },
  ],
  [
    "an artifact, emptied",
    {
      table: "artifacts",
      sql: "UPDATE runseal_artifacts SET bytes = x''",
      read: (stores, { artifactId }) => stores.artifacts.get("default", artifactId),
      details: { what: "artifact" },
    },
  ],
  [
    "a message",
    {
      table: "inbox",
      sql: "UPDATE runseal_inbox SET payload = '{\"a\":3}' WHERE key = 'waiting'",
      read: (stores, { run }) => stores.inbox.pending("default", run.runId),
      details: { what: "message", seq: 2 },
    },
  ],
];

describe("reading what was changed behind the package's back throws store.corrupt and names the place", () => {
  test.each(TAMPERINGS)("%s", async (_name, { table, sql, read, details }) => {
    const path = tempFile();
    const stores = openForTest(path);
    const filling = await fill(stores);
    await read(stores, filling);
    const bare = await bareConnection(path);
    for (const trigger of ["no_replace", "no_update", "no_delete"]) bare.exec(`DROP TRIGGER runseal_${table}_${trigger}`);
    bare.exec(sql);
    await expect(read(stores, filling)).rejects.toMatchObject({ code: "store.corrupt", details });
  });
});

describe("projections", () => {
  test("that were changed are what they were after a rebuild", async () => {
    const path = tempFile();
    const stores = openForTest(path);
    const { run } = await fill(stores);
    const before = await stores.reader.head("default", run.stream);
    const bare = await bareConnection(path);
    bare.exec(
      "UPDATE runseal_heads SET status = 'completed', seq = 99, owner = 'thief', pending = 0, queue = 'x', use_key = 'k'",
    );
    expect((await stores.reader.head("default", run.stream))?.seq).toBe(99);
    await stores.projections.rebuild("default");
    expect(await stores.reader.head("default", run.stream)).toEqual(before);
    bare.exec("DELETE FROM runseal_heads");
    expect(await stores.reader.head("default", run.stream)).toBeUndefined();
    await stores.projections.rebuild("default");
    expect(await stores.reader.head("default", run.stream)).toEqual(before);
  });

  test("are not rebuilt from a log that does not hold", async () => {
    const path = tempFile();
    const stores = openForTest(path);
    const { run } = await fill(stores);
    const before = await stores.reader.head("default", run.stream);
    const bare = await bareConnection(path);
    bare.exec("DROP TRIGGER runseal_events_no_delete");
    bare.exec("DELETE FROM runseal_events WHERE seq = 2");
    await expect(stores.projections.rebuild("default")).rejects.toMatchObject({ code: "store.corrupt", details: atSeq(3) });
    expect(await stores.reader.head("default", run.stream)).toEqual(before);
  });
});
