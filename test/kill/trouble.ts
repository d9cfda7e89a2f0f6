import { writeSync } from "node:fs";
import { openTrouble } from "./trouble-process.js";
import type { Trouble } from "./trouble-process.js";

// A worker process in trouble: takes whatever is due, drains at SIGTERM, and says what it does.
const [folder = "", trouble = "none", leaseMs = "10000", until = "0", guard = ""] = process.argv.slice(2);
const { runseal, worker } = openTrouble(folder, {
  trouble: trouble as Trouble,
  leaseMs: Number(leaseMs),
  until: Number(until),
  reached: (point) => {
    if (trouble === "wait" && point === "rest.after_commit") process.kill(process.pid, "SIGKILL");
  },
});
if (guard === "guarded") {
  process.on("unhandledRejection", (error) => writeSync(1, `floating: ${error instanceof Error ? error.message : ""}\n`));
}
process.once("SIGTERM", () => {
  writeSync(1, "draining\n");
  void worker.drain().then(() => runseal.close());
});
worker.start();
writeSync(1, "working\n");
