import { describe, expect, test } from "vitest";
import { isDigest, isRunbookId, runbookStream, runStream } from "../../src/model/ids.js";

const HEX = "0123456789abcdef".repeat(4);

describe("isRunbookId", () => {
  test("takes `rb_` and 64 lower-case hex digits", () => {
    expect(isRunbookId(`rb_${HEX}`)).toBe(true);
  });

  test.each([
    [HEX],
    [`rb_${HEX}0`],
    [`rb_${HEX.slice(1)}`],
    [`rb_${HEX.toUpperCase()}`],
    [`rb_${HEX}\n`],
    [` rb_${HEX}`],
    ["rb_"],
    [null],
    [[`rb_${HEX}`]],
  ])("refuses %j", (value) => {
    expect(isRunbookId(value)).toBe(false);
  });
});

describe("isDigest", () => {
  test("takes 64 lower-case hex digits", () => {
    expect(isDigest(HEX)).toBe(true);
  });

  test.each([[`rb_${HEX}`], [`${HEX}0`], [HEX.slice(1)], [HEX.toUpperCase()], [`${HEX}\n`], [""], [7], [undefined]])(
    "refuses %j",
    (value) => {
      expect(isDigest(value)).toBe(false);
    },
  );
});

describe("streams", () => {
  test("are named for what they hold", () => {
    expect(runStream("r-1")).toBe("run/r-1");
    expect(runbookStream(`rb_${HEX}`)).toBe(`runbook/rb_${HEX}`);
  });
});
