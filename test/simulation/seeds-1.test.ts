import { describe, test } from "vitest";
import { expectSeedsHold } from "./range.js";

const FIRST = 1;

describe("simulated workers", () => {
  test("keep every invariant over seeds 1 to 1,000, whatever crashes, freezes, fails or steps (X.5-7, X12, X.5-16, reliability rows 1 to 9, 14, 39, 41, 45, 50, 51, 53, 54, 57)", async () => {
    await expectSeedsHold(FIRST, 1_000);
  }, 300_000);
});
