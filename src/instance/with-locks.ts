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
 * @throws {@link RunsealError} `lock.contention` past the deadline (default 30 000 ms), `lock.required` without a lock manager,
 * `run.invalid_option` for what is no entity
 */
export async function withLocks<T>(
  parts: InstanceParts,
  entities: readonly LockedEntity[],
  work: (held: { readonly lost: AbortSignal }) => Promise<T>,
  deadlineMs = 30_000,
): Promise<T> {
  const sound = soundEntities(entities);
  const locks = parts.stores.locks;
  if (locks === undefined) {
    throw new RunsealError("lock.required", "these stores have no lock manager", {
      runbookId: "",
      writeSetSize: sound.length,
    });
  }
  const requests = lockRequestsOf(parts.scope, sound);
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

/** Others may be answered in the same statement: what no lock is made of must not get that far. */
function soundEntities(entities: unknown): readonly Required<LockedEntity>[] {
  if (!Array.isArray(entities)) throw refused("entities", "a list of { kind, id, access? }");
  return entities.map((entity: unknown, place) => {
    const where = `entities[${place}]`;
    if (typeof entity !== "object" || entity === null) throw refused(where, "{ kind, id, access? }");
    const { kind, id, access = "write" } = entity as Readonly<Record<string, unknown>>;
    if (typeof kind !== "string" || kind === "") throw refused(`${where}.kind`, "the kind of an entity, a string");
    if (typeof id !== "string" || id === "") throw refused(`${where}.id`, "the id of an entity, a string");
    if (access !== "read" && access !== "write") throw refused(`${where}.access`, '"read" or "write"');
    return { kind, id, access };
  });
}

function refused(option: string, right: string): RunsealError<"run.invalid_option"> {
  return new RunsealError("run.invalid_option", `"${option}" must be ${right}`, { option });
}
