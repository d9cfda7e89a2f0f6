import { benchInstance, benchRunbook } from "./bench-catalog.js";
import { benchStores } from "./bench-stores.js";
import { inLanes, program } from "./program.mjs";

// As a peer registers its workflow once and starts it many times, one runbook is sealed and runs many times. With a subject every run has an
// entity of its own, and so a runbook of its own, sealed before the clock starts.
await program(async (config) => {
  const { stores, close } = await benchStores(config);
  const runseal = benchInstance(stores, config.leaseMs);
  const isLocked = config.variant.includes("locked");
  const macro = config.variant.includes("pure") ? "bench.pures" : "bench.writes";
  let accounts = 0;
  return {
    prepare: async ({ runs, steps, concurrency }) => {
      const ids: string[] = [];
      for (let run = 0; isLocked && run < runs; run += 1) {
        accounts += 1;
        ids.push(await benchRunbook(runseal, "bench.writes_to", steps, config.pad, `account-${accounts}`));
      }
      const shared = isLocked ? "" : await benchRunbook(runseal, macro, steps, config.pad);
      return async () => {
        const started = performance.now();
        await inLanes(runs, concurrency, async (run) => {
          const handle = await runseal.execute(ids[run] ?? shared);
          const result = await handle.result();
          if (result.status !== "completed") throw new TypeError(JSON.stringify(result));
        });
        return { ms: performance.now() - started, steps: runs * steps };
      };
    },
    close: async () => {
      await runseal.close();
      await close();
    },
  };
});
