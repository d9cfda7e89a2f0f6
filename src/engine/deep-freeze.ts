/**
 * Freezes a parsed value through and through, so that a handler can't change what the next attempt gets.
 *
 * Plain objects and lists only; what a schema made of a class of its own is left alone. Iterative, so that depth is no danger.
 */
export function deepFreeze<T>(value: T): T {
  const open: unknown[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== "object" || next === null || Object.isFrozen(next)) continue;
    const prototype: unknown = Object.getPrototypeOf(next);
    if (!Array.isArray(next) && prototype !== Object.prototype && prototype !== null) continue;
    Object.freeze(next);
    for (const member of Object.values(next)) if (typeof member === "object" && member !== null) open.push(member);
  }
  return value;
}
