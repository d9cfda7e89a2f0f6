import type { RunbookId } from "./ids.js";
import { uuidV8FromDigest } from "../json/uuid.js";

/** The UUIDv8 of a runbook, where a UUID column is wanted: the first 128 bits of its digest, six of them given to version and variant. */
export function runbookUuid(id: RunbookId): string {
  return uuidV8FromDigest(id.slice("rb_".length));
}
