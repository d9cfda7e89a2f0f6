import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import pg from "pg";
import type { Cluster } from "../postgres/cluster.js";
import type { OrdealOptions, OrdealReport } from "./ordeal.js";
import { BuiltProcess } from "../kill/built-process.js";
import { endure } from "./ordeal.js";
import { fillUp, mountSmallDisk } from "./small-disk.js";
import { startCluster } from "../postgres/cluster.js";
import { until } from "../kill/until.js";

const SLOW = { timeout: 120_000 };
const built = new BuiltProcess("worker-process", import.meta.dirname);
let cluster: Cluster;
beforeAll(async () => {
  [cluster] = await Promise.all([startCluster(), built.build()]);
}, 120_000);
afterAll(async () => {
  built.remove();
  await cluster.remove();
});

let databases = 0;

async function ordeal(
  options: Omit<OrdealOptions, "cluster" | "built" | "database" | "forMs"> & { readonly cluster?: Cluster },
): Promise<OrdealReport> {
  databases += 1;
  return endure({ cluster, built, database: `chaos_${databases}`, forMs: 2_000, strikesMin: 2, ...options });
}

const countOf = (text: string, part: string): number => text.split(part).length - 1;

/** What must hold whatever happened, and that something did happen. */
function expectSound(report: OrdealReport): void {
  expect(report.problems).toEqual([]);
  expect(report.statuses).toEqual({ completed: report.runs });
  expect(report.effects).toBe(5 * report.runs);
  expectWork(report);
}

function expectWork(report: OrdealReport): void {
  expect(report.statuses["completed"]).toBeGreaterThan(5);
  expect(report.commits.ok).toBeGreaterThan(report.runs);
  expect(report.reads).toBeGreaterThan(0);
  for (const [name, strikes] of Object.entries(report.strikes))
    expect([name, strikes >= (name === "extra" ? 1 : 2)]).toEqual([name, true]);
}

describe("a fleet of three workers over a server with default durability", () => {
  test(
    "loses and doubles nothing while workers are killed, and frozen past their lease (reliability rows 12, 14, 40)",
    SLOW,
    async () => {
      expectSound(await ordeal({ monkeys: ["kill", "freeze"] }));
    },
  );

  test(
    "nor while the server crashes (-m immediate) and connections are cut before and after commits (reliability rows 17, 18, 19, 21, 23, 26)",
    SLOW,
    async () => {
      const report = await ordeal({ monkeys: ["restart", "cut"], mayFail: ["lock.lost"] });
      expect(report.problems).toEqual([]);
      expectWork(report);
      expect(report.lostRequests + report.lostReplies).toBeGreaterThan(0);
    },
  );

  test(
    "nor while the sessions that hold its locks are ended, and every event is refused for want of room (53100) (reliability rows 30, 48)",
    SLOW,
    async () => {
      const report = await ordeal({ monkeys: ["locks", "full"], mayFail: ["lock.lost"] });
      expect(report.problems).toEqual([]);
      expectWork(report);
      expect(report.commits.info).toBeGreaterThan(0);
    },
  );

  test(
    "nor while the disk is full in earnest: it goes on when there is room again (reliability row 30)",
    SLOW,
    async (context) => {
      const own = await startCluster();
      const disk = mountSmallDisk(own, 40);
      onTestFinished(async () => {
        disk?.remove();
        await own.remove();
      });
      if (disk === undefined) {
        context.skip("this account may not mount a file system");
        return;
      }
      const client = new pg.Client({ connectionString: own.url() });
      await client.connect();
      await client.query(`CREATE TABLESPACE small LOCATION '${disk.path}'`);
      await client.end();
      const before = countOf(own.log(), "No space left on device");
      const report = await ordeal({
        cluster: own,
        monkeys: [],
        tablespace: "small",
        strikesMin: 1,
        open: 48,
        before: async (database) => fillUp(own, database),
        extra: {
          everyMs: () => 20,
          strike: async () => {
            await until(() => countOf(own.log(), "No space left on device") > before + 5);
            disk.grow(200);
          },
        },
      });
      expectSound(report);
    },
  );

  test("and what is planted is found: an event taken away, an effect that came twice, a step that had none", SLOW, async () => {
    const report = await ordeal({
      monkeys: [],
      strikesMin: 0,
      tamper: async (world) => {
        await world.statement("ALTER TABLE runseal.event_rows DISABLE TRIGGER ALL");
        await world.statement(
          "DELETE FROM runseal.event_rows WHERE ctid IN (SELECT ctid FROM runseal.event_rows WHERE seq = 5 LIMIT 1)",
        );
        await world.statement(`INSERT INTO world.effects
          SELECT gen_random_uuid(), cls, run, step, attempt + 1, key, worker, true FROM world.effects WHERE step = 'paid' LIMIT 1`);
        await world.statement(
          "DELETE FROM world.effects WHERE call IN (SELECT call FROM world.effects WHERE step = 'last' LIMIT 1)",
        );
      },
    });
    const kinds = ["lost_append: ", "does not verify: ", "(manual) took effect 2 times", "the world knows nothing of it"];
    for (const kind of kinds) expect(report.problems.filter((problem) => problem.includes(kind))).toHaveLength(1);
    // whoever read the stream before saw what was taken away
    const others = report.problems.filter((problem) => !problem.startsWith("reordered: "));
    expect(others).toHaveLength(kinds.length);
  });
});
