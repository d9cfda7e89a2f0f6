import { describe, expect, test } from "vitest";
import type { Stores } from "../../src/stores/stores.js";
import { sha256Hex } from "../../src/json/digest.js";
import { postgresStores } from "../../src/postgres/postgres-stores.js";
import { inSchema, schemaName } from "../../src/postgres/schema-name.js";
import { collect } from "../../src/testing/store-contract/contract-case.js";
import { completed, entered, runCompleted, SampleRun } from "../../src/testing/store-contract/sample-run.js";
import { sampleRunbook } from "../../src/testing/store-contract/sample-runbook.js";
import { freshSchema, testPool } from "./fresh-schema.js";

const BYTES = Uint8Array.from([1, 2, 3, 4]);
const ARTIFACT = { id: sha256Hex(BYTES), kind: "note", bytes: BYTES };

interface Filling {
  readonly stores: Stores;
  readonly run: SampleRun;
  readonly runbook: ReturnType<typeof sampleRunbook>;
  /** Somebody who owns the tables switches the triggers of one off, and does as they like. */
  readonly tamper: (table: string, sql: string) => Promise<void>;
  readonly ask: (sql: string) => Promise<unknown>;
}

async function fill(): Promise<Filling> {
  const pool = testPool({ max: 6 });
  const schema = schemaName(freshSchema(pool));
  const stores = postgresStores(pool, { schema: schema.name, migrate: "auto" });
  const run = new SampleRun(1);
  const runbook = sampleRunbook("filled", { title: "said otherwise" });
  await stores.runbooks.put(runbook);
  await run.submit(stores);
  for (const key of ["taken", "waiting"]) {
    await stores.inbox.put({ scope: "default", runId: run.runId, key, kind: "signal", payload: { a: key } });
  }
  await run.start(stores);
  const over = { artifacts: [ARTIFACT], consume: { approvals: ["token"], signals: ["taken"] } };
  await run.commit(stores, [entered("a"), completed("a"), entered("b")], over);
  const ask = (sql: string): Promise<unknown> => pool.query(inSchema(schema, sql));
  const tamper = async (table: string, sql: string): Promise<void> => {
    await ask(`ALTER TABLE {{schema}}.${table} DISABLE TRIGGER USER; ${sql}`);
  };
  return { stores, run, runbook, tamper, ask };
}

interface Tampering {
  readonly table: string;
  readonly sql: string;
  readonly read: (filling: Filling) => Promise<unknown>;
  readonly details: Readonly<Record<string, unknown>>;
}

const readRun: Tampering["read"] = ({ stores, run }) => collect(stores.reader.read("default", run.stream));
const readRunbook: Tampering["read"] = ({ stores, runbook }) => stores.runbooks.get("default", runbook.id);
const readArtifact: Tampering["read"] = ({ stores }) => stores.artifacts.get("default", ARTIFACT.id);
const atSeq = (seq: number): Record<string, unknown> => ({ what: "event", seq });

const TAMPERINGS: Readonly<Record<string, Tampering>> = {
  "a payload": {
    table: "event_rows",
    sql: `UPDATE {{schema}}.event_rows SET payload = replace(payload, '"a"', '"x"') WHERE seq = 4`,
    read: readRun,
    details: atSeq(4),
  },
  "a payload with its digest": {
    table: "event_rows",
    sql: `UPDATE {{schema}}.event_rows e SET payload = f.payload, payload_digest = f.payload_digest
      FROM {{schema}}.event_rows f WHERE f.seq = 5 AND e.seq = 4`,
    read: readRun,
    details: atSeq(4),
  },
  "a hash": {
    table: "event_rows",
    sql: "UPDATE {{schema}}.event_rows SET hash = payload_digest WHERE seq = 2",
    read: readRun,
    details: atSeq(2),
  },
  "a kind": {
    table: "event_rows",
    sql: "UPDATE {{schema}}.event_rows SET kind = 'step.failed' WHERE seq = 5",
    read: readRun,
    details: atSeq(5),
  },
  "an epoch": {
    table: "event_rows",
    sql: "UPDATE {{schema}}.event_rows SET epoch = 9 WHERE seq = 3",
    read: readRun,
    details: atSeq(3),
  },
  "an event out of the middle": {
    table: "event_rows",
    sql: "DELETE FROM {{schema}}.event_rows WHERE seq = 3",
    read: readRun,
    details: atSeq(4),
  },
  "a runbook's content": {
    table: "runbooks",
    sql: "UPDATE {{schema}}.runbooks SET content = replace(content, 'filled', 'felled')",
    read: readRunbook,
    details: { what: "runbook" },
  },
  "a runbook's evidence": {
    table: "runbooks",
    sql: "UPDATE {{schema}}.runbooks SET evidence = replace(evidence, '[]', '[1]')",
    read: readRunbook,
    details: { what: "runbook evidence" },
  },
  "a document": {
    table: "documents",
    sql: "UPDATE {{schema}}.documents SET document = replace(document, 'said', 'seid')",
    read: readRunbook,
    details: { what: "document" },
  },
  "a byte of an artifact": {
    table: "artifacts",
    sql: "UPDATE {{schema}}.artifacts SET bytes = '\\x01020305'",
    read: readArtifact,
    details: { what: "artifact" },
  },
  "an artifact, emptied": {
    table: "artifacts",
    sql: "UPDATE {{schema}}.artifacts SET bytes = ''",
    read: readArtifact,
    details: { what: "artifact" },
  },
  "a message": {
    table: "inbox",
    sql: `UPDATE {{schema}}.inbox SET payload = '{"a":3}' WHERE key = 'waiting'`,
    read: ({ stores, run }) => stores.inbox.pending("default", run.runId),
    details: { what: "message", seq: 2 },
  },
};

