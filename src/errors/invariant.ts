import { RunsealError } from "./error.js";

/**
 * States what cannot be otherwise.
 *
 * @throws {@link RunsealError} `internal.invariant` when `condition` is false: a defect of this package, never of its user
 */
export function invariant(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new RunsealError("internal.invariant", `broken invariant: ${rule}`, { rule });
}

/**
 * Hands back `value` where it must be there.
 *
 * @throws {@link RunsealError} `internal.invariant` when it is absent
 */
export function present<T>(value: T | null | undefined, rule: string): T {
  if (value === null || value === undefined) throw new RunsealError("internal.invariant", `broken invariant: ${rule}`, { rule });
  return value;
}
