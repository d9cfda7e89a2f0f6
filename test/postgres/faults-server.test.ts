import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { Cluster } from "./cluster.js";
import { isRunsealError } from "../../src/errors/error.js";
import { eventually } from "../../src/testing/store-contract/contract-case.js";
import { completed, entered, SampleRun } from "../../src/testing/store-contract/sample-run.js";
import { createWorker } from "runseal";
import { compiled, openShop } from "../instance/shop.js";
import { intactEvents, newSchema, openStores } from "./fault-ground.js";
import { freePort } from "./free-port.js";
import { startCluster } from "./cluster.js";

const SLOW = { timeout: 60_000 };

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ settings: { max_connections: 8, superuser_reserved_connections: 0 } });
}, 60_000);
afterAll(async () => {
  await cluster.remove();
});

describe("a server that is restarted", () => {
  test.each(["fast", "immediate"] as const)(
    "(-m %s) under runs at work costs them nothing that was acknowledged: all end, those without locks completed (reliability rows 21 and 23)",
    SLOW,
    async (mode) => {
      const { stores } = openStores(cluster.url(), newSchema(), { busyMs: 30_000 });
      let server: "up" | "going" | "back" = "up";
      const waiting = new Set<string>();
      // each run is in the middle of a step while the server goes
      const slow = async <T>(name: string, until: "going" | "back", result: T): Promise<T> => {
        waiting.add(name);
        await eventually(`the server is ${until}`, () => server === until || server === "back");
        return result;
      };
      const { runseal, calls } = openShop({
        stores,
        answers: {
          "math.add": ({ a, b }: { a: number; b: number }) => slow(`sum ${a}`, "going", { sum: a + b }),
          "stock.reserve": ({ item }: { item: string }) => slow(`item ${item}`, "back", { reservation: item }),
        },
      });
      onTestFinished(() => runseal.close());
      const submit = async (name: string, args: unknown, intent: string): Promise<string> =>
        (await runseal.submit((await compiled(runseal, name, args, intent)).id)).runId;
      const unlocked = await Promise.all([1, 2, 3].map((a) => submit("math.add", { a, b: 0 }, `sum ${a}`)));
      const locked = await submit("stock.reserve", { order: "o-1", item: "x" }, "item x");
      const worker = createWorker(runseal, { concurrency: 4 });
      worker.start();
      await eventually("all are in their step", () => waiting.size === 4);
      const restarting = cluster.restart(mode);
      server = "going";
      await restarting;
      server = "back";
      await eventually("all have ended", async () => (await runseal.list({ status: ["completed", "failed"] })).length === 4);
      await worker.drain();
      expect(calls).toHaveLength(4);
      for (const runId of [...unlocked, locked]) {
        expect(await runseal.verify(runId)).toMatchObject({ integrity: "ok", problems: [] });
      }
      for (const runId of unlocked) {
        expect(await stores.reader.head("default", `run/${runId}`)).toMatchObject({ run: { status: "completed" } });
      }
      // what it did under its locks may have met others: the run says so instead of going on
      expect(await stores.reader.head("default", `run/${locked}`)).toMatchObject({
        run: { status: "failed", reason: "lock.lost" },
      });
    },
  );
});

