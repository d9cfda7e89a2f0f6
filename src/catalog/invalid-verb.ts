import { RunsealError } from "../errors/error.js";

/** The error for a field of a verb. */
export function invalidVerb(verb: unknown, field: string, problem: string, options?: ErrorOptions): RunsealError<"verb.invalid"> {
  const name = typeof verb === "string" ? verb : "?";
  return new RunsealError("verb.invalid", `verb "${name}": ${field} ${problem}`, { verb: name, field }, options);
}
