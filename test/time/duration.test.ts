import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { isRunsealError } from "../../src/errors/error.js";
import { parseDuration } from "../../src/time/duration.js";

describe("a span of time", () => {
  it.each([
    ["250ms", 250],
    ["30s", 30_000],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["7d", 604_800_000],
    ["0s", 0],
    [0, 0],
    [1500, 1500],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ])("reads %j as %i ms", (span, ms) => {
    expect(parseDuration(span)).toBe(ms);
  });

  it.each([
    "",
    "5",
    "m",
    "1.5h",
    "1h30m",
    "-1s",
    "+1s",
    " 1s",
    "1s ",
    "1s\n",
    "1 s",
    "1S",
    "1w",
    "1e3ms",
    "٣s",
    "1constructor",
    "9007199254740993ms",
    "99999999999999d",
  ])("refuses %j, naming the option and what would be right", (span) => {
    const refusal = refusalOf(() => parseDuration(span, "timeout"));
    expect(refusal.details).toEqual({ option: "timeout" });
    expect(refusal.message).toBe(
      `timeout ${JSON.stringify(span)} is not a span of time; use whole milliseconds or text such as "250ms", "30s", "5m", "1h", "7d"`,
    );
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("refuses the number %d", (span) => {
    expect(refusalOf(() => parseDuration(span)).details).toEqual({ option: "duration" });
  });

  it("refuses what is neither text nor number", () => {
    for (const span of [null, undefined, {}, [], true]) {
      expect(refusalOf(() => Reflect.apply(parseDuration, undefined, [span])).details).toEqual({ option: "duration" });
    }
  });

  it("reads back every whole number of every unit", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 100_000 }),
        fc.constantFrom(["ms", 1], ["s", 1000], ["m", 60_000], ["h", 3_600_000], ["d", 86_400_000]),
        (count, [unit, ms]) => {
          expect(parseDuration(`${count}${unit}`)).toBe(count * ms);
        },
      ),
    );
  });
});

function refusalOf(act: () => unknown): { readonly details: unknown; readonly message: string } {
  try {
    act();
  } catch (error) {
    if (isRunsealError(error, "run.invalid_option")) return error;
    throw error;
  }
  throw new TypeError("expected run.invalid_option, nothing was thrown");
}
