import type { Access } from "../model/schema-description.js";
import type { InstanceParts } from "./parts.js";
import { RunsealError } from "../errors/error.js";
import { lockRequestsOf } from "../history/lock-requests.js";

/** An entity that host code wants to hold while it works. */
export interface LockedEntity {
  readonly kind: string;
  readonly id: string;
  /** Default `write`. */
  readonly access?: Access;
}

/**
 * Runs host code under the same locks that runs take, all at once and in the same order.
 *
 * @throws {@link RunsealError} `lock.contention` past the deadline (default 30 000 ms), `lock.required` without a lock manager
 */
export async function withLocks<T>(
  parts: InstanceParts,
  entities: readonly LockedEntity[],
  work: (held: { readonly lost: AbortSignal }) => Promise<T>,
  deadlineMs = 30_000,
): Promise<T> {
  const locks = parts.stores.locks;
  if (locks === undefined) {
    throw new RunsealError("lock.required", "these stores have no lock manager", {
      runbookId: "",
      writeSetSize: entities.length,
    });
  }
  const requests = lockRequestsOf(
    parts.scope,
    entities.map(({ kind, id, access }) => ({ kind, id, access: access ?? "write" })),
  );
  const owner = {
    scope: parts.scope,
    runId: `host-${parts.engine.env.uuid()}`,
    runbookId: "rb_",
    holder: parts.stores.owner,
  } as const;
  const held = await locks.acquire(requests, { deadlineMs, owner });
  try {
    return await work({ lost: held.lost });
  } finally {
    await held.release();
  }
}
