import { OpenContainers } from "./open-containers.js";
import { describeNumber, describeType } from "./plain.js";
import { isVerbatim, isWellFormed, memberStart, quote } from "./quote.js";
import { sortNames } from "./sort-names.js";
import { checkSize, refuse, refuseSize, walkSafely } from "./walk.js";
import type { MemberStart } from "./quote.js";
import type { CanonicalOptions, Walk } from "./walk.js";

/** Largest text when the caller names no limit: 256 MiB, half of the longest string an engine makes. */
const JCS_BYTES_MAX_DEFAULT = 268_435_456;

/**
 * Writes RFC 8785 text of any JSON-like value: IEEE doubles, any depth.
 *
 * For the public vectors and for payloads outside sealed content; identities are made with {@link canonicalize}. It reads a value
 * as `JSON.stringify` does: getters and `toJSON` are called, boxed primitives are unboxed, a member that is undefined, a function
 * or a symbol is left out, such an element is written `null`, and only own enumerable members with string names count.
 *
 * Cost: linear in the text, `n log n` in the names of one object; no recursion, so that memory alone bounds the depth.
 *
 * @throws {@link RunsealError} `value.not_canonical` for NaN, an infinity, a bigint, a lone surrogate, a cycle, a root without a
 * JSON form, and when a getter, a `toJSON` or a Proxy trap throws; `value.too_large` beyond `bytesMax` (default 256 MiB)
 */
export function canonicalizeJcs(value: unknown, options?: CanonicalOptions): string {
  return walkSafely(options?.bytesMax ?? JCS_BYTES_MAX_DEFAULT, (walk) => {
    const text = new JcsWriter(walk).write(value);
    checkSize(walk, text);
    return text;
  });
}

/** From here on one call into the engine is cheaper than a piece of text per element. */
const NATIVE_LENGTH_MIN = 8;

/** A container being written; `names` is null for an array. */
interface Frame {
  readonly container: object;
  readonly names: readonly string[] | null;
  /** How many containers close with this one: itself and the `toJSON` objects that led to it. */
  readonly opened: number;
  /** Index of the element or name that comes next. */
  next: number;
  /** Whether nothing is written yet: members and elements that JSON drops leave it so. */
  empty: boolean;
}

class JcsWriter {
  readonly #walk: Walk;
  readonly #open = new OpenContainers();
  readonly #frames: Frame[] = [];
  #text = "";

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  write(root: unknown): string {
    if (!this.#value("", root)) refuse(this.#walk, "a value without a JSON form");
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      const finished = frame.names === null ? this.#elements(frame, frame.container) : this.#members(frame, frame.names);
      if (finished) this.#close(frame);
    }
    return this.#text;
  }

