import type { Tree } from "../model/expression.js";

const KEY = /^[A-Za-z0-9_.:-]{1,63}$/;

/** The key of a loop item in step ids (decision 1.5): a string or an integer that fits the pattern; `undefined` otherwise. */
export function loopKey(value: Tree | undefined): string | undefined {
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === "string" && KEY.test(text) ? text : undefined;
}
