import { openStory } from "./story.js";
import type { Fault } from "./story.js";

// Runs the story in a folder and is killed at the fault point that it was given; says `rested` when it got through.
const [folder = "", fault = "null", doubt = "false"] = process.argv.slice(2);
const runseal = openStory(folder, JSON.parse(fault) as Fault);
const outcome = await runseal.compile({ name: "crash.story", args: { doubt: doubt === "true" } }, { intent: "crash" });
if (outcome.kind !== "compiled") process.exit(3);
const run = await runseal.execute(outcome.runbook.id);
const result = await run.result();
process.stdout.write(`rested ${result.status}\n`);
await runseal.close();
