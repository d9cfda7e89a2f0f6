import type { Access } from "../model/schema-description.js";
import type { EntityRef } from "../model/write-set.js";
import type { Scope } from "../model/ids.js";
import { canonicalize } from "../json/canonical.js";
import { isUuid } from "../json/uuid.js";
import { sha256Hex } from "../json/digest.js";

/** An entity to lock: what `LockManager.acquire` takes. */
export interface EntityLock extends EntityRef {
  readonly key: string;
  readonly access: Access;
}

/**
 * The lock key of an entity: 16 hex digits, the first 8 bytes of SHA-256 over canonical `[scope, kind, id]` (decision 3.5).
 *
 * A UUID names the same entity under every kind, so its kind is left out and it is compared in lower case.
 */
export function lockKeyOf(scope: Scope, entity: EntityRef): string {
  const parts = isUuid(entity.id) ? [scope, entity.id.toLowerCase()] : [scope, entity.kind, entity.id];
  return sha256Hex(canonicalize(parts)).slice(0, 16);
}

/**
 * What to lock for a list of entities: each key once, write before read, sorted by key, so that everybody asks in one order.
 *
 * Cost: n log n.
 */
export function lockRequestsOf(
  scope: Scope,
  entities: readonly (EntityRef & { readonly access: Access })[],
): readonly EntityLock[] {
  const byKey = new Map<string, EntityLock>();
  for (const { kind, id, access } of entities) {
    const key = lockKeyOf(scope, { kind, id });
    const known = byKey.get(key);
    if (known === undefined || (known.access === "read" && access === "write")) byKey.set(key, { key, kind, id, access });
  }
  return [...byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
}
