import { OpenWorkflow } from "openworkflow";
import { BackendPostgres } from "openworkflow/postgres";
import { program } from "../programs/program.mjs";

// Its client finds out that a run has ended by polling once a second and its worker by polling every 100 ms or more. In its favour, all runs are
// enqueued before the clock starts, and the clock stops with the last step of the last run.
await program(async ({ databaseUrl, pad }) => {
  const backend = await BackendPostgres.connect(databaseUrl, { namespaceId: "bench" });
  const client = new OpenWorkflow({ backend });
  let left = 0;
  let stopped = Promise.resolve();
  let ended = () => undefined;
  const workflow = client.defineWorkflow({ name: "bench" }, async ({ input, step }) => {
    let last;
    for (let n = 0; n < input.steps; n += 1) last = await step.run({ name: `work-${n}` }, async () => ({ n }));
    left -= 1;
    if (left === 0) ended();
    return last;
  });
  return {
    prepare: async ({ runs, steps, concurrency }) => {
      await stopped;
      left = runs;
      const end = new Promise((resolve) => {
        ended = resolve;
      });
      for (let run = 0; run < runs; run += 1) await workflow.run({ steps, pad });
      const worker = client.newWorker({ concurrency });
      return async () => {
        const started = performance.now();
        await worker.start();
        await end;
        const ms = performance.now() - started;
        stopped = worker.stop();
        return { ms, steps: runs * steps };
      };
    },
    close: async () => {
      await backend.stop();
    },
  };
});
