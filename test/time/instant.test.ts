import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { isInstant } from "../../src/time/instant.js";

describe("an instant", () => {
  it.each([
    "2026-06-07T12:00:00Z",
    "2026-06-07T12:00:00.250Z",
    "2026-06-07T23:59:59.123456789Z",
    "2024-02-29T00:00:00Z",
    "2000-02-29T00:00:00Z",
    "0000-02-29T00:00:00Z",
    "9999-12-31T23:59:59Z",
  ])("is %s", (text) => {
    expect(isInstant(text)).toBe(true);
  });

  it.each([
    "2026-06-07",
    "2026-06-07T12:00Z",
    "2026-06-07T12:00:00",
    "2026-06-07T12:00:00+00:00",
    "2026-06-07t12:00:00z",
    "2026-06-07 12:00:00Z",
    "2026-06-07T12:00:00.Z",
    "2026-06-07T12:00:00.1234567890Z",
    "2026-06-07T12:00:00Z\n",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-32T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2016-12-31T23:59:60Z",
    "+02026-06-07T12:00:00Z",
    "２０２６-06-07T12:00:00Z",
    "",
  ])("is not %j", (text) => {
    expect(isInstant(text)).toBe(false);
  });

  it("is text", () => {
    for (const value of [0, null, undefined, new Date(0), {}]) expect(isInstant(value)).toBe(false);
  });

  it("is what a Date prints, and no day that a Date would move to another", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("0000-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59Z"), noInvalidDate: true }),
        (date) => {
          expect(isInstant(date.toISOString())).toBe(true);
        },
      ),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 9999 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 31 }),
        (year, month, day) => {
          const pad = (value: number, width: number): string => String(value).padStart(width, "0");
          const text = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T00:00:00.000Z`;
          expect(isInstant(text)).toBe(new Date(text).toISOString() === text);
        },
      ),
    );
  });
});
