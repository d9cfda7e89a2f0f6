import { goldenIds } from "./golden-runbooks.js";

// run in a process of its own by golden-ids.test.ts
process.stdout.write(JSON.stringify(goldenIds(process.argv[2] === "reversed" ? "reversed" : "declared")));
