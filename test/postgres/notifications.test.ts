import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import type { StoreChange } from "../../src/stores/store-change.js";
import { changePayload } from "../../src/postgres/change-payload.js";
import { schemaName } from "../../src/postgres/schema-name.js";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { accounts, LockProcess } from "./lock-process.js";

const schema = `notify_${randomUUID().slice(0, 8)}`;
const { channel } = schemaName(schema);
const url = inject("databaseUrl");
const admin = new Client({ connectionString: url });
const opened: LockProcess[] = [];

const open = (): { process: LockProcess; heard: (StoreChange | undefined)[] } => {
  const process = new LockProcess({ connectionString: url }, { schema });
  opened.push(process);
  const heard: (StoreChange | undefined)[] = [];
  process.changed.add((change) => heard.push(change));
  process.notifications.start();
  return { process, heard };
};
/** Waits until all of them hear what is said. */
async function listening(...all: readonly ReturnType<typeof open>[]): Promise<void> {
  for (const { process } of all) await eventually("it listens", () => process.notifications.isListening);
}
const tell = (payload: string): Promise<unknown> => admin.query("SELECT pg_notify($1, $2)", [channel, payload]);

beforeAll(async () => {
  await admin.connect();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((process) => process.close()));
});
afterAll(async () => {
  await admin.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await admin.end();
});

describe("notifications", () => {
  test("tell what other processes changed, and that anything may have where the payload does not say", async () => {
    const one = open();
    await listening(one);
    const { heard } = one;
    const payloads = [
      '{"s":"default","t":"run/1","w":"commit"}',
      '{"s":"default","t":"run/1","w":"message"}',
      "",
      "{",
      "null",
      '{"s":1}',
    ];
    for (const payload of payloads) await tell(payload);
    await eventually("all were heard", () => heard.length === payloads.length);
    expect(heard).toEqual([
      { scope: "default", stream: "run/1", what: "commit" },
      { scope: "default", stream: "run/1", what: "message" },
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("leave out what these stores said themselves, and nothing that somebody else said over the same pool", async () => {
    const [own, other] = [open(), open()];
    await listening(own, other);
    const over = (stream: `run/${string}`, origin?: string): Promise<unknown> =>
      own.process.database.withClient("test", (client) =>
        client.query({
          text: "SELECT pg_notify($1, $2)",
          values: [channel, changePayload({ scope: "default", stream, what: "commit" }, origin)],
        }),
      );
    await over("run/1", own.process.database.origin);
    await over("run/2", other.process.database.origin);
    await over("run/3");
    await tell("");
    await eventually("the last was heard", () => own.heard.length === 3 && other.heard.length === 3);
    const ofRun = (run: number): StoreChange => ({ scope: "default", stream: `run/${run}`, what: "commit" });
    expect(own.heard).toEqual([ofRun(2), ofRun(3), undefined]);
    expect(other.heard).toEqual([ofRun(1), ofRun(3), undefined]);
  });

  test("listen again after the session was lost, and then say that anything may have changed", async () => {
    const { process, heard } = open();
    await eventually("it listens", () => process.notifications.isListening);
    expect(heard).toEqual([]);
    const former = process.session.pid;
    await admin.query("SELECT pg_terminate_backend($1)", [former]);
    await eventually("it is told that anything may have changed", () => heard.length === 1);
    expect(heard).toEqual([undefined]);
    expect(process.session.pid).not.toBe(former);
    await tell('{"s":"default","t":"run/2","w":"commit"}');
    await eventually("it hears again", () => heard.length === 2);
  });

  test("wake who waits for a lock that another process gives back, and only then cost a notification", async () => {
    const [one, two] = [open(), open()];
    await listening(one, two);
    const said: string[] = [];
    await admin.query(`LISTEN ${channel}`);
    admin.on("notification", ({ payload }) => said.push(payload ?? ""));
    const options = (process: LockProcess, run: string) => ({ deadlineMs: 30_000, owner: process.ownerOf(run) });
    await (await one.process.locks.acquire(accounts(["quiet"]), options(one.process, "r0"))).release();
    await admin.query("SELECT 1");
    expect(said.filter((payload) => payload === "locks")).toEqual([]);
    // who waits looks by itself now and then: where that look comes just before, nobody has to be told
    for (let cycle = 0; !said.includes("locks") && cycle < 20; cycle += 1) {
      const held = await one.process.locks.acquire(accounts(["told"]), options(one.process, "r1"));
      const waiting = two.process.locks.acquire(accounts(["told"]), options(two.process, "r2"));
      await eventually("somebody is seen to wait", async () => {
        const found = await admin.query<{ n: number }>(
          "SELECT count(*)::integer AS n FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND pid = $1",
          [two.process.session.pid],
        );
        return (found.rows[0]?.n ?? 0) > 0;
      });
      await held.release();
      await (await waiting).release();
      await admin.query("SELECT 1");
    }
    expect(said).toContain("locks");
    await admin.query(`UNLISTEN ${channel}`);
  });
});
