import { fork } from "node:child_process";
import { makeWorkerUtils, run } from "graphile-worker";
import { Logger } from "@graphile/logger";
import { heardFrom, monotonicMs, percentiles, program } from "../programs/program.mjs";

const quiet = new Logger(() => () => undefined);

// One process enqueues; a child of it works, and says when its task was called. Both sides as documented: the worker LISTENs.
if (process.env.BENCH_ROLE === "worker") {
  const { databaseUrl } = JSON.parse(process.env.BENCH_CONFIG);
  await run({
    connectionString: databaseUrl,
    concurrency: 1,
    noHandleSignals: true,
    logger: quiet,
    taskList: { work: async () => void process.send({ kind: "step", at: monotonicMs() }) },
  });
  process.once("disconnect", () => process.exit(0));
  process.send({ kind: "listening" });
} else {
  await program(async ({ databaseUrl, pad }) => {
    const utils = await makeWorkerUtils({ connectionString: databaseUrl, logger: quiet });
    await utils.migrate();
    const worker = fork(process.argv[1], { env: { ...process.env, BENCH_ROLE: "worker" } });
    await heardFrom(worker, "listening");
    return {
      prepare:
        async ({ runs }) =>
        async () => {
          const latencies = [];
          for (let n = 0; n < runs; n += 1) {
            const step = heardFrom(worker, "step");
            const before = monotonicMs();
            await utils.addJob("work", { n, pad });
            latencies.push((await step).at - before);
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
          return { ms: latencies.reduce((sum, each) => sum + each, 0), steps: runs, notes: percentiles(latencies) };
        },
      close: async () => {
        worker.kill("SIGKILL");
        await utils.release();
      },
    };
  });
}
