/**
 * Freezes a value and everything in it, in place, and hands it back.
 *
 * @remarks Time O(nodes); shared parts are frozen once more each time they are met, so it is for trees.
 */
export function freezeDeep<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    if (Array.isArray(value)) for (const item of value) freezeDeep<unknown>(item);
    else for (const member of Object.values(value)) freezeDeep<unknown>(member);
    Object.freeze(value);
  }
  return value;
}
