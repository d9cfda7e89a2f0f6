import { z } from "zod";
import { isInstant } from "../time/instant.js";
import { markCheck } from "./mark.js";

/**
 * An instant as a string: ISO 8601 in UTC with `Z`, such as `"2026-02-28T09:30:00Z"`, to the nanosecond at most.
 *
 * Days that the Gregorian calendar does not have are refused, leap seconds too.
 */
export function instant(): z.ZodString {
  const message = 'is not an instant like "2026-02-28T09:30:00Z"';
  return z.string().check(markCheck<string>({ check: "runseal_format", format: "instant" }, message, isInstant));
}
