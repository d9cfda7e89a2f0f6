import { fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { createWorker } from "runseal";
import { benchInstance, benchRunbook } from "./bench-catalog.js";
import { benchStores } from "./bench-stores.js";
import { heardFrom, monotonicMs, percentiles, program } from "./program.mjs";
import type { ProgramConfig } from "./program.mjs";

/** A child of this program is the idle worker; it says when the handler of the first step was called. */
async function work(config: ProgramConfig): Promise<void> {
  const { stores } = await benchStores(config);
  const runseal = benchInstance(stores, config.leaseMs, async (n) => {
    process.send?.({ kind: "step", at: monotonicMs() });
    return { n };
  });
  createWorker(runseal, { concurrency: 1, leaseMs: config.leaseMs }).start();
  process.once("disconnect", () => process.exit(0));
  // a first look at the store, so that its schema is there and the worker listens
  await runseal.list({});
  process.send?.({ kind: "listening", at: monotonicMs() });
}

if (process.env["BENCH_ROLE"] === "worker") {
  await work(JSON.parse(process.env["BENCH_CONFIG"] ?? "{}") as ProgramConfig);
} else {
  await program(async (config) => {
    const { stores, close } = await benchStores(config);
    const runseal = benchInstance(stores, config.leaseMs);
    const id = await benchRunbook(runseal, "bench.writes", 1, config.pad);
    const worker = fork(process.argv[1] ?? "", { env: { ...process.env, BENCH_ROLE: "worker" } });
    await heardFrom(worker, "listening");
    return {
      prepare:
        async ({ runs }) =>
        async () => {
          const latencies: number[] = [];
          for (let run = 0; run < runs; run += 1) {
            const step = heardFrom(worker, "step");
            const before = monotonicMs();
            await runseal.submit(id);
            latencies.push((await step).at - before);
            await sleep(20); // the worker is idle again
          }
          return { ms: latencies.reduce((sum, each) => sum + each, 0), steps: runs, notes: percentiles(latencies) };
        },
      close: async () => {
        worker.kill("SIGKILL");
        await runseal.close();
        await close();
      },
    };
  });
}
