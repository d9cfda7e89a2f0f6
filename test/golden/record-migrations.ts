import { writeFileSync } from "node:fs";
import { RELEASED_FILE, migrationSums } from "./migration-sums.js";

// `npx tsx test/golden/record-migrations.ts`, on the day of a release that ships new migrations, and never to let a released one change.

writeFileSync(RELEASED_FILE, `${JSON.stringify(migrationSums(), null, 2)}\n`);
