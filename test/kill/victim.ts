import { writeSync } from "node:fs";
import { openPlot } from "./process.js";
import { plotScenarios } from "./scenarios.js";

// Lives one scenario in a folder, says each fault point that it passes, and dies at the one it was given.
const [folder = "", scenario = "", point = "", nth = "0"] = process.argv.slice(2);
const plot = openPlot(folder, (reached, count) => {
  writeSync(1, `${reached} ${count}\n`);
  if (reached === point && count === Number(nth)) process.kill(process.pid, "SIGKILL");
});
plot.isFirst = true;
await plotScenarios[scenario]?.live(plot);
await plot.runseal.close();
writeSync(1, "rested\n");
