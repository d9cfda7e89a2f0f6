export { RunsealError, isRunsealError } from "./errors/error.js";
export type { ErrorCode, ErrorDetails } from "./errors/error.js";
export type { JsonObject, JsonValue } from "./json/value.js";
