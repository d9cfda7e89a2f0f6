import { refuse, refuseSize } from "./walk.js";
import type { Walk } from "./walk.js";

const descriptorOf = Object.getOwnPropertyDescriptor;
const namesOf = Object.getOwnPropertyNames;
const symbolsOf = Object.getOwnPropertySymbols;
const prototypeOf = Object.getPrototypeOf;
const keysOf = Object.keys;
const { isArray } = Array;
const { __lookupGetter__: lookupGetter } = Object.prototype as LegacyObject;
const CLASS_NAME_LENGTH_MAX = 64;
/** Elements whose names may be made before it is known whether they are too many. */
const NAMED_MAX = 10_000;

/** What every engine has and the standard library types leave out (ECMA-262, annex B). */
interface LegacyObject {
  readonly __lookupGetter__: (this: object, name: PropertyKey) => (() => unknown) | undefined;
}

/**
 * Tells an array (true) from a plain object (false), and refuses every other object.
 *
 * Plain means made by a literal, by `JSON.parse` or with a null prototype; those of another realm (a `vm` context, a frame) count.
 */
export function checkPlain(walk: Walk, container: object): container is readonly unknown[] {
  const prototype: unknown = prototypeOf(container);
  if (isArray(container)) {
    if (prototype !== Array.prototype && !isRootArray(prototype)) refuse(walk, `an array that is ${classOf(prototype)}`);
    return true;
  }
  if (prototype !== Object.prototype && prototype !== null && !isRootObject(prototype)) refuse(walk, classOf(prototype));
  return false;
}

/** The member names of a plain object in their own order; refuses symbol keys. */
export function memberNames(walk: Walk, container: object): string[] {
  if (symbolsOf(container).length > 0) refuse(walk, "a symbol key");
  return namesOf(container);
}

/**
 * Reads one own member without ever calling a getter.
 *
 * Members that do not enumerate are refused, not skipped: JSON would drop them without a word.
 */
export function memberValue(walk: Walk, container: object, name: string): unknown {
  const descriptor = descriptorOf(container, name);
  if (descriptor === undefined) refuse(walk, "a member that went away while it was read");
  if (descriptor.writable === undefined) refuse(walk, "an accessor property");
  if (descriptor.enumerable !== true) refuse(walk, "a non-enumerable property");
  return descriptor.value;
}

/**
 * Refuses an array with anything beside its elements, and one with fewer elements than it counts.
 *
 * Properties of an array that do not enumerate (the `raw` of a template, say) are nobody's data and pass.
 */
export function checkPlainElements(walk: Walk, array: readonly unknown[]): void {
  // a unit and a comma each, before the name of every element is made: ten million names are 700 MB
  if (array.length > NAMED_MAX && array.length * 2 > walk.bytesMax) refuseSize(walk, array.length * 2 + 1);
  if (symbolsOf(array).length > 0) refuse(walk, "a symbol key");
  const names = keysOf(array).length;
  if (names > array.length) refuse(walk, "an array with extra properties");
  if (names < array.length) refuse(walk, "a sparse array");
}

/**
 * Reads one element without ever calling a getter; a hole reads as undefined.
 *
 * For elements the legacy lookup is three times as fast as asking for a descriptor.
 */
export function elementValue(walk: Walk, array: readonly unknown[], index: number): unknown {
  if (lookupGetter.call(array, index) !== undefined) refuse(walk, "an accessor property");
  return array[index];
}

/** Says in words what a value is that no number of the restricted model can be. */
export function describeNumber(value: number): string {
  if (Number.isInteger(value)) return "an integer beyond 2^53 - 1";
  return Number.isFinite(value) ? "a fraction" : String(value);
}

/** Says in words what a value is whose type the model does not have. */
export function describeType(value: unknown): string {
  return value === undefined ? "undefined" : `a ${typeof value}`;
}

function classOf(prototype: unknown): string {
  const maker = ownData(prototype, "constructor");
  const name = ownData(maker, "name");
  if (typeof name !== "string" || name === "") return "an object with an unusual prototype";
  return `an instance of ${name.slice(0, CLASS_NAME_LENGTH_MAX)}`;
}

function isRootObject(prototype: unknown): boolean {
  if (!isObject(prototype) || prototypeOf(prototype) !== null) return false;
  return ownData(ownData(prototype, "constructor"), "name") === "Object" && Object.hasOwn(prototype, "isPrototypeOf");
}

function isRootArray(prototype: unknown): boolean {
  return isArray(prototype) && isRootObject(prototypeOf(prototype));
}

function ownData(holder: unknown, name: string): unknown {
  return isObject(holder) || typeof holder === "function" ? descriptorOf(holder, name)?.value : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
