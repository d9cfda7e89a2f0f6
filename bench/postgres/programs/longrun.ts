import type { Stores } from "runseal";
import { benchInstance, benchRunbook } from "./bench-catalog.js";
import { benchStores } from "./bench-stores.js";
import { program } from "./program.mjs";
import type { ProgramConfig } from "./program.mjs";

// `work.steps` is the number of events that each of `work.runs` runs has to have. A run writes them, parks, is gone on with by another
// instance that has to read it all, ends, and is verified. Microseconds per event.
await program(async (config) => {
  const eventsPerStep = await measureEventsPerStep(config);
  return {
    prepare: async ({ runs, steps: events }) => {
      const steps = Math.round(events / eventsPerStep);
      const taken: (readonly [append: number, resume: number, verify: number])[] = [];
      const appender = await benchStores(config);
      const id = await benchRunbook(benchInstance(appender.stores, config.leaseMs), "bench.writes_then_waits", steps, config.pad);
      const reader = await benchStores(config);
      return async () => {
        let written = 0;
        for (let run = 0; run < runs; run += 1) {
          const one = await once(config, appender.stores, reader.stores, id);
          written += one.events;
          taken.push(one.ms);
        }
        const sum = (which: 0 | 1 | 2): number => (taken.reduce((all, ms) => all + ms[which], 0) * 1000) / written;
        const notes = { events: written / runs, append: sum(0), resume: sum(1), verify: sum(2) };
        await appender.close();
        await reader.close();
        return { ms: taken.flat().reduce((all, ms) => all + ms, 0), steps: runs * steps, notes };
      };
    },
    close: async () => undefined,
  };
});

async function measureEventsPerStep(config: ProgramConfig): Promise<number> {
  const { stores, close } = await benchStores(config);
  const runseal = benchInstance(stores, config.leaseMs);
  const seqOf = async (steps: number): Promise<number> => {
    const handle = await runseal.execute(await benchRunbook(runseal, "bench.writes_then_waits", steps, config.pad));
    await handle.result();
    return (await runseal.head(handle.runId)).seq;
  };
  const perStep = ((await seqOf(20)) - (await seqOf(10))) / 10;
  await runseal.close();
  await close();
  return perStep;
}

async function once(
  { leaseMs }: ProgramConfig,
  writer: Stores,
  reader: Stores,
  id: string,
): Promise<{ readonly events: number; readonly ms: readonly [number, number, number] }> {
  const first = benchInstance(writer, leaseMs);
  const began = performance.now();
  const handle = await first.execute(id);
  const parked = await handle.result();
  const appended = performance.now();
  if (parked.status !== "parked") throw new TypeError(JSON.stringify(parked));
  const second = benchInstance(reader, leaseMs);
  await second.signal(handle.runId, "go", { n: 0 });
  const resumedAt = performance.now();
  const result = await (await second.resume(handle.runId)).result();
  const resumed = performance.now();
  if (result.status !== "completed") throw new TypeError(JSON.stringify(result));
  const verdict = await second.verify(handle.runId);
  const verified = performance.now();
  if (!verdict.isSound) throw new TypeError(JSON.stringify(verdict).slice(0, 1_000));
  const events = (await second.head(handle.runId)).seq;
  return { events, ms: [appended - began, resumed - resumedAt, verified - resumed] };
}
