import type { EntityRef } from "../model/write-set.js";
import { isUuid } from "../json/uuid.js";

/** The kind of an entity that is known by nothing but a UUID in an argument. */
export const UNDECLARED_KIND = "uuid";

/** The UUID that a text is, in lower case: blanks around it and one pair of angle brackets are taken off. */
export function uuidIn(text: string): string | undefined {
  // a UUID has 36 units; anything much longer is padding that nobody writes
  if (text.length < 36 || text.length > 128) return undefined;
  const trimmed = text.trim();
  const bare = trimmed.startsWith("<") && trimmed.endsWith(">") ? trimmed.slice(1, -1).trim() : trimmed;
  return isUuid(bare) ? bare.toLowerCase() : undefined;
}

/** The id of an entity as it is compared and locked: UUIDs in lower case, everything else as written. */
export function entityId(text: string): string {
  return uuidIn(text) ?? text;
}

/** One text per entity: a UUID names the same entity under every kind. */
export function entityKey(entity: EntityRef): string {
  return uuidIn(entity.id) ?? `${entity.kind}\n${entity.id}`;
}
