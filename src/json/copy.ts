import { checkPlainElements, describeNumber, describeType, elementValue, checkPlain, memberNames, memberValue } from "./plain.js";
import { canonicalText } from "./canonical.js";
import { isWellFormed } from "./quote.js";
import { BYTES_MAX_DEFAULT, enter, refuse, refuseSize, walkSafely } from "./walk.js";
import type { JsonValue } from "./value.js";
import type { CanonicalOptions, Walk } from "./walk.js";

/**
 * Takes a value over the boundary: checks it against the restricted model and hands back a deeply frozen copy.
 *
 * What the caller does to the original afterwards changes nothing. Model and refusals are those of {@link canonicalize}; `-0`
 * becomes `0`. Objects of the copy are ordinary objects with their members in the original order; an own `__proto__` stays a
 * member and never becomes a prototype. A value that occurs twice without a cycle is copied twice.
 *
 * Cost: linear in members and text; the text itself is written only where the value may come near `bytesMax`, to count its bytes.
 *
 * @throws {@link RunsealError} `value.not_canonical`, `value.too_deep` and `value.too_large` as {@link canonicalize} does
 */
export function copyCanonical(value: unknown, options?: CanonicalOptions): JsonValue {
  const bytesMax = options?.bytesMax ?? BYTES_MAX_DEFAULT;
  let units = 0;
  const copy = walkSafely(bytesMax, (walk) => {
    const made = copyOf(walk, value);
    units = walk.units;
    return made;
  });
  if (units * BYTES_PER_UNIT_MAX > bytesMax) canonicalText(copy, { bytesMax });
  return copy;
}

/** What one counted unit can come to: a number counts as one and has up to 17 digits with its sign, a control character takes six. */
const BYTES_PER_UNIT_MAX = 17;

function copyOf(walk: Walk, value: unknown): JsonValue {
  switch (typeof value) {
    case "string":
      if (!isWellFormed(value)) refuse(walk, "a lone surrogate");
      grow(walk, value.length + 2);
      return value;
    case "number":
      if (!Number.isSafeInteger(value)) refuse(walk, describeNumber(value));
      grow(walk, 1);
      return value + 0;
    case "boolean":
      grow(walk, 4);
      return value;
    case "object":
      if (value !== null) return containerCopy(walk, value);
      grow(walk, 4);
      return null;
    default:
      return refuse(walk, describeType(value));
  }
}

function containerCopy(walk: Walk, container: object): JsonValue {
  enter(walk, container);
  return checkPlain(walk, container) ? arrayCopy(walk, container) : objectCopy(walk, container);
}

function arrayCopy(walk: Walk, array: readonly unknown[]): JsonValue {
  checkPlainElements(walk, array);
  const { path } = walk;
  const level = walk.depth;
  const { length } = array;
  const copy: JsonValue[] = [];
  grow(walk, length + 1);
  walk.depth = level + 1;
  for (let index = 0; index < length; index += 1) {
    path[level] = index;
    copy.push(copyOf(walk, elementValue(walk, array, index)));
  }
  walk.depth = level;
  return Object.freeze(copy);
}

function objectCopy(walk: Walk, container: object): JsonValue {
  const { path } = walk;
  const level = walk.depth;
  const copy: Record<string, JsonValue> = {};
  grow(walk, 1);
  const names = memberNames(walk, container);
  walk.depth = level + 1;
  for (const name of names) {
    path[level] = name;
    if (!isWellFormed(name)) refuse(walk, "a lone surrogate in a name");
    grow(walk, name.length + 4);
    setMember(copy, name, copyOf(walk, memberValue(walk, container, name)));
  }
  walk.depth = level;
  return Object.freeze(copy);
}

/** Assigning to `__proto__` would change the prototype, so that one name is defined. */
function setMember(copy: Record<string, JsonValue>, name: string, value: JsonValue): void {
  if (name === "__proto__") Object.defineProperty(copy, name, { value, enumerable: true, configurable: true, writable: true });
  else copy[name] = value;
}

function grow(walk: Walk, units: number): void {
  walk.units += units;
  if (walk.units > walk.bytesMax) refuseSize(walk, walk.units);
}
