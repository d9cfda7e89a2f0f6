import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { z } from "zod";
import { allowAll, createCatalog, createRunseal, defineMacro, defineVerb } from "runseal";
import { openSqlite } from "runseal/sqlite";

// A sequential run of 1,000 writing steps (entry durable before the handler, completion before the next step) beside 1,000 bare
// prepared single-row inserts with a commit each, on the same file system, in alternating rounds. Prints steps/s and the ratio.

const STEPS = 1_000;
const ROUNDS = 5;
const pad = "x".repeat(80);

const write = defineVerb({
  name: "bench.write",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ n: z.int(), pad: z.string() }),
  result: z.object({ n: z.int() }),
});
const macro = defineMacro({
  name: "bench.run",
  version: 1,
  params: z.object({ numbers: z.array(z.int()) }),
  body: ({ params, step, forEach }) => {
    forEach("steps", params.numbers, (n) => {
      step("write", write, { n, pad });
    });
  },
});
const catalog = createCatalog({ verbs: [write], macros: [macro] });

async function ours(folder: string, round: number): Promise<number> {
  const runseal = createRunseal({
    catalog,
    handlers: { "bench.write": async ({ n }) => ({ n }) },
    stores: openSqlite(join(folder, `ours-${round}.db`)),
    policy: allowAll(),
    limits: { stepsMax: STEPS },
  });
  const numbers = Array.from({ length: STEPS }, (_, n) => n);
  const outcome = await runseal.compile({ name: "bench.run", args: { numbers } }, { intent: `round-${round}` });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  const started = performance.now();
  const result = await (await runseal.execute(outcome.runbook.id)).result();
  const ms = performance.now() - started;
  if (result.status !== "completed") throw new TypeError(JSON.stringify(result));
  await runseal.close();
  return ms;
}

function bare(folder: string, round: number): number {
  const db = new Database(join(folder, `bare-${round}.db`));
  db.exec("PRAGMA journal_mode = wal");
  db.exec("PRAGMA synchronous = full");
  db.exec("CREATE TABLE event (stream TEXT, seq INTEGER, payload TEXT, PRIMARY KEY (stream, seq)) WITHOUT ROWID");
  const insert = db.prepare("INSERT INTO event VALUES (?, ?, ?)");
  const payload = JSON.stringify({ n: 1, pad });
  const started = performance.now();
  for (let n = 0; n < STEPS; n += 1) insert.run("run/1", n, payload);
  const ms = performance.now() - started;
  db.close();
  return ms;
}

const folder = mkdtempSync(join(tmpdir(), "runseal-bench-"));
const rounds: { readonly ours: number; readonly bare: number }[] = [];
await ours(folder, -1);
bare(folder, -1);
for (let round = 0; round < ROUNDS; round += 1) {
  const order = round % 2 === 0;
  const first = order ? await ours(folder, round) : bare(folder, round);
  const second = order ? bare(folder, round) : await ours(folder, round);
  rounds.push(order ? { ours: first, bare: second } : { ours: second, bare: first });
}
rmSync(folder, { recursive: true, force: true });

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const rate = (ms: number): number => Math.round((STEPS / ms) * 1000);
console.log(`node ${process.version}, ${STEPS} steps, ${ROUNDS} rounds, medians\n`);
console.log("| | per s |\n|---|---|");
console.log(`| bare insert + commit | ${rate(median(rounds.map((round) => round.bare)))} |`);
console.log(`| writing steps of a run | ${rate(median(rounds.map((round) => round.ours)))} |`);
console.log(`| ratio of rates, median of rounds | ${median(rounds.map((round) => round.bare / round.ours)).toFixed(2)} |`);
