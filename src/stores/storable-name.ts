import { RunsealError } from "../errors/error.js";

/** NUL, which PostgreSQL refuses and SQLite reads as the end; and lone surrogates, which would all become the same character. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;

/**
 * Refuses a scope, stream, key or token that not every database keeps as it is: two names must never become one.
 *
 * Cost: linear in the name.
 *
 * @throws {@link RunsealError} `value.not_canonical` when it holds NUL or a lone surrogate
 */
export function assertStorable(name: string): void {
  if (isStorable(name)) return;
  const message = "a name holds NUL or a lone surrogate, which no text column keeps; choose another name";
  throw new RunsealError("value.not_canonical", message, { pointer: "", found: "NUL or a lone surrogate" });
}

/** Whether every database keeps a name as it is; nothing can be stored under one that it does not. Linear in the name. */
export function isStorable(name: string): boolean {
  return !UNSTORABLE.test(name);
}
