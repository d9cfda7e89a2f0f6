import { z } from "zod";
import { markCheck } from "./mark.js";

const INSTANT = /^([0-9]{4})-([0-9]{2})-([0-9]{2})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{3})?Z$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * An instant as a string: ISO 8601 in UTC with `Z`, to the second or the millisecond, such as `"2026-02-28T09:30:00Z"`.
 *
 * Days that the Gregorian calendar does not have are refused, leap seconds too.
 */
export function instant(): z.ZodString {
  const message = 'is not an instant like "2026-02-28T09:30:00Z"';
  return z.string().check(markCheck<string>({ check: "runseal_format", format: "instant" }, message, isInstant));
}

function isInstant(text: string): boolean {
  const match = INSTANT.exec(text);
  if (match === null) return false;
  const [year, month, day] = match.slice(1).map(Number);
  return year !== undefined && month !== undefined && day !== undefined && day >= 1 && day <= daysIn(year, month);
}

function daysIn(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0);
}
