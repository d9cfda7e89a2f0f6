import { openSqlite } from "../../src/sqlite/open-sqlite.js";
import { SampleRun } from "../../src/testing/store-contract/sample-run.js";

/**
 * Claims runs that are there, spends tokens and takes a lock, as fast as it can, printing what it got; then says "holding" and stays,
 * until it is killed.
 *
 * Parameters: path, how many runs.
 */
const [path = "", count = "0"] = process.argv.slice(2);
const stores = openSqlite(path, { busyMs: 60_000 });
process.stdout.write("ready\n");
for (let number = 1; number <= Number(count); number += 1) {
  const run = new SampleRun(number);
  const token = `approval-${number}`;
  let answer;
  do {
    const head = await stores.reader.head("default", run.stream);
    if (head !== undefined) run.adopt(run.submission());
    answer =
      head === undefined ? undefined : await stores.events.commit([{ ...run.claim(stores), consume: { approvals: [token] } }]);
  } while (answer === undefined);
  if (answer.kind === "committed") process.stdout.write(`${number}\n`);
}
const request = { key: "ab".repeat(8), kind: "account", id: "a", access: "write" } as const;
const { runId } = new SampleRun(process.pid);
const owner = { scope: "default", runId, runbookId: `rb_${"0".repeat(64)}`, holder: stores.owner } as const;
await stores.locks.acquire([request], { deadlineMs: 600_000, owner });
process.stdout.write(`holding ${runId}\n`);
