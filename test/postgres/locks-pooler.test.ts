import { afterAll, describe, expect, inject, onTestFinished, test } from "vitest";
import type { BouncerOptions } from "./pgbouncer.js";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { accounts, LockProcess } from "./lock-process.js";
import { freshSchema, testPool } from "./fresh-schema.js";
import { findBouncer, startBouncer } from "./pgbouncer.js";

const url = inject("databaseUrl");
const bouncer = findBouncer();
const open = async (mode: BouncerOptions["mode"]): Promise<string | undefined> => {
  if ("missing" in bouncer) {
    process.stdout.write(`left out: ${bouncer.missing}\n`);
    return undefined;
  }
  const started = await startBouncer(bouncer, { mode, url });
  onTestFinished(started.stop);
  return started.url;
};
const openProcess = (connectionString: string, options: { schema: string; session?: object }): LockProcess => {
  const opened = new LockProcess({ connectionString }, options);
  onTestFinished(() => opened.close());
  return opened;
};

afterAll(() => {
  if (!("missing" in bouncer)) bouncer.remove();
});

describe("behind pgbouncer", () => {
  test("in transaction mode locks are refused with lock.pooler_unsupported, idle as it is, and with a session past it they work (reliability point 4, row 35)", async () => {
    const schema = freshSchema(testPool());
    const through = await open("transaction");
    if (through === undefined) return;
    const refused = openProcess(through, { schema });
    const asked = refused.locks.acquire(accounts(["a"]), { deadlineMs: 0, owner: refused.ownerOf("r1") });
    await expect(asked).rejects.toMatchObject({
      code: "lock.pooler_unsupported",
      message: expect.stringContaining("past the pooler") as string,
    });
    // the pool of a process whose pooler takes no prepared statements is another matter
    const past = openProcess(url, { schema, session: { connectionString: url } });
    const held = await past.locks.acquire(accounts(["a"]), { deadlineMs: 0, owner: past.ownerOf("r1") });
    await held.release();
    const { rows } = await past.pool.query("SELECT count(*)::integer AS n FROM pg_stat_activity WHERE application_name = $1", [
      `runseal/${refused.owner}`,
    ]);
    expect(rows).toEqual([{ n: 0 }]);
  });

  test("in session mode locks, their loss and notifications work", async () => {
    const schema = freshSchema(testPool());
    const through = await open("session");
    if (through === undefined) return;
    const one = openProcess(url, { schema, session: { connectionString: through } });
    const two = openProcess(url, { schema });
    const held = await one.locks.acquire(accounts(["a"]), { deadlineMs: 0, owner: one.ownerOf("r1") });
    await expect(two.locks.acquire(accounts(["a"]), { deadlineMs: 0, owner: two.ownerOf("r2") })).rejects.toMatchObject({
      details: { holder: "r1" },
    });
    one.notifications.start();
    await eventually("it listens", () => one.notifications.isListening);
    await two.pool.query("SELECT pg_terminate_backend($1)", [one.session.pid]);
    await eventually("the holder is told", () => held.lost.aborted);
    await (await two.locks.acquire(accounts(["a"]), { deadlineMs: 15_000, owner: two.ownerOf("r2") })).release();
  });
});
