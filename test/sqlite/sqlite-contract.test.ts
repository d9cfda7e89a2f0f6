import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { SqliteTransaction } from "../../src/sqlite/sqlite-transaction.js";
import type { Stores } from "../../src/stores/stores.js";
import { openSqlite } from "../../src/sqlite/open-sqlite.js";
import { ownerOf } from "../../src/sql/owner.js";
import { contractSuite, type OpenedEnv } from "../stores/contract-suite.js";
import { TurnedClock } from "../stores/turned-clock.js";
import { tempFile } from "./temp-file.js";

/** A process that does nothing but live, in whose name stores are opened: killing it is the death of their owner. */
async function idleProcess(): Promise<ChildProcess & { readonly pid: number }> {
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  await once(child, "spawn");
  const { pid } = child;
  if (pid === undefined) throw new Error("the process has no pid");
  return Object.assign(child, { pid });
}

async function openFile(): Promise<OpenedEnv> {
  const path = tempFile();
  const clock = new TurnedClock(1_700_000_000_000);
  const opened: Stores[] = [openSqlite(path, { clock })];
  const processes = new Map<string, ChildProcess>();
  const kill = async (owner: string): Promise<void> => {
    const child = processes.get(owner);
    processes.delete(owner);
    if (child?.kill("SIGKILL") === true) await once(child, "exit");
  };
  const [stores] = opened as [Stores];
  return {
    stores,
    openAnother: async () => {
      const child = await idleProcess();
      const owner = ownerOf(child.pid);
      processes.set(owner, child);
      const other = openSqlite(path, { clock, owner });
      opened.push(other);
      return other;
    },
    advance: (ms) => clock.advance(ms),
    rows: {
      put: (tx, key, value) => {
        const sql = tx as SqliteTransaction;
        sql.run("CREATE TABLE IF NOT EXISTS host_rows (key TEXT PRIMARY KEY, value TEXT NOT NULL)");
        sql.run("INSERT INTO host_rows (key, value) VALUES (?, ?)", [key, value]);
      },
      get: (tx, key) => {
        const sql = tx as SqliteTransaction;
        if (sql.get("SELECT 1 FROM sqlite_schema WHERE name = 'host_rows'") === undefined) return undefined;
        return sql.get("SELECT value FROM host_rows WHERE key = ?", [key])?.["value"] as string | undefined;
      },
    },
    kill: ({ owner }) => kill(owner),
    dispose: async () => {
      for (const each of opened) await each.close();
      for (const owner of [...processes.keys()]) await kill(owner);
    },
  };
}

contractSuite("sqlite", openFile);
