import type { HeldLock } from "../stores/lock-manager.js";
import type { InstanceParts } from "./parts.js";
import { RunsealError } from "../errors/error.js";

/**
 * The locks of the scope that are held now. Without a lock manager nothing is ever held.
 *
 * @throws {@link RunsealError} `instance.misconfigured` when the stores' lock manager can't list
 */
export async function listHeldLocks({ stores: { locks }, scope }: InstanceParts): Promise<readonly HeldLock[]> {
  if (locks === undefined) return Object.freeze([]);
  if (locks.list === undefined) {
    const message = '"stores" have a lock manager that can\'t list what is held: give one with `list`';
    throw new RunsealError("instance.misconfigured", message, { option: "stores" });
  }
  return Object.freeze(await locks.list(scope));
}
