import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Cluster } from "./cluster.js";
import type { TcpProxy } from "./tcp-proxy.js";
import { UNSAFE_SETTINGS, startCluster } from "./cluster.js";
import { startTcpProxy } from "./tcp-proxy.js";
import { until } from "../kill/until.js";

let cluster: Cluster;
let direct: pg.Client;
beforeAll(async () => {
  cluster = await startCluster({ settings: UNSAFE_SETTINGS });
  direct = new pg.Client({ connectionString: cluster.url() });
  await direct.connect();
  await direct.query("CREATE TABLE note (text text PRIMARY KEY)");
}, 60_000);
afterAll(async () => {
  await direct.end();
  await cluster.remove();
});

let proxy: TcpProxy;
beforeEach(async () => {
  proxy = await startTcpProxy(cluster.port);
  return async () => {
    await proxy.close();
  };
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: cluster.url("postgres", proxy.port) });
  client.on("error", () => undefined);
  onTestFinished(async () => {
    await client.end();
  });
  await client.connect();
  return client;
}

const note = async (client: pg.Client, text: string): Promise<unknown> => client.query("INSERT INTO note VALUES ($1)", [text]);

async function isNoted(text: string): Promise<boolean> {
  return (await direct.query("SELECT 1 FROM note WHERE text = $1", [text])).rowCount === 1;
}

const LOST = /terminated|ECONNRESET|EPIPE/;

describe("a proxy in front of a server", () => {
  test("passes everything on as long as nobody asks for trouble", async () => {
    const client = await connect();
    const text = "x".repeat(300_000);
    expect((await client.query("SELECT $1 || 'y' AS t", [text])).rows).toEqual([{ t: `${text}y` }]);
    expect([proxy.open, proxy.cuts]).toEqual([1, 0]);
    await client.end();
    await until(() => proxy.open === 0);
  });

  test("lets a COMMIT through and drops its reply: the client hears nothing, and the row is there (reliability row 18)", async () => {
    const client = await connect();
    const text = randomUUID();
    await client.query("BEGIN");
    await note(client, text);
    const dropped = proxy.trap("COMMIT", "drop_reply");
    await expect(client.query("COMMIT")).rejects.toThrow(LOST);
    await dropped;
    expect(await isNoted(text)).toBe(true);
    expect(proxy.cuts).toBe(1);
  });

  test("drops the request before it reaches the server: the client hears the same, and the row is not there (reliability row 19)", async () => {
    const client = await connect();
    const text = randomUUID();
    await client.query("BEGIN");
    await note(client, text);
    const dropped = proxy.trap("COMMIT", "drop_request");
    await expect(client.query("COMMIT")).rejects.toThrow(LOST);
    await dropped;
    await until(async () => (await direct.query("SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in%'")).rowCount === 0);
    expect(await isNoted(text)).toBe(false);
  });

  test("finds a pattern in a parameter of a single statement, at the time it is told, and lets others alone", async () => {
    const [client, other] = [await connect(), await connect()];
    const text = randomUUID();
    const dropped = proxy.trap(text, "drop_reply", 2);
    await client.query("SELECT $1::text", [text]);
    await note(other, randomUUID());
    await expect(note(client, text)).rejects.toThrow(LOST);
    await dropped;
    expect(await isNoted(text)).toBe(true);
    expect((await other.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });

  test("finds a pattern that two chunks share", async () => {
    const client = await connect();
    const text = randomUUID();
    const long = `${"z".repeat(200_000)}${text}`;
    const dropped = proxy.trap(text, "drop_request");
    await expect(note(client, long)).rejects.toThrow(LOST);
    await dropped;
    expect(await isNoted(long)).toBe(false);
  });

  test("cuts at the n-th chunk that a client sends", async () => {
    const client = await connect();
    const cut = proxy.trapNth(3, "cut");
    await client.query("SELECT 1");
    await client.query("SELECT 2");
    await expect(client.query("SELECT 3")).rejects.toThrow(LOST);
    await cut;
    expect(proxy.cuts).toBe(1);
  });

  test.each(["reset", "end"] as const)("cuts every connection (%s), and takes new ones (reliability row 17)", async (how) => {
    const clients = [await connect(), await connect()];
    const ended = clients.map((client) => new Promise((resolve) => client.once("end", resolve)));
    proxy.cut(how);
    await Promise.all(ended);
    expect([proxy.open, proxy.cuts]).toEqual([0, 2]);
    expect((await (await connect()).query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });

  test("a black hole answers nothing, to old connections and new ones, until it ends (reliability rows 27, 28)", async () => {
    const client = await connect();
    proxy.blackHole(true);
    const text = randomUUID();
    const noted = note(client, text);
    const late = new pg.Client({ connectionString: cluster.url("postgres", proxy.port), connectionTimeoutMillis: 100 });
    late.on("error", () => undefined);
    await expect(late.connect()).rejects.toThrow(/timeout/);
    expect(await isNoted(text)).toBe(false);
    proxy.blackHole(false);
    await noted;
    expect(await isNoted(text)).toBe(true);
  });

  test("refuses connections as a server that is away, and lets them in again", async () => {
    proxy.refuse(true);
    const client = new pg.Client({ connectionString: cluster.url("postgres", proxy.port) });
    client.on("error", () => undefined);
    await expect(client.connect()).rejects.toThrow(LOST);
    proxy.refuse(false);
    expect((await (await connect()).query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });

  test("a judge decides about each chunk by its own chances", async () => {
    const client = await connect();
    const seen: string[] = [];
    proxy.judge = (chunk) => {
      seen.push(chunk.toString("latin1"));
      return seen.length === 2 ? "drop_reply" : "forward";
    };
    await client.query("SELECT 'first'");
    await expect(client.query("SELECT 'second'")).rejects.toThrow(LOST);
    expect(seen.map((chunk) => /first|second/.exec(chunk)?.[0])).toEqual(["first", "second"]);
    expect(proxy.struck).toMatchObject({ drop_request: 0, drop_reply: 1, cut: 0 });
  });
});
