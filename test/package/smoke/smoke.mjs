import * as runseal from "runseal";
import * as sqlite from "runseal/sqlite";
import * as testing from "runseal/testing";
import { story } from "./story.cjs";

await story({ runseal, sqlite, testing });
console.log(`ESM on Node ${process.version}: ok`);
