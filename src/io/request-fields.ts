import type { JsonObject, JsonValue } from "../json/value.js";
import { RunsealError } from "../errors/error.js";

/**
 * The members of a request that is an object of known members.
 *
 * @throws {@link RunsealError} `io.request_invalid` for anything else, or a member that is not in `known`; its name is not repeated
 */
export function requestFields(request: JsonValue, known: readonly string[]): JsonObject {
  if (request === null || typeof request !== "object" || Array.isArray(request))
    throw invalidRequest("request", "must be an object");
  const fields = request as JsonObject;
  const unknown = Object.keys(fields).some((name) => !known.includes(name));
  if (unknown) throw invalidRequest("request", `takes ${known.join(", ")} and nothing else`);
  return fields;
}

/**
 * The whole number of milliseconds that a request gives, at most `maxMs`.
 *
 * @throws {@link RunsealError} `io.request_invalid` for anything else
 */
export function timeoutField(fields: JsonObject, defaultMs: number, maxMs: number): number {
  const given = fields["timeoutMs"] ?? defaultMs;
  if (typeof given === "number" && Number.isSafeInteger(given) && given >= 1 && given <= maxMs) return given;
  throw invalidRequest("timeoutMs", `must be whole milliseconds from 1 to ${maxMs}`);
}

/** A request that a transport does not understand: says which member and what would be right, never what it held. */
export function invalidRequest(field: string, what: string): RunsealError<"io.request_invalid"> {
  return new RunsealError("io.request_invalid", `"${field}" of the request ${what}`, { field });
}
