import { openRivals } from "./rivals.js";

// One of two processes that want the same thing at the same moment: says what it got, one line.
const [folder = "", what = "", id = "", startAt = "0"] = process.argv.slice(2);
const runseal = openRivals(folder);
while (Date.now() < Number(startAt)); // both begin at the same time
try {
  const run = what === "execute" ? await runseal.execute(id) : await runseal.resume(id);
  const result = await run.result();
  process.stdout.write(`${result.status} ${run.runId}\n`);
} catch (error) {
  process.stdout.write(`refused ${(error as { code?: string }).code ?? String(error)}\n`);
}
await runseal.close();
