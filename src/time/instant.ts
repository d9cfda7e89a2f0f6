const INSTANT = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/;

/**
 * Tells whether `value` is an instant in the one spelling that sealed content takes: ISO 8601 in UTC, such as
 * `2026-06-07T12:00:00Z` or `2026-06-07T12:00:00.250Z`.
 *
 * The day must exist in the (proleptic Gregorian) calendar and the time on the clock, so no leap second and no 24:00. One to nine
 * digits of a second are allowed; they are text, and nothing here rounds them.
 */
export function isInstant(value: unknown): value is string {
  const fields = typeof value === "string" ? INSTANT.exec(value) : null;
  if (fields === null) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields.slice(1, 7).map(Number);
  return day >= 1 && day <= daysIn(year, month) && hour <= 23 && minute <= 59 && second <= 59;
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
}
