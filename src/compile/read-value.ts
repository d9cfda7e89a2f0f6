import type { JsonValue } from "../json/value.js";
import { copyCanonical } from "../json/copy.js";
import { DEPTH_MAX } from "../json/walk.js";
import { define } from "../expression/literal.js";
import { isRunsealError } from "../errors/error.js";
import type { RunsealError } from "../errors/error.js";

/**
 * Takes a caller's value in: members that are `undefined` are left out, everything else is checked, copied and frozen.
 *
 * @returns the copy, or the error that says what is not canonical and where; nothing is thrown
 */
export function readValue(value: unknown): JsonValue | RunsealError {
  const copy = copyOrError(value);
  const holdsUndefined = isRunsealError(copy, "value.not_canonical") && copy.details.found === "undefined";
  return holdsUndefined ? copyOrError(withoutUndefined(value, new Map(), 0)) : copy;
}

function copyOrError(value: unknown): JsonValue | RunsealError {
  try {
    return copyCanonical(value);
  } catch (error) {
    if (isRunsealError(error)) return error;
    throw error;
  }
}

/**
 * Drops undefined members of plain objects; whatever is odd is handed on untouched, for the canonical copy to refuse.
 *
 * No getter is called. Each object is looked at once, so that cycles end and shared parts stay shared.
 */
function withoutUndefined(value: unknown, done: Map<object, unknown>, depth: number): unknown {
  if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return value;
  if (done.has(value)) return done.get(value);
  done.set(value, value);
  const members = membersOrNothing(value);
  if (members === undefined) return value;
  const kept = members
    .filter(([, member]) => Array.isArray(value) || member !== undefined)
    .map(([name, member]): readonly [string, unknown] => [name, withoutUndefined(member, done, depth + 1)]);
  const isSame = kept.length === members.length && kept.every(([, member], index) => member === members[index]?.[1]);
  if (isSame) return value;
  const copy = Array.isArray(value) ? kept.map(([, member]) => member) : objectOf(kept);
  done.set(value, copy);
  return copy;
}

/** A Proxy may throw on any question; what can't be asked is odd. */
function membersOrNothing(value: object): readonly (readonly [string, unknown])[] | undefined {
  try {
    return plainMembers(value);
  } catch {
    return undefined;
  }
}

/** The data members of a plain object or list; `undefined` for anything else. */
function plainMembers(value: object): readonly (readonly [string, unknown])[] | undefined {
  const isOdd =
    !Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype && Object.getPrototypeOf(value) !== null;
  if (isOdd || Object.getOwnPropertySymbols(value).length > 0) return undefined;
  const descriptors = Object.entries(Object.getOwnPropertyDescriptors(value)).filter(
    ([name]) => !(Array.isArray(value) && name === "length"),
  );
  const isData = descriptors.every(([, descriptor]) => "value" in descriptor && descriptor.enumerable === true);
  if (!isData || (Array.isArray(value) && descriptors.length !== value.length)) return undefined;
  return descriptors.map(([name, descriptor]): readonly [string, unknown] => [name, descriptor.value]);
}

function objectOf(members: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [name, member] of members) define(object, name, member);
  return object;
}
