import { createWorker } from "runseal";
import { AckJournal } from "./ack-journal.js";
import type { WorkerConfig } from "./worker-config.js";
import { openStores } from "./open-stores.js";
import { World } from "./world.js";
import { jobInstance } from "./job-instance.js";

// a worker of the fleet: takes jobs until SIGTERM, then hands over what it has and ends
const config = JSON.parse(process.argv[2] ?? "{}") as WorkerConfig;
const { stores, close } = openStores(config);
const journal = new AckJournal(config.folder, config.name);
const world = new World(config.worldUrl);
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const runseal = jobInstance({ stores: journal.watch(stores), world, name: config.name, leaseMs: config.leaseMs, log: say });
const worker = createWorker(runseal, { concurrency: 8, pollMs: 200 });

// whoever started it may be killed too: nobody else would end it then
const parent = process.ppid;
const watch = setInterval(() => {
  if (process.ppid !== parent) process.exit(1);
}, 500);

process.once("SIGTERM", () => {
  void (async () => {
    await worker.drain();
    await runseal.close();
    await world.close();
    await close();
    clearInterval(watch);
    say("drained");
  })();
});
worker.start();
say("ready");
