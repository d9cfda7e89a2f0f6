import type { SessionLink } from "./session-link.js";
import { inTime } from "./session-link.js";

/** How long a second connection may take that tries to take the backend away, milliseconds. */
const RIVAL_MS = 2_000;

const TAKE = "SELECT pg_backend_pid() AS pid, pg_try_advisory_lock($1) AS got";
const LOOK = `SELECT pg_backend_pid() AS pid, EXISTS (SELECT 1 FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.pid = pg_backend_pid()
    AND ((l.classid::bigint << 32) | l.objid::bigint) = $1::bigint) AS has`;

/** What the check came to. */
export type PoolerVerdict = { readonly pid: number } | { readonly reason: string };

/**
 * Finds out whether one backend serves this connection for good: takes a session-level lock in one statement and looks for it, and for
 * the same backend, in the next. On a true session the lock stays: it is the mark by which others see that the session lives.
 *
 * Where the server's process is not the one told when connecting, something stands between. An idle pooler would give back the same
 * backend by chance, so a second connection takes a backend away between the two statements and holds it in a transaction.
 *
 * @param mark - signed 64-bit key that nobody else uses
 * @param rival - makes the second connection
 */
export async function checkForPooler(link: SessionLink, mark: string, rival: () => Promise<SessionLink>): Promise<PoolerVerdict> {
  const [taken] = (await link.query(TAKE, [mark])).rows;
  const pid = Number(taken?.["pid"]);
  const look = async (): Promise<PoolerVerdict> => {
    const [seen] = (await link.query(LOOK, [mark])).rows;
    if (Number(seen?.["pid"]) === pid && seen?.["has"] === true) return { pid };
    await link.query("SELECT pg_advisory_unlock($1)", [mark]);
    return { reason: "two statements of one connection were served by two backends" };
  };
  if (taken?.["got"] !== true) return { reason: "a lock that nobody else knows was held by somebody else" };
  return pid === link.toldPid ? look() : besideRival(rival, look);
}

async function besideRival(rival: () => Promise<SessionLink>, look: () => Promise<PoolerVerdict>): Promise<PoolerVerdict> {
  const connecting = rival();
  // where no second backend is to be had, ours is not given away
  const hasRival = await inTime(connecting.then(beginTransaction), RIVAL_MS).catch(() => false);
  try {
    return await look();
  } catch (error) {
    if (!hasRival) throw error;
    return { reason: "a statement waited for a backend while another connection was in a transaction" };
  } finally {
    connecting.then((other) => other.end(), ignore);
  }
}

async function beginTransaction(other: SessionLink): Promise<boolean> {
  await other.query("BEGIN");
  await other.query("SELECT pg_backend_pid()");
  return true;
}

function ignore(): void {
  // a connection that could not be made need not be ended
}
