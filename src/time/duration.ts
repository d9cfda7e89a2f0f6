import { RunsealError } from "../errors/error.js";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SPAN = /^(\d{1,16})(ms|s|m|h|d)$/;

/**
 * Reads a span of time as milliseconds, from 0 up: whole milliseconds, or a whole number with its unit (`"250ms"`, `"30s"`,
 * `"5m"`, `"1h"`, `"7d"`).
 *
 * Fractions (`"1.5h"`), sums (`"1h30m"`), signs and spaces are refused: a span has one spelling per unit. A day is 24 hours.
 *
 * @param option the name of the option it was given as, for the error
 * @throws {@link RunsealError} `run.invalid_option` when `span` is not such a span or is longer than 2^53 - 1 ms
 */
export function parseDuration(span: string | number, option = "duration"): number {
  const ms = typeof span === "number" ? span : spanMs(span);
  if (ms !== undefined && Number.isSafeInteger(ms) && ms >= 0) return ms;
  const message = `${option} ${JSON.stringify(span)} is not a span of time; use whole milliseconds or text such as "250ms", "30s", "5m", "1h", "7d"`;
  throw new RunsealError("run.invalid_option", message, { option });
}

function spanMs(span: unknown): number | undefined {
  const [, count, unit] = typeof span === "string" ? (SPAN.exec(span) ?? []) : [];
  const unitMs = unit === undefined ? undefined : UNIT_MS[unit];
  return unitMs === undefined ? undefined : Number(count) * unitMs;
}
