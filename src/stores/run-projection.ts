import type { StreamWrite } from "./event-store.js";
import type { RunHead, StreamHead } from "../model/run.js";
import { isTerminal } from "../history/run-head.js";

/**
 * The head of a stream after a write: what every store puts beside the log.
 *
 * Of a run's projection, status, reason, `wakeAt` and `useKey` move; the rest is settled by the first write, `submittedAt` by the
 * store's clock. `startedAt` is the store's time of the first write that has one, and stays. A run that is parked or has ended has no
 * owner, whether or not the write gives the lease up.
 *
 * @param head - before the write, `undefined` for a new stream
 * @param at - the store's now, milliseconds since the epoch
 */
export function headAfter(write: StreamWrite, head: StreamHead | undefined, at: number): StreamHead {
  const last = write.events.at(-1);
  const run = runAfter(write.run, head?.run ?? null, at);
  return {
    scope: write.scope,
    stream: write.stream,
    seq: write.expectedSeq + write.events.length,
    hash: last?.hash ?? head?.hash ?? "",
    ...leaseAfter(write, head, at, run),
    run,
  };
}

function runAfter(next: RunHead | undefined, previous: RunHead | null, at: number): RunHead | null {
  if (next === undefined) return previous;
  const begunAt = next.startedAt === null ? null : at;
  if (previous === null) return { ...next, submittedAt: at, startedAt: begunAt };
  const { status, reason, wakeAt, useKey } = next;
  const startedAt = previous.startedAt ?? begunAt;
  return { ...previous, status, reason, wakeAt, useKey, startedAt };
}

function leaseAfter(
  write: StreamWrite,
  head: StreamHead | undefined,
  at: number,
  run: RunHead | null,
): Pick<StreamHead, "epoch" | "owner" | "leaseUntil"> {
  const epoch = write.claim?.epoch ?? head?.epoch ?? 0;
  const rests = run !== null && (run.status === "parked" || isTerminal(run.status));
  if (write.releaseLease === true || rests) return { epoch, owner: null, leaseUntil: null };
  if (write.claim !== undefined) return { epoch, owner: write.claim.owner, leaseUntil: at + write.claim.leaseMs };
  return { epoch, owner: head?.owner ?? null, leaseUntil: head?.leaseUntil ?? null };
}
