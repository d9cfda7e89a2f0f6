import type { InstanceParts } from "./parts.js";
import { present } from "../errors/invariant.js";

const partsByInstance = new WeakMap<object, InstanceParts>();

/** Remembers what an instance is made of, for the rooms that work on one: outside the class, so that no door leads to it. */
export function rememberParts(instance: object, parts: InstanceParts): void {
  partsByInstance.set(instance, parts);
}

/**
 * What an instance is made of.
 *
 * @throws {@link RunsealError} `internal.invariant` for an object that `createRunseal` did not make
 */
export function partsOf(instance: object): InstanceParts {
  return present(partsByInstance.get(instance), "an instance is made by createRunseal");
}