describe("a server that is not there", () => {
  test("at the start is told by its code after the configured time (reliability row 22)", SLOW, async () => {
    const port = await freePort();
    const { stores } = openStores(`postgres://nobody@127.0.0.1:${port}/none`, newSchema(), { busyMs: 100 });
    const before = performance.now();
    const thrown: unknown = await stores.reader.head("default", "run/x").catch((error: unknown) => error);
    expect(isRunsealError(thrown, "store.connection_lost") && thrown.details.sqlState).toBe("ECONNREFUSED");
    expect(performance.now() - before).toBeGreaterThanOrEqual(100);
    for (const call of [() => stores.events.commit([new SampleRun(1).submission()]), () => stores.leases.now()]) {
      await expect(call()).rejects.toMatchObject({ code: "store.connection_lost" });
    }
  });

  test("stopped and started again, it serves the same stores (reliability rows 21 and 22)", SLOW, async () => {
    const { stores } = openStores(cluster.url(), newSchema(), { busyMs: 1_500 });
    const run = new SampleRun(1);
    await run.submit(stores);
    await cluster.stop();
    await expect(run.start(stores)).rejects.toMatchObject({ code: "store.connection_lost" });
    await cluster.start();
    await run.start(stores);
    await run.commit(stores, [entered("a")]);
    expect(await intactEvents(stores, run)).toHaveLength(4);
  });

  test("leaves a program a coded error, an exit code and no hanging process (reliability row 22)", SLOW, async () => {
    const port = await freePort();
    const script = `
      import pg from "pg";
      import { postgresStores } from "./src/postgres.js";
      const pool = new pg.Pool({ host: "127.0.0.1", port: ${port} });
      const stores = postgresStores(pool, { busyMs: 100 });
      try { await stores.leases.now(); } catch (error) { console.log(error.code); process.exitCode = 3; }
      await stores.close(); await pool.end();`;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      cwd: join(import.meta.dirname, "../.."),
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect([said.trim(), code]).toEqual(["store.connection_lost", 3]);
  });
});

/** A server that answers everybody who connects with one fatal error, so many times, then passes the address on. */
async function refusing(state: string, message: string): Promise<{ readonly url: string; readonly asked: () => number }> {
  let asked = 0;
  const fields = `SFATAL\0VFATAL\0C${state}\0M${message}\0\0`;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      asked += 1;
      const body = Buffer.from(fields);
      const head = Buffer.alloc(5);
      head.write("E");
      head.writeInt32BE(body.length + 4, 1);
      socket.end(Buffer.concat([head, body]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return { url: `postgres://u@127.0.0.1:${(server.address() as AddressInfo).port}/d`, asked: () => asked };
}

describe("a server that takes nobody", () => {
  test.each([
    ["57P03", "the database system is starting up", "store.connection_lost"],
    ["57P03", "the database system is shutting down", "store.connection_lost"],
    ["53300", "sorry, too many clients already", "store.too_many_connections"],
  ])(
    "%s, %s: is asked again until the deadline, then told as %s (reliability rows 23 and 24)",
    SLOW,
    async (state, message, code) => {
      const { url, asked } = await refusing(state, message);
      const { stores } = openStores(url, newSchema(), { busyMs: 100 });
      const thrown: unknown = await stores.events.commit([new SampleRun(1).submission()]).catch((error: unknown) => error);
      expect(thrown).toMatchObject({ code, details: { sqlState: state } });
      expect(asked()).toBeGreaterThan(1);
    },
  );

  test("because all connections are taken: waits, and goes on when one is free (reliability row 24)", SLOW, async () => {
    const schema = newSchema();
    const first = openStores(cluster.url(), schema, {}, { max: 1 });
    const run = new SampleRun(1);
    await run.submit(first.stores);
    const takers: pg.Client[] = [];
    onTestFinished(async () => {
      for (const taker of takers) await taker.end();
    });
    let isFull = false;
    while (!isFull) {
      const taker = new pg.Client({ connectionString: cluster.url() });
      taker.on("error", () => undefined);
      try {
        await taker.connect();
        takers.push(taker);
      } catch (error) {
        expect(error).toMatchObject({ code: "53300" });
        isFull = true;
      }
    }
    const hasty = openStores(cluster.url(), schema, { busyMs: 60 });
    await expect(hasty.stores.leases.now()).rejects.toMatchObject({ code: "store.too_many_connections" });
    await expect(hasty.stores.events.commit([run.claim(hasty.stores)])).rejects.toMatchObject({
      code: "store.too_many_connections",
    });
    const patient = openStores(cluster.url(), schema);
    const claiming = run.start(patient.stores);
    await takers.pop()?.end();
    await claiming;
    await run.commit(patient.stores, [entered("a"), completed("a")]);
    expect(await intactEvents(first.stores, run)).toHaveLength(5);
  });
});
