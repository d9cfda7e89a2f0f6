import { DBOS } from "@dbos-inc/dbos-sdk";
import { inLanes, program } from "../programs/program.mjs";

// One workflow of N steps. A step's result is a row; the workflow's arguments are kept once.
const workflow = DBOS.registerWorkflow(
  async ({ steps }) => {
    let last;
    for (let n = 0; n < steps; n += 1) last = await DBOS.runStep(async () => ({ n }), { name: "work" });
    return last;
  },
  { name: "bench" },
);

await program(async ({ databaseUrl, pad }) => {
  DBOS.setConfig({ name: "bench", systemDatabaseUrl: databaseUrl, logLevel: "error" });
  await DBOS.launch();
  return {
    prepare:
      async ({ runs, steps, concurrency }) =>
      async () => {
        const started = performance.now();
        await inLanes(runs, concurrency, async () => {
          const handle = await DBOS.startWorkflow(workflow)({ steps, pad });
          const result = await handle.getResult();
          if (result.n !== steps - 1) throw new TypeError(`the last step gave ${JSON.stringify(result)}`);
        });
        return { ms: performance.now() - started, steps: runs * steps };
      },
    close: () => DBOS.shutdown(),
  };
});
