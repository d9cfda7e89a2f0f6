import { openSqlite } from "../../src/sqlite/open-sqlite.js";
import { chainEvent } from "../../src/history/chain.js";
import { completed, SampleRun } from "../../src/testing/store-contract/sample-run.js";

/**
 * Appends events to one run until it has appended enough, printing each seq once it is acknowledged. Whoever is behind reads the
 * head and tries again, as the engine does.
 *
 * Parameters: path, owner whose lease to write under, how many.
 */
const [path = "", owner = "", count = "0"] = process.argv.slice(2);
const stores = openSqlite(path, { busyMs: 60_000 });
const run = new SampleRun(1);
let done = 0;
while (done < Number(count)) {
  const head = await stores.reader.head("default", run.stream);
  if (head === undefined) continue;
  const event = chainEvent(head, completed(`${process.pid}-${done}`), head.epoch);
  const fence = { owner, epoch: head.epoch };
  const write = { scope: "default", stream: run.stream, expectedSeq: head.seq, fence, events: [event], artifacts: [] };
  const answer = await stores.events.commit([write]);
  if (answer.kind === "committed") {
    done += 1;
    process.stdout.write(`${event.seq}\n`);
  } else if (answer.kind !== "conflict") {
    process.stdout.write(`${answer.kind}\n`);
    break;
  }
}
await stores.close();
