import { fork } from "node:child_process";
import { createWorker } from "runseal";
import { benchInstance, benchRunbook } from "./bench-catalog.js";
import { benchStores } from "./bench-stores.js";
import { heardFrom, inLanes, monotonicMs, program } from "./program.mjs";
import type { ProgramConfig } from "./program.mjs";

const WARM_RUNS = 500;
const NEVER = new Promise<never>(() => undefined);

/** A child of this program takes every run, gets as far as the handler of its step, and is killed there. */
async function die(config: ProgramConfig): Promise<void> {
  const { stores } = await benchStores(config);
  let entered = 0;
  const { runs } = config.work;
  const runseal = benchInstance(stores, config.leaseMs, () => {
    entered += 1;
    if (entered === runs) process.send?.({ kind: "hanging", at: monotonicMs() });
    return NEVER;
  });
  createWorker(runseal, { concurrency: runs, leaseMs: config.leaseMs }).start();
  process.once("disconnect", () => process.exit(1));
}

if (process.env["BENCH_ROLE"] === "victim") {
  await die(JSON.parse(process.env["BENCH_CONFIG"] ?? "{}") as ProgramConfig);
} else {
  await program(async (config) => {
    const { stores, close } = await benchStores(config);
    let entered = 0;
    let firstAt = 0;
    let isWarm = false;
    let isEverythingTaken = (): void => undefined;
    const runseal = benchInstance(stores, config.leaseMs, async (n) => {
      if (!isWarm) return { n };
      if (entered === 0) firstAt = monotonicMs();
      entered += 1;
      if (entered === config.work.runs) isEverythingTaken();
      return { n };
    });
    const worker = createWorker(runseal, { concurrency: config.work.concurrency, leaseMs: config.leaseMs });
    return {
      prepare: async ({ runs }) => {
        const id = await benchRunbook(runseal, "bench.writes", 1, config.pad);
        await inLanes(WARM_RUNS, 32, async () => {
          await (await runseal.execute(id)).result();
        });
        isWarm = true;
        await inLanes(runs, 32, async () => {
          await runseal.submit(id);
        });
        const victim = fork(process.argv[1] ?? "", { env: { ...process.env, BENCH_ROLE: "victim" } });
        await heardFrom(victim, "hanging");
        worker.start();
        return async () => {
          const taken = new Promise<void>((resolve) => {
            isEverythingTaken = resolve;
          });
          if (entered > 0) throw new TypeError(`${entered} of ${runs} runs were taken from a worker that lived`);
          const killedAt = monotonicMs();
          victim.kill("SIGKILL");
          await taken;
          const ms = monotonicMs() - killedAt;
          const notes = { terms: ms / config.leaseMs, first: firstAt - killedAt, perRun: (killedAt + ms - firstAt) / runs };
          return { ms, steps: runs, notes };
        };
      },
      close: async () => {
        await worker.drain();
        await runseal.close();
        await close();
      },
    };
  });
}
