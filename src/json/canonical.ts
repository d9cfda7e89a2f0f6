import { checkPlain, checkPlainElements, describeNumber, describeType, elementValue, memberNames, memberValue } from "./plain.js";
import { isVerbatim, memberStart, quote } from "./quote.js";
import { sortNames } from "./sort-names.js";
import { BYTES_MAX_DEFAULT, checkSize, enter, refuse, refuseSize, walkSafely } from "./walk.js";
import type { JsonValue } from "./value.js";
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
  return write(value, options, true);
}

/**
 * Writes the text of {@link canonicalize} for a value that this package built itself or took over with {@link copyCanonical}.
 *
 * It skips what only a hostile value needs (symbol keys, accessors, members that do not enumerate, extra properties of arrays);
 * numbers, strings, types, prototypes, depth, cycles and size are still checked.
 *
 * @throws {@link RunsealError} as {@link canonicalize} does
 */
export function canonicalText(value: JsonValue, options?: CanonicalOptions): string {
  return write(value, options, false);
}

function write(value: unknown, options: CanonicalOptions | undefined, hostile: boolean): string {
  return walkSafely(options?.bytesMax ?? BYTES_MAX_DEFAULT, (walk) => {
    const writer = new CanonicalWriter(walk, hostile);
    writer.value(value);
    checkSize(walk, writer.text);
    return writer.text;
  });
}

class CanonicalWriter {
  readonly #walk: Walk;
  /** Whether containers may hold what only a hostile caller would put there. */
  readonly #hostile: boolean;
  text = "";

  constructor(walk: Walk, hostile: boolean) {
    this.#walk = walk;
    this.#hostile = hostile;
  }

  value(value: unknown): void {
    switch (typeof value) {
      case "string":
        this.text += quote(value) ?? refuse(this.#walk, "a lone surrogate");
        return;
      case "number":
        if (!Number.isSafeInteger(value)) refuse(this.#walk, describeNumber(value));
        this.text += `${value}`;
        return;
      case "boolean":
        this.text += value ? "true" : "false";
        return;
      case "object":
        if (value === null) this.text += "null";
        else this.#container(value);
        return;
      default:
        refuse(this.#walk, describeType(value));
    }
  }

  #container(container: object): void {
    const walk = this.#walk;
    const level = walk.depth;
    enter(walk, container);
    if (checkPlain(walk, container)) this.#array(container, level);
    else this.#object(container, level);
    walk.depth = level;
  }

  #array(array: readonly unknown[], level: number): void {
    const walk = this.#walk;
    const hostile = this.#hostile;
    if (hostile) checkPlainElements(walk, array);
    const { length } = array;
    walk.depth = level + 1;
    for (let index = 0; index < length; index += 1) {
      walk.path[level] = index;
      this.text += index === 0 ? "[" : ",";
      this.value(hostile ? elementValue(walk, array, index) : array[index]);
      if (this.text.length > walk.bytesMax) refuseSize(walk, this.text.length);
    }
    this.text += length === 0 ? "[]" : "]";
  }

  #object(object: object, level: number): void {
    const walk = this.#walk;
    const hostile = this.#hostile;
    const members = object as Readonly<Record<string, unknown>>;
    const names = sortNames(hostile ? memberNames(walk, object) : Object.keys(object));
    walk.depth = level + 1;
    let first = true;
    for (const name of names) {
      walk.path[level] = name;
      const start = memberStart(name) ?? refuse(walk, "a lone surrogate in a name");
      const value = hostile ? memberValue(walk, object, name) : members[name];
      if (typeof value === "string" && isVerbatim(value)) {
        this.text += first ? start.firstText : start.nextText;
        this.text += value;
        this.text += '"';
      } else {
        this.text += first ? start.first : start.next;
        this.value(value);
      }
      first = false;
      if (this.text.length > walk.bytesMax) refuseSize(walk, this.text.length);
    }
    this.text += first ? "{}" : "}";
  }
}
