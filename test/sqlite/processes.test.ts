import { describe, expect, test } from "vitest";
import type { StoredEvent } from "../../src/model/event.js";
import type { SqliteStores } from "../../src/sqlite/open-sqlite.js";
import { collect, eventually } from "../../src/testing/store-contract/contract-case.js";
import { SampleRun } from "../../src/testing/store-contract/sample-run.js";
import { bareConnection } from "./bare-connection.js";
import { startChild } from "./child.js";
import { openForTest } from "./filled-stores.js";
import { tempFile } from "./temp-file.js";

const SLOW = 120_000;

async function startedRun(stores: SqliteStores, number = 1): Promise<SampleRun> {
  const run = new SampleRun(number);
  await run.submit(stores);
  await run.start(stores, 3_600_000);
  return run;
}

/** Reading checks every digest and link. */
const logOf = (stores: SqliteStores, run: SampleRun): Promise<StoredEvent[]> =>
  collect(stores.reader.read("default", run.stream));

describe("processes that share a file", () => {
  test("two that append to one run lose nothing and write nothing twice (X9, decision 4.7)", { timeout: SLOW }, async () => {
    const path = tempFile();
    const stores = openForTest(path);
    const run = await startedRun(stores);
    const children = [1, 2].map(() => startChild("append-process.ts", path, stores.owner, "100"));
    expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0]);
    const acknowledged = children.flatMap(({ lines }) => lines.map(Number)).sort((a, b) => a - b);
    expect(acknowledged).toEqual(Array.from({ length: 200 }, (_, index) => index + 4));
    expect(await logOf(stores, run)).toHaveLength(203);
  });

  test.each([1, 2, 3])(
    "kill -9 in the middle of writing loses nothing acknowledged, round %i (reliability 2)",
    { timeout: SLOW },
    async (round) => {
      const path = tempFile();
      const stores = openForTest(path);
      const run = await startedRun(stores);
      const child = startChild("append-process.ts", path, stores.owner, "1000000");
      await eventually("the child has written", () => child.lines.length >= 20 * round);
      child.process.kill("SIGKILL");
      expect(await child.ended).toBe("SIGKILL");
      const events = await logOf(stores, run);
      const last = Number(child.lines.at(-1));
      // one more may have been committed without the child having had the time to say so
      expect([last, last + 1]).toContain(events.length);
      expect((await stores.reader.head("default", run.stream))?.seq).toBe(events.length);
      const [row] = (await bareConnection(path)).prepare("PRAGMA integrity_check").all([]);
      expect(Object.values(row ?? {})).toContain("ok");
      await run.commit(stores, [], { expectedSeq: events.length });
    },
  );

  test(
    "of several that claim a run, spend a token and take a lock, each gets it once, and death frees it (X.5-7)",
    { timeout: SLOW },
    async () => {
      const path = tempFile();
      const stores = openForTest(path);
      const count = 20;
      const children = [1, 2, 3].map(() => startChild("race-process.ts", path, String(count)));
      await eventually("all are ready", () => children.every(({ lines }) => lines.includes("ready")));
      for (let number = 1; number <= count; number += 1) await new SampleRun(number).submit(stores);
      const holding = (): string[] => children.flatMap(({ lines }) => lines.filter((line) => line.startsWith("holding")));
      for (let turn = 1; turn <= children.length; turn += 1) {
        await eventually("somebody holds the lock", () => holding().length >= turn);
        expect(holding()).toHaveLength(turn);
        const holder = children.find(
          ({ lines, process: child }) => !child.killed && lines.some((line) => line.startsWith("holding")),
        );
        const { runId } = (await stores.locks.holder("ab".repeat(8))) ?? {};
        expect(holder?.lines.at(-1)).toBe(`holding ${runId ?? ""}`);
        holder?.process.kill("SIGKILL");
        expect(await holder?.ended).toBe("SIGKILL");
      }
      const got = children.flatMap(({ lines }) => lines.map(Number).filter((number) => !Number.isNaN(number)));
      expect(got.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
      const due = await stores.runs.due({ scope: null, queues: null, limit: 100 });
      expect(due).toHaveLength(count);
      expect(await stores.locks.holder("ab".repeat(8))).toBeUndefined();
    },
  );
});