  /** Writes elements until one opens a container; tells whether the array is finished. */
  #elements(frame: Frame, container: object): boolean {
    const array = container as readonly unknown[];
    const { path, bytesMax } = this.#walk;
    const level = this.#frames.length;
    this.#walk.depth = level;
    while (frame.next < array.length) {
      const index = frame.next;
      frame.next = index + 1;
      path[level - 1] = index;
      const start = frame.empty ? "[" : ",";
      frame.empty = false;
      if (!this.#value(start, array[index])) this.#text += `${start}null`;
      if (this.#text.length > bytesMax) refuseSize(this.#walk, this.#text.length);
      if (this.#frames.length > level) return false;
    }
    return true;
  }

  /** Writes members until one opens a container; tells whether the object is finished. */
  #members(frame: Frame, names: readonly string[]): boolean {
    const object = frame.container as Readonly<Record<string, unknown>>;
    const { path, bytesMax } = this.#walk;
    const level = this.#frames.length;
    this.#walk.depth = level;
    for (let name = names[frame.next]; name !== undefined; name = names[frame.next]) {
      frame.next += 1;
      path[level - 1] = name;
      const start = memberStart(name) ?? refuse(this.#walk, "a lone surrogate in a name");
      if (this.#member(frame.empty, start, object[name])) frame.empty = false;
      if (this.#text.length > bytesMax) refuseSize(this.#walk, this.#text.length);
      if (this.#frames.length > level) return false;
    }
    return true;
  }

  #member(first: boolean, start: MemberStart, value: unknown): boolean {
    if (typeof value !== "string" || !isVerbatim(value)) return this.#value(first ? start.first : start.next, value);
    this.#text += first ? start.firstText : start.nextText;
    this.#text += value;
    this.#text += '"';
    return true;
  }

  /** Writes `prefix` and a scalar, or `prefix` and opens a container; writes nothing and says so when JSON has no form for it. */
  #value(prefix: string, value: unknown): boolean {
    if (typeof value === "object" && value !== null) return this.#object(prefix, value);
    const text = this.#scalar(value);
    if (text === undefined) return false;
    this.#text += prefix;
    this.#text += text;
    return true;
  }

  #scalar(value: unknown): string | undefined {
    switch (typeof value) {
      case "string":
        return quote(value) ?? refuse(this.#walk, "a lone surrogate");
      case "number":
        return Number.isFinite(value) ? numberText(value) : refuse(this.#walk, describeNumber(value));
      case "boolean":
        return value ? "true" : "false";
      case "bigint":
        return refuse(this.#walk, describeType(value));
      case "object":
        return "null";
      default:
        return undefined;
    }
  }

  #object(prefix: string, object: object): boolean {
    let value: unknown = object;
    let opened = 0;
    while (hasToJson(value)) {
      opened += this.#enter(value);
      value = value.toJSON();
    }
    value = unboxed(value);
    if (typeof value !== "object" || value === null) {
      this.#leave(opened);
      return this.#value(prefix, value);
    }
    opened += this.#enter(value);
    this.#text += prefix;
    const scalars = Array.isArray(value) ? scalarArrayText(value, this.#walk.bytesMax) : undefined;
    if (scalars !== undefined) {
      this.#text += scalars;
      this.#leave(opened);
      return true;
    }
    const names = Array.isArray(value) ? null : sortNames(Object.keys(value));
    this.#frames.push({ container: value, names, opened, next: 0, empty: true });
    return true;
  }

  #close(frame: Frame): void {
    if (frame.names === null) this.#text += frame.empty ? "[]" : "]";
    else this.#text += frame.empty ? "{}" : "}";
    this.#frames.pop();
    this.#leave(frame.opened);
  }

  /** Opens one container; gives 1, the number opened. */
  #enter(container: object): number {
    if (this.#open.has(container)) refuse(this.#walk, "a cycle");
    this.#open.push(container);
    return 1;
  }

  #leave(opened: number): void {
    for (let left = opened; left > 0; left -= 1) this.#open.pop();
  }
}

/** The shortest form, as RFC 8785 wants; for fractions the engine prints JSON faster than text. */
function numberText(value: number): string {
  return Number.isSafeInteger(value) ? `${value}` : JSON.stringify(value);
}

/**
 * Lets the engine write a longer array of nothing but scalars in one go; `undefined` where that might not be right.
 *
 * What was looked at is what is written: the elements are copied first, and a `toJSON` that somebody gave to all arrays is seen.
 */
function scalarArrayText(array: readonly unknown[], bytesMax: number): string | undefined {
  if (array.length < NATIVE_LENGTH_MIN) return undefined;
  const scalars: unknown[] = [];
  let units = 0;
  while (scalars.length < array.length) {
    const element = array[scalars.length];
    if (!isScalar(element)) return undefined;
    if (typeof element === "string") units += element.length;
    scalars.push(element);
  }
  return units > bytesMax || hasToJson(scalars) ? undefined : JSON.stringify(scalars);
}

function isScalar(value: unknown): boolean {
  switch (typeof value) {
    case "string":
      return isWellFormed(value);
    case "number":
      return Number.isFinite(value);
    case "boolean":
      return true;
    default:
      return value === null;
  }
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  if (typeof value !== "object" || value === null) return false;
  return typeof (value as { readonly toJSON?: unknown }).toJSON === "function";
}

function unboxed(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) === Object.prototype) return value;
  return BOXES.some((box) => value instanceof box) ? value.valueOf() : value;
}

const BOXES = [String, Number, Boolean, BigInt];
