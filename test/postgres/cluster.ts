import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import type { ServerBinaries } from "./server-binaries.js";
import { findBinaries } from "./server-binaries.js";
import { freePort } from "./free-port.js";
import { guardFolder } from "./cluster-guard.js";

/** What {@link startCluster} takes. */
export interface ClusterOptions {
  /**
   * Settings of the server beside `listen_addresses`. Default none: `fsync` and `synchronous_commit` are on, as a server comes.
   */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Folder of `initdb` and `postgres`, e.g. `debianPrograms(15)`. Default: the embedded server of the dev dependency. */
  readonly programs?: string;
}

/** How a server is stopped: `fast` ends its sessions and writes a checkpoint, `immediate` is as good as a crash. */
export type StopMode = "fast" | "immediate";

const SIGNALS = { fast: "SIGINT", immediate: "SIGQUIT" } as const;
/** A recovery after `immediate` may take a while on a busy disk. */
const START_MS = 60_000;
const PORT_TRIES = 5;

/** Settings for tests of function only: nothing survives a power cut, and it is faster. */
export const UNSAFE_SETTINGS = { fsync: "off", synchronous_commit: "off", full_page_writes: "off" } as const;

/**
 * Starts a PostgreSQL of one's own: own folder, own port of the loopback address, own password.
 *
 * Runs as root too (as `postgres` or `nobody` then). Its folder, named `runseal-pg-*`, and its server go when `remove` is called,
 * when the start fails, and when this process ends in any way. About half a second.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), "runseal-pg-"));
  const release = guardFolder(folder);
  try {
    const binaries = await findBinaries(folder, options.programs);
    const password = randomBytes(12).toString("hex");
    initialize(folder, binaries, password);
    for (let tries = 1; ; tries += 1) {
      const cluster = new Cluster({
        folder,
        binaries,
        password,
        port: await freePort(),
        settings: options.settings ?? {},
        release,
      });
      try {
        await cluster.start();
        return cluster;
      } catch (error) {
        const isTaken = error instanceof Error && error.message.includes("Address already in use");
        if (!isTaken || tries === PORT_TRIES) throw error;
      }
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    release();
    throw error;
  }
}

interface Place {
  readonly folder: string;
  readonly binaries: ServerBinaries;
  readonly password: string;
  readonly port: number;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly release: () => void;
}

/** A server that its owner starts, stops and restarts. */
export class Cluster {
  /** Of the loopback address; the same after a restart. */
  readonly port: number;
  /** Where everything of it is. */
  readonly folder: string;
  readonly password: string;
  readonly #place: Place;
  #server: ChildProcess | undefined;

  constructor(place: Place) {
    this.#place = place;
    this.port = place.port;
    this.folder = place.folder;
    this.password = place.password;
  }

  /** Connection string of the superuser `postgres`; another port when a proxy stands in front. */
  url(database = "postgres", port = this.port): string {
    return `postgres://postgres:${this.password}@127.0.0.1:${port}/${database}`;
  }

  /** Process id of the server, `undefined` while it is stopped. */
  get pid(): number | undefined {
    return this.#server?.pid;
  }

  /** What the server wrote to its log. */
  log(): string {
    return textOf(this.#logFile);
  }

  /** Starts it and waits until it accepts connections, recovery included. Does nothing while it runs. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const { binaries, folder, settings } = this.#place;
    const socketFolder = process.platform === "win32" ? "" : folder;
    const given = { listen_addresses: "127.0.0.1", unix_socket_directories: socketFolder, ...settings };
    const log = openSync(this.#logFile, "a");
    const server = spawn(
      binaries.postgres,
      [
        "-D",
        this.#data,
        "-p",
        String(this.port),
        ...Object.entries(given).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      { ...binaries.account, cwd: folder, stdio: ["ignore", log, log], detached: true },
    );
    closeSync(log);
    // the guard stops it: it must not keep its owner alive
    server.unref();
    this.#server = server;
    server.once("exit", () => {
      if (this.#server === server) this.#server = undefined;
    });
    const failed = new Promise<never>((_, reject) => {
      server.once("error", reject);
      server.once("exit", (code) => {
        reject(new TypeError(`the server ended with ${String(code)}: ${this.log().slice(-4_000)}`));
      });
    });
    try {
      await Promise.race([this.#ready(server), failed]);
    } catch (error) {
      await this.stop("immediate");
      throw error;
    }
  }

  /** Stops it and waits for its end; the data stay. Does nothing while it is stopped. */
  async stop(mode: StopMode = "fast"): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const gone = new Promise<void>((resolve) => {
      server.once("exit", () => {
        resolve();
      });
    });
    server.ref();
    server.kill(SIGNALS[mode]);
    await gone;
  }

  /** Stops and starts it at the same port. */
  async restart(mode: StopMode = "fast"): Promise<void> {
    await this.stop(mode);
    await this.start();
  }

  /** Stops it and removes its folder. */
  async remove(): Promise<void> {
    await this.stop("immediate");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    this.#place.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  get #data(): string {
    return join(this.folder, "data");
  }

  get #logFile(): string {
    return join(this.folder, "server.log");
  }

  /** The eighth line of its lock file says `ready` when it accepts connections. */
  async #ready(server: ChildProcess): Promise<void> {
    const file = join(this.#data, "postmaster.pid");
    const end = performance.now() + START_MS;
    while (performance.now() < end && this.#server === server) {
      const lines = textOf(file).split("\n");
      if (Number(lines[0]) === server.pid && lines[7]?.trim() === "ready") return;
      await later(10);
    }
    throw new TypeError(`the server was not ready after ${START_MS} ms: ${this.log().slice(-4_000)}`);
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function initialize(folder: string, { initdb, account }: ServerBinaries, password: string): void {
  const file = join(folder, "password");
  writeFileSync(file, password, { mode: 0o600 });
  if (account !== null) for (const path of [folder, file]) chownSync(path, account.uid, account.gid);
  const args = ["-U", "postgres", "--pwfile", file, "-A", "scram-sha-256", "--no-sync", "-E", "UTF8", "--locale=C"];
  const { status, stderr, error } = spawnSync(initdb, ["-D", join(folder, "data"), ...args], {
    ...account,
    cwd: folder,
    encoding: "utf8",
  });
  if (status !== 0) throw new TypeError(`initdb failed: ${error?.message ?? stderr}`);
  rmSync(file);
}
