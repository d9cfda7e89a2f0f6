import { expect } from "vitest";
import type { SimulationReport } from "runseal/testing";
import { simulate } from "runseal/testing";

/** What a range of seeds came to. */
interface Tally {
  readonly failures: readonly SimulationReport[];
  readonly statuses: ReadonlyMap<string, number>;
  readonly events: ReadonlyMap<string, number>;
}

/** Plays the seeds from `first` on; one seed instead where the environment names it. */
export async function playSeeds(first: number, count: number): Promise<Tally> {
  const failures: SimulationReport[] = [];
  const statuses = new Map<string, number>();
  const events = new Map<string, number>();
  for (let seed = first; seed < first + count; seed += 1) {
    const report = await simulate({ seed });
    for (const status of report.statuses) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    for (const event of report.events) events.set(event, (events.get(event) ?? 0) + 1);
    if (report.failure !== null) failures.push(report);
  }
  return { failures, statuses, events };
}

/** Holds a range of seeds to every invariant, and to having tried everything that can go wrong. */
export async function expectSeedsHold(first: number, count: number): Promise<void> {
  const only = process.env["SIMULATE_SEED"];
  if (only !== undefined) {
    expect((await simulate({ seed: Number(only) })).failure).toBeNull();
    return;
  }
  const { failures, statuses, events } = await playSeeds(first, count);
  expect(failures.map(({ failure }) => failure)).toEqual([]);
  expect([...statuses.keys()].sort()).toEqual(["canceled", "completed", "failed"]);
  for (const often of ["completed", "failed", "canceled"]) expect(statuses.get(often)).toBeGreaterThan(count / 20);
  for (const trouble of TROUBLES) expect([trouble, (events.get(trouble) ?? 0) > count / 20]).toEqual([trouble, true]);
}

const TROUBLES = [
  "crash",
  "freeze",
  "clock",
  "before",
  "after",
  "delay",
  "duplicate",
  "signal",
  "approve",
  "reject",
  "resolve",
  "cancel",
  "pause",
  "resume",
];
