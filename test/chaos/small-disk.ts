import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import type { Cluster } from "../postgres/cluster.js";

/** A file system of its own that is small, and can be made larger. */
export interface SmallDisk {
  readonly path: string;
  /** Makes it larger, in mebibytes. */
  readonly grow: (mebibytes: number) => void;
  readonly remove: () => void;
}

/** Mounts a small file system inside a cluster's folder; `undefined` where this account may not, or the system has no such thing. */
export function mountSmallDisk(cluster: Cluster, mebibytes: number): SmallDisk | undefined {
  const path = join(cluster.folder, "small");
  mkdirSync(path);
  if (!mount(["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", path])) return undefined;
  // to whom the data belong
  const { uid, gid } = statSync(join(cluster.folder, "data"));
  chownSync(path, uid, gid);
  return {
    path,
    grow: (size) => {
      if (!mount(["-o", `remount,size=${size}m`, path])) throw new TypeError("the file system could not be made larger");
    },
    remove: () => {
      const { status, stderr } = spawnSync("umount", ["-l", path], { encoding: "utf8" });
      if (status !== 0) throw new TypeError(`the file system could not be unmounted: ${stderr}`);
    },
  };
}

function mount(args: readonly string[]): boolean {
  const { status } = spawnSync("mount", args);
  return status === 0;
}

/** Fills the disk of a database up to the last mebibyte or so. */
export async function fillUp(cluster: Cluster, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: cluster.url(database) });
  await client.connect();
  await client.query("CREATE TABLE spare (bytes text)");
  await client.query("CREATE TABLE filler (bytes text)");
  for (const table of ["spare", "filler"]) {
    await client.query(`ALTER TABLE ${table} ALTER COLUMN bytes SET STORAGE EXTERNAL`);
  }
  const grow = async (table: string): Promise<unknown> =>
    client.query(`INSERT INTO ${table} SELECT repeat('x', 100000) FROM generate_series(1, 5)`);
  await grow("spare");
  try {
    for (;;) await grow("filler");
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== "53100") throw error;
  }
  await client.query("DROP TABLE spare");
  await client.end();
}
