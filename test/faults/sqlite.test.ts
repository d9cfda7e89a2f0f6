import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Stores } from "runseal";
import type { ManualClock } from "runseal/testing";
import { manualClock } from "runseal/testing";
import { openSqlite } from "runseal/sqlite";
import { isAllowed, play } from "./play.js";
import type { Stage } from "./play.js";
import { scenarios } from "./scenarios.js";

const NAMES = ["sequential", "parallel", "parked and signaled", "retrying", "in doubt", "facts", "child runs"];
const modes = ["before", "after", "crash_after", "late", "duplicate"] as const;

describe.each(scenarios.filter(({ name }) => NAMES.includes(name)))("a run in an SQLite file, $name", (scenario) => {
  const directory = mkdtempSync(join(tmpdir(), "runseal-faults-"));
  const clock: ManualClock = manualClock();
  const stores: { clean?: Stores; faulty?: Stores } = {};
  let plays = 0;

  // one file and two connections for every play: each has a scope of its own
  const stage = (): Stage => {
    plays += 1;
    const { clean, faulty } = stores;
    if (clean === undefined || faulty === undefined) throw new TypeError("not open yet");
    return { clock, clean, faulty, bury: () => undefined, scope: `play-${plays}` };
  };

  beforeAll(() => {
    const path = join(directory, "faults.db");
    stores.clean = openSqlite(path, { clock });
    // of another host, as far as anybody can tell: only its lease's end shows that it is dead
    stores.faulty = openSqlite(path, { clock, owner: "elsewhere/1/1/one" });
  });

  afterAll(async () => {
    await stores.faulty?.close();
    await stores.clean?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test.each(modes)(
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
      expect(n - 1).toBeGreaterThanOrEqual(scenario.callsMin);
    },
    120_000,
  );
});
