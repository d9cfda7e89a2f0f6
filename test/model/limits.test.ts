import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMIT_PROFILES, strictestLimits } from "../../src/model/limits.js";

const limits = fc.record({ depthMax: fc.nat(), stepsMax: fc.nat(), humanStepsMax: fc.nat(), lookupsMax: fc.nat() });

describe("strictestLimits", () => {
  test("takes the smaller value of each bound (decision 2.7)", () => {
    expect(strictestLimits(LIMIT_PROFILES.runbook, LIMIT_PROFILES.mission)).toEqual({
      depthMax: 8,
      stepsMax: 5,
      humanStepsMax: 2,
      lookupsMax: 100,
    });
    expect(
      strictestLimits(
        { depthMax: 1, stepsMax: 9, humanStepsMax: 1, lookupsMax: 9 },
        { depthMax: 2, stepsMax: 8, humanStepsMax: 2, lookupsMax: 8 },
      ),
    ).toEqual({
      depthMax: 1,
      stepsMax: 8,
      humanStepsMax: 1,
      lookupsMax: 8,
    });
  });

  test("leaves one profile as it is, and does not depend on the order of several", () => {
    expect(strictestLimits(LIMIT_PROFILES.runbook)).toEqual({ depthMax: 8, stepsMax: 500, humanStepsMax: 500, lookupsMax: 100 });
    fc.assert(
      fc.property(limits, limits, limits, (a, b, c) => {
        expect(strictestLimits(a, b, c)).toEqual(strictestLimits(c, a, b));
      }),
    );
  });
});
