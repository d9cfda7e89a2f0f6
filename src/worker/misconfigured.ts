import { RunsealError } from "../errors/error.js";

/** The error for a worker's option that can't be right. */
export function misconfigured(option: string, right: string): RunsealError {
  return new RunsealError("instance.misconfigured", `a worker's "${option}" must be ${right}`, { option });
}
