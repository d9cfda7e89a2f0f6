import { isRunsealError } from "../../src/errors/error.js";
import type { ErrorCode, RunsealError } from "../../src/errors/error.js";

/** An array of arrays, `levels` deep. */
export function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
}

/** The text of something that may already be canonical text. */
export function jsonOf(taken: unknown): string {
  return typeof taken === "string" ? taken : JSON.stringify(taken);
}

/** The error of the given code that `act` throws; anything else fails the test. */
export function refusalOf<C extends ErrorCode>(code: C, act: () => unknown): RunsealError<C> {
  try {
    act();
  } catch (error) {
    if (isRunsealError(error, code)) return error;
    throw error;
  }
  throw new TypeError(`expected ${code}, nothing was thrown`);
}
