import { describe, expect, test } from "vitest";
import { memoryStores } from "runseal";
import { manualClock } from "runseal/testing";
import { MODES, isAllowed, play } from "./play.js";
import type { Stage } from "./play.js";
import { scenarios } from "./scenarios.js";

function stage(): Stage {
  const clock = manualClock();
  const dead = new Set<string>();
  const clean = memoryStores({ clock, ownerAlive: (owner) => !dead.has(owner) });
  const faulty = memoryStores({ sharedWith: clean });
  return { clock, clean, faulty, bury: () => dead.add(faulty.owner), scope: "default" };
}

describe.each(scenarios)("a run on memory stores, $name", (scenario) => {
  test.each(MODES)(
    "comes to the same end whichever store call fails, and calls no completed step again: %s (X.5-10, X12, reliability rows 1 to 9)",
    async (mode) => {
      const whole = await play(stage(), scenario, mode, Number.POSITIVE_INFINITY);
      expect(whole.problems).toEqual([]);
      expect(new Set(whole.ends.map(({ status }) => status))).toEqual(new Set(["completed"]));
      const found: unknown[] = [];
      let n = 1;
      for (; ; n += 1) {
        const { isFired, ends, problems } = await play(stage(), scenario, mode, n);
        if (!isFired) break;
        if (problems.length > 0 || !isAllowed(mode, ends, whole.ends)) found.push({ n, problems, ends });
      }
      expect(found).toEqual([]);
      // each of them fired, one by one, until there was no call left to fail
      expect(n - 1).toBeGreaterThanOrEqual(scenario.callsMin);
      expect(whole.calls).toBeGreaterThanOrEqual(scenario.callsMin);
    },
    120_000,
  );
});
