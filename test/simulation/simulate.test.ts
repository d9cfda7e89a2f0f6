import { describe, expect, test } from "vitest";
import type { Stores } from "runseal";
import type { SimulationReport } from "runseal/testing";
import { simulate } from "runseal/testing";
import { brokenStores } from "./broken-stores.js";

/** Seeds within which a planted bug must be found. */
const SEEDS_MAX = 60;

async function firstFailure(stores: (inner: Stores) => Stores, shrinksMax: number): Promise<SimulationReport | undefined> {
  for (let seed = 1; seed <= SEEDS_MAX; seed += 1) {
    const report = await simulate({ seed, stores, shrinksMax });
    if (report.failure !== null) return report;
  }
  return undefined;
}

describe("simulate", () => {
  test("does the same for the same seed, and something else for another (X.5-7)", async () => {
    const traces: string[] = [];
    for (let seed = 1; seed <= 25; seed += 1) {
      const once = await simulate({ seed });
      expect(await simulate({ seed })).toEqual(once);
      traces.push(once.trace);
    }
    expect(new Set(traces).size).toBe(25);
  }, 60_000);

  test.each(Object.keys(brokenStores))(
    "finds %s (X.5-7)",
    async (bug) => {
      const broken = brokenStores[bug];
      const report = broken === undefined ? undefined : await firstFailure(broken, 0);
      expect(report?.failure?.reproduce).toBe(`simulate({ seed: ${report?.seed ?? 0} })`);
    },
    60_000,
  );

  test("shrinks a failing plan, and names the line that plays the rest of it again", async () => {
    const stores = brokenStores["a lock table that admits two"];
    if (stores === undefined) throw new TypeError("it is planted");
    const whole = await firstFailure(stores, 0);
    const shrunk = await firstFailure(stores, 300);
    const [before = [], after = []] = [whole?.failure?.story, shrunk?.failure?.story];
    expect(after.length).toBeLessThan(before.length);
    const { seed = 0, failure = null } = shrunk ?? {};
    const without = failure?.without ?? [];
    expect(without.length).toBeGreaterThan(0);
    expect(failure?.reproduce).toBe(`simulate({ seed: ${seed}, without: ${JSON.stringify(without)} })`);
    const again = await simulate({ seed, without, stores, shrinksMax: 0 });
    expect(again.failure).toMatchObject({ rule: "locks_exclusive", story: after });
    // two runs over one thing are what it takes
    expect(after.filter((line) => line.startsWith("run "))).toHaveLength(2);
  }, 60_000);
});
