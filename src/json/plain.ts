import { refuse } from "./walk.js";
import type { Walk } from "./walk.js";

const descriptorOf = Object.getOwnPropertyDescriptor;
const namesOf = Object.getOwnPropertyNames;
const symbolsOf = Object.getOwnPropertySymbols;
const prototypeOf = Object.getPrototypeOf;
const { isArray } = Array;
const CLASS_NAME_LENGTH_MAX = 64;

/**
 * Tells an array from a plain object, and refuses every other object.
 *
 * Plain means made by a literal, by `JSON.parse` or with a null prototype; those of another realm (a `vm` context, a frame) count.
 */
export function isPlainArray(walk: Walk, container: object): container is readonly unknown[] {
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
 * Reads one own member or element without ever calling a getter.
 *
 * Members that do not enumerate are refused, not skipped: JSON would drop them without a word.
 */
export function memberValue(walk: Walk, container: object, name: string | number): unknown {
  const descriptor = descriptorOf(container, name);
  if (descriptor === undefined) refuse(walk, "a hole");
  if (descriptor.writable === undefined) refuse(walk, "an accessor property");
  if (descriptor.enumerable !== true) refuse(walk, "a non-enumerable property");
  return descriptor.value;
}

/** Refuses an array with anything beside its elements and their count, and one with fewer elements than it counts. */
export function checkElements(walk: Walk, array: readonly unknown[]): void {
  if (symbolsOf(array).length > 0) refuse(walk, "a symbol key");
  const names = namesOf(array).length - 1;
  if (names > array.length) refuse(walk, "an array with extra properties");
  if (names < array.length) refuse(walk, "a sparse array");
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
