import { freeze, isFrozen } from "./frozen-folder.js";
import { recordBundles } from "./record-bundles.js";
import { recordLogs } from "./record-logs.js";
import { recordPostgres } from "./record-postgres.js";

// Recorded `test/golden/v1`: `npx tsx test/golden/record-v1.ts`, once. What is there is never written again: a new format is recorded beside it,
// into a folder of its own (`frozen-folder.ts` names it), and these files stay as they are.

if (isFrozen()) throw new TypeError("test/golden/v1 is frozen; a new format is recorded into test/golden/v2, beside it");
await recordPostgres();
await recordBundles();
await recordLogs();
freeze();
