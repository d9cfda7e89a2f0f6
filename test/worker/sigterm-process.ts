import { z } from "zod";
import { allowAll, createCatalog, createRunseal, createWorker, defineMacro, defineVerb } from "runseal";
import { openSqlite } from "runseal/sqlite";

const [, , path = "", kind = "ends"] = process.argv;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const wait = defineVerb({
  name: "line.wait",
  version: 1,
  effect: "read",
  args: z.object({ line: z.string() }),
  result: z.object({ line: z.string() }),
});
const twice = defineMacro({
  name: "line.twice",
  version: 1,
  params: z.object({ line: z.string() }),
  body: ({ params, step }) => {
    const first = step("first", wait, { line: params.line });
    return { line: step("second", wait, { line: first.result.line }).result.line };
  },
});
const catalog = createCatalog({ verbs: [wait], macros: [twice] });

const isAsked = new Promise<void>((resolve) => process.once("SIGTERM", () => resolve()));
const runseal = createRunseal({
  catalog,
  handlers: {
    "line.wait": async ({ line }: { line: string }) => {
      say(`called ${line}`);
      // the handler ends only after the process was asked to stop, or never
      if (kind === "ends") await isAsked;
      else await new Promise((resolve) => setInterval(resolve, 3_600_000).unref());
      return { line };
    },
  },
  policy: allowAll(),
  stores: openSqlite(path),
});
const outcome = await runseal.compile({ name: "line.twice", args: { line: "a" } }, { intent: "a", uses: "many" });
if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
const first = await runseal.submit(outcome.runbook.id);
const worker = createWorker(runseal, { concurrency: 1, pollMs: 5 });
worker.start();
say(`run ${first.runId}`);
process.once("SIGTERM", () => {
  void (async () => {
    const second = await runseal.submit(outcome.runbook.id);
    say(`run ${second.runId}`);
    await worker.drain({ graceMs: kind === "ends" ? 60_000 : 100 });
    await runseal.close();
  })();
});
