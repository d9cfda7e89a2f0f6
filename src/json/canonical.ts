import { checkElements, describeNumber, describeType, isPlainArray, memberNames, memberValue } from "./plain.js";
import { quote, quoteName } from "./quote.js";
import { sortNames } from "./sort-names.js";
import { BYTES_MAX_DEFAULT, checkSize, enter, refuse, refuseSize, walkSafely } from "./walk.js";
import type { CanonicalOptions, Walk } from "./walk.js";

/**
 * Writes the one text that stands for `value`: RFC 8785 over the restricted model of sealed content.
 *
 * The model is string, boolean, null, safe integer, array and plain object with string keys (a null prototype is plain, and an
 * own `__proto__` is a member like any other). `-0` is written `0`. Nothing is coerced, no getter and no `toJSON` is called, every
 * member is read once, and there is no Unicode normalisation. Members that do not enumerate are refused, as JSON would drop them.
 * Names sort by UTF-16 code units. A value that occurs twice without a cycle is written twice.
 *
 * Cost: linear in the text, `n log n` in the names of one object.
 *
 * @throws {@link RunsealError} `value.not_canonical` when the value is outside the model, with a JSON Pointer to the place;
 * `value.too_deep` beyond 256 levels; `value.too_large` beyond `bytesMax` UTF-8 bytes (default 64 MiB)
 */
export function canonicalize(value: unknown, options?: CanonicalOptions): string {
  return walkSafely(options?.bytesMax ?? BYTES_MAX_DEFAULT, (walk) => {
    const text = textOf(walk, value);
    checkSize(walk, text);
    return text;
  });
}

function textOf(walk: Walk, value: unknown): string {
  switch (typeof value) {
    case "string":
      return quote(value) ?? refuse(walk, "a lone surrogate");
    case "number":
      return Number.isSafeInteger(value) ? `${value}` : refuse(walk, describeNumber(value));
    case "boolean":
      return value ? "true" : "false";
    case "object":
      return value === null ? "null" : containerText(walk, value);
    default:
      return refuse(walk, describeType(value));
  }
}

function containerText(walk: Walk, container: object): string {
  enter(walk, container);
  return isPlainArray(walk, container) ? arrayText(walk, container) : objectText(walk, container);
}

function arrayText(walk: Walk, array: readonly unknown[]): string {
  checkElements(walk, array);
  const { path, bytesMax } = walk;
  const level = walk.depth;
  const { length } = array;
  let text = "[";
  walk.depth = level + 1;
  for (let index = 0; index < length; index += 1) {
    path[level] = index;
    if (index > 0) text += ",";
    text += textOf(walk, memberValue(walk, array, index));
    if (text.length > bytesMax) refuseSize(walk, text.length);
  }
  walk.depth = level;
  return `${text}]`;
}

function objectText(walk: Walk, container: object): string {
  const { path, bytesMax } = walk;
  const level = walk.depth;
  const names = sortNames(memberNames(walk, container));
  let text = "{";
  walk.depth = level + 1;
  for (const name of names) {
    path[level] = name;
    if (text.length > 1) text += ",";
    text += quoteName(name) ?? refuse(walk, "a lone surrogate in a name");
    text += textOf(walk, memberValue(walk, container, name));
    if (text.length > bytesMax) refuseSize(walk, text.length);
  }
  walk.depth = level;
  return `${text}}`;
}
