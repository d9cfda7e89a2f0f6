import { randomUUID } from "node:crypto";
import pg from "pg";
import { onTestFinished } from "vitest";
import type { CommitAnswer, StreamWrite } from "../../src/stores/event-store.js";
import type { PostgresStores, PostgresStoresOptions } from "../../src/postgres/postgres-stores.js";
import type { StoredEvent } from "../../src/model/event.js";
import type { Stores } from "../../src/stores/stores.js";
import type { SampleRun } from "../../src/testing/store-contract/sample-run.js";
import type { TcpProxy } from "./tcp-proxy.js";
import { postgresStores } from "../../src/postgres/postgres-stores.js";
import { verifyChain } from "../../src/history/verify-chain.js";
import { collect, eventually } from "../../src/testing/store-contract/contract-case.js";
import { startTcpProxy } from "./tcp-proxy.js";

/** Stores as one process has them: a pool of its own, an owner of its own. */
export interface OpenedStores {
  readonly stores: PostgresStores;
  readonly pool: pg.Pool;
}

/** How long a call of these stores tries unless a test says otherwise: longer than any machine is busy. Milliseconds. */
const BUSY_MS = 15_000;

/** Opens stores over a server; both are closed when the test ends. */
export function openStores(
  url: string,
  schema: string,
  options: PostgresStoresOptions = {},
  poolOptions: pg.PoolConfig = {},
): OpenedStores {
  const pool = new pg.Pool({ connectionString: url, max: 4, ...poolOptions });
  pool.on("error", () => undefined);
  const stores = postgresStores(pool, { schema, migrate: "auto", busyMs: BUSY_MS, owner: `owner-${randomUUID()}`, ...options });
  onTestFinished(async () => {
    await stores.close();
    await pool.end();
  });
  return { stores, pool };
}

/** A schema name that nobody else has. */
export const newSchema = (): string => `t_${randomUUID().replaceAll("-", "")}`;

/** A proxy in front of a server, closed when the test ends, and the server's address through it. */
export async function openProxy(url: string): Promise<{ readonly proxy: TcpProxy; readonly url: string }> {
  const through = new URL(url);
  const proxy = await startTcpProxy(Number(through.port));
  onTestFinished(() => proxy.close());
  through.hostname = "127.0.0.1";
  through.port = String(proxy.port);
  return { proxy, url: through.href };
}

/** A pool for looking at the server and doing things to its sessions, closed when the test ends. */
export function adminPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on("error", () => undefined);
  onTestFinished(() => pool.end());
  return pool;
}

/** Waits until a backend of a schema's statements waits for something, and gives its process. */
export async function waitingBackend(admin: pg.Pool, waitEvent: string, schema: string): Promise<number> {
  let pid: unknown;
  await eventually(`a backend waits in ${waitEvent}`, async () => {
    const text =
      "SELECT pid FROM pg_stat_activity WHERE wait_event = $1 AND position($2 in query) > 0 AND pid <> pg_backend_pid()";
    pid = (await admin.query<{ pid: number }>(text, [waitEvent, schema])).rows[0]?.pid;
    return pid !== undefined;
  });
  return Number(pid);
}

/** The events of a run, after seeing to it that they chain from its beginning to its head. */
export async function intactEvents(stores: Stores, run: SampleRun): Promise<readonly StoredEvent[]> {
  const events = await collect(stores.reader.read(run.scope, run.stream));
  const verdict = verifyChain(run.scope, run.stream, events);
  const head = await stores.reader.head(run.scope, run.stream);
  if (verdict.integrity !== "ok") throw new TypeError(JSON.stringify(verdict.integrity));
  if (verdict.head.hash !== head?.hash) throw new TypeError("the head is not that of the last event");
  return events;
}

/** The answer of a commit of one stream that was written. */
export function committedOf(write: StreamWrite, answer: CommitAnswer): CommitAnswer {
  const head = { stream: write.stream, seq: write.expectedSeq + write.events.length, hash: write.events.at(-1)?.hash ?? "" };
  return { kind: "committed", heads: [head], at: answer.kind === "committed" ? answer.at : Number.NaN };
}