describe("reading what was changed by somebody who may throws store.corrupt and names the place (reliability rows 58 to 66)", () => {
  test.each(Object.keys(TAMPERINGS))("%s", async (name) => {
    const { table, sql, read, details } = TAMPERINGS[name] ?? expect.fail();
    const filling = await fill();
    await read(filling);
    await filling.tamper(table, sql);
    await expect(read(filling)).rejects.toMatchObject({ code: "store.corrupt", details });
  });
});

describe("projections", () => {
  test("that were changed or lost are what they were after a rebuild (decision 4.4)", async () => {
    const { stores, run, ask } = await fill();
    const before = await stores.reader.head("default", run.stream);
    await ask(
      `UPDATE {{schema}}.heads SET status = 'completed', epoch = 7, owner = 'thief', pending = 0, queue = 'x', use_key = 'k'`,
    );
    expect((await stores.reader.head("default", run.stream))?.owner).toBe("thief");
    await stores.projections.rebuild("default");
    expect(await stores.reader.head("default", run.stream)).toEqual(before);
    await ask("DELETE FROM {{schema}}.heads");
    expect(await stores.reader.head("default", run.stream)).toBeUndefined();
    expect(await stores.projections.rebuild("default")).toEqual({ streams: 1 });
    expect(await stores.reader.head("default", run.stream)).toEqual(before);
    expect((await stores.inbox.pending("default", run.runId)).map(({ key }) => key)).toEqual(["waiting"]);
  });

  test("go on where they were: the rebuilt head has the number of its stream, and takes the next event", async () => {
    const { stores, run, ask } = await fill();
    await stores.projections.rebuild("default");
    await run.commit(stores, [completed("b")]);
    const odd = await ask(
      "SELECT h.id FROM {{schema}}.heads h LEFT JOIN {{schema}}.streams s USING (id, scope, stream) WHERE s.id IS NULL",
    );
    expect(odd).toMatchObject({ rowCount: 0 });
    expect((await stores.reader.head("default", run.stream))?.seq).toBe(run.seq);
  });

  test("of a run whose payloads retention has dropped are rebuilt as they were", async () => {
    const { stores, run, tamper } = await fill();
    await run.commit(stores, [completed("b"), runCompleted]);
    const before = await stores.reader.head("default", run.stream);
    await tamper("event_rows", "UPDATE {{schema}}.event_rows SET payload = NULL WHERE kind LIKE 'step.%'");
    expect(await stores.projections.rebuild("default")).toEqual({ streams: 1 });
    expect(await stores.reader.head("default", run.stream)).toEqual(before);
  });

  test("are not rebuilt from a log that does not hold", async () => {
    const { stores, run, tamper } = await fill();
    const before = await stores.reader.head("default", run.stream);
    await tamper("event_rows", "DELETE FROM {{schema}}.event_rows WHERE seq = 2");
    await expect(stores.projections.rebuild("default")).rejects.toMatchObject({ code: "store.corrupt", details: atSeq(3) });
    expect(await stores.reader.head("default", run.stream)).toEqual(before);
  });

  test("of many streams over many pages are rebuilt whole, while commits wait and none is lost", async () => {
    const { stores } = await fill();
    const runs = Array.from({ length: 60 }, (_, number) => new SampleRun(100 + number));
    await stores.events.commitMany(runs.map((run) => [run.submission()]));
    for (const run of runs) run.adopt(run.submission());
    const steps = async (run: SampleRun): Promise<void> => {
      await run.start(stores);
      for (let step = 0; step < 10; step += 1) await run.commit(stores, [entered(`s${step}`), completed(`s${step}`)]);
    };
    const rebuilds = async (): Promise<number[]> => {
      const counts: number[] = [];
      for (let times = 0; times < 5; times += 1) counts.push((await stores.projections.rebuild("default")).streams);
      return counts;
    };
    const [counts] = await Promise.all([rebuilds(), ...runs.map(steps)]);
    expect(counts).toEqual([61, 61, 61, 61, 61]);
    const before = await collect(stores.reader.heads("default"));
    expect(await stores.projections.rebuild("default")).toEqual({ streams: 61 });
    expect(await collect(stores.reader.heads("default"))).toEqual(before);
    expect(before.map(({ seq }) => seq)).toEqual([6, ...runs.map(() => 23)]);
  });
});
