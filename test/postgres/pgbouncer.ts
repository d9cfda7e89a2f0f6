import { spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { freePort } from "./free-port.js";

/** What Debian's package needs beside what every machine has. */
const PACKAGES = ["pgbouncer", "libc-ares2", "libevent-2.1-7"];
const DOWNLOAD_MS = 60_000;
const START_MS = 10_000;

/** A pgbouncer that can be started, or why there is none. */
export type FoundBouncer =
  { readonly program: string; readonly libraries: string; readonly remove: () => void } | { readonly missing: string };

/** The one that is installed, else Debian's packages taken apart in a folder of their own: nothing is installed. At most a minute. */
export function findBouncer(): FoundBouncer {
  if (existsSync("/usr/sbin/pgbouncer")) return { program: "/usr/sbin/pgbouncer", libraries: "", remove: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), "runseal-bouncer-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  spawnSync("chmod", ["755", folder]);
  const got = spawnSync("apt-get", ["download", ...PACKAGES], { cwd: folder, timeout: DOWNLOAD_MS, encoding: "utf8" });
  const files = readdirSync(folder).filter((name) => name.endsWith(".deb"));
  for (const file of files) spawnSync("dpkg", ["-x", file, "."], { cwd: folder, timeout: DOWNLOAD_MS });
  const program = join(folder, "usr/sbin/pgbouncer");
  const found = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.includes(".so"));
  const libraries = [...new Set(found.map((name) => dirname(join(folder, name))))].join(":");
  const version = spawnSync(program, ["--version"], { env: { LD_LIBRARY_PATH: libraries }, encoding: "utf8" });
  if (version.status === 0) return { program, libraries, remove };
  remove();
  const reason = got.error?.message ?? (got.status === 0 ? version.stderr : got.stderr);
  return { missing: `no pgbouncer here: ${(reason || version.error?.message) ?? "unknown"}`.trim().slice(0, 400) };
}

/** How {@link startBouncer} pools. */
export interface BouncerOptions {
  readonly mode: "session" | "transaction";
  /** Of the server behind it. */
  readonly url: string;
}

/** Starts one in front of a server; gives the URL to connect to and what stops it. */
export async function startBouncer(
  { program, libraries }: Exclude<FoundBouncer, { missing: string }>,
  { mode, url }: BouncerOptions,
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "runseal-bouncer-"));
  const server = new URL(url);
  const port = await freePort();
  const database = server.pathname.slice(1);
  const login = `user=${server.username} password=${server.password}`;
  const lines = [
    "[databases]",
    `${database} = host=${server.hostname} port=${server.port} dbname=${database} ${login}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = any",
    `pool_mode = ${mode}`,
    "default_pool_size = 20",
  ];
  writeFileSync(join(folder, "bouncer.ini"), `${lines.join("\n")}\n`);
  // it refuses to run as root
  const isRoot = process.getuid?.() === 0;
  const account = isRoot ? { uid: 65_534, gid: 65_534 } : {};
  if (isRoot) for (const path of [folder, join(folder, "bouncer.ini")]) chownSync(path, 65_534, 65_534);
  const child = spawn(program, ["bouncer.ini"], {
    cwd: folder,
    stdio: "ignore",
    env: { LD_LIBRARY_PATH: libraries },
    ...account,
  });
  const ended = new Promise<void>((resolve) =>
    child.once("exit", () => {
      resolve();
    }),
  );
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const end = performance.now() + START_MS;
  while (!(await answers(port))) {
    if (performance.now() >= end || child.exitCode !== null) {
      await stop();
      throw new TypeError("pgbouncer did not start");
    }
    await later(20);
  }
  const through = new URL(url);
  through.port = String(port);
  return { url: through.href, stop };
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      resolve(false);
    });
  });
}
