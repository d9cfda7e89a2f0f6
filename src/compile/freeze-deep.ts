/**
 * Freezes a value and everything in it, in place, and hands it back.
 *
 * @remarks Time O(nodes); shared parts are frozen once more each time they are met, so it is for trees.
 */
export function freezeDeep<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    for (const item of value) freezeDeep<unknown>(item);
  } else {
    const object = value as Readonly<Record<string, unknown>>;
    for (const name in object) freezeDeep(object[name]);
  }
  return Object.freeze(value);
}
