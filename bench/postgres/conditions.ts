import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";

const BENCH = join(import.meta.dirname, "..");
const PEERS = [
  "@dbos-inc/dbos-sdk",
  "openworkflow",
  "@restatedev/restate-server",
  "@restatedev/restate-sdk",
  "graphile-worker",
  "pg",
  "postgres",
];

let node22: string | undefined;

/** The Node that runs this, or one of version 22 where a peer needs it. */
export function nodeFor(needsNode22: boolean): string {
  if (!needsNode22 || Number(process.versions.node.split(".")[0]) >= 22) return process.execPath;
  node22 ??= execFileSync("npx", ["-y", "-p", "node@22", "node", "-p", "process.execPath"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 120_000,
  }).trim();
  return node22;
}

/** Why a peer can't be run; `undefined` when it can. */
export function peerProblem(peer: string): string | undefined {
  return existsSync(join(BENCH, "node_modules", peer)) ? undefined : "not installed: npm ci --prefix bench";
}

/** One-minute load. */
export function loadNow(): number {
  return loadavg()[0] ?? Number.NaN;
}

/** What every table of results states. */
export function conditions(postgres: string, loads: readonly number[]): string {
  const peers = PEERS.filter((peer) => peerProblem(peer) === undefined).map(
    (peer) => `${peer} ${versionOf(join(BENCH, "node_modules", peer))}`,
  );
  const peersNode = node22 === undefined ? [] : [`Restate's SDK and graphile-worker on Node ${versionOfNode(node22)}`];
  return [
    `runseal ${versionOf(join(BENCH, ".."))}`,
    `PostgreSQL ${postgres} with its defaults`,
    `Node ${process.version}`,
    ...peersNode,
    ...peers,
    `${cpus().length} x ${cpus()[0]?.model.trim() ?? "?"}`,
    `load ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`,
  ].join(", ");
}

function versionOf(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { readonly version: string }).version;
}

function versionOfNode(path: string): string {
  return execFileSync(path, ["--version"], { encoding: "utf8" }).trim();
}
