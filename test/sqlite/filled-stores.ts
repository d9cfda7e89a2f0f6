import { onTestFinished } from "vitest";
import { sha256Hex } from "../../src/json/digest.js";
import { openSqlite, type SqliteOptions, type SqliteStores } from "../../src/sqlite/open-sqlite.js";
import { completed, entered, SampleRun } from "../../src/testing/store-contract/sample-run.js";
import { sampleRunbook } from "../../src/testing/store-contract/sample-runbook.js";

/** The bytes of the artifact that {@link fill} stores. */
const BYTES = Uint8Array.from([1, 2, 3, 4]);

/** What {@link fill} put into the stores. */
export interface Filling {
  readonly run: SampleRun;
  readonly runbook: ReturnType<typeof sampleRunbook>;
  readonly artifactId: string;
}

/** Stores that are closed when the test ends. */
export function openForTest(path: string, options?: SqliteOptions): SqliteStores {
  const stores = openSqlite(path, options);
  onTestFinished(() => stores.close());
  return stores;
}

/** Puts a row or more into every append-only table. */
export async function fill(stores: SqliteStores): Promise<Filling> {
  const run = new SampleRun(1);
  const runbook = sampleRunbook("filled");
  const artifact = { id: sha256Hex(BYTES), kind: "note", bytes: BYTES };
  await stores.runbooks.put(runbook);
  await stores.runbooks.put(sampleRunbook("filled", { title: "said otherwise" }));
  await stores.runbooks.recordVersion("default", "session", runbook.id);
  await run.submit(stores);
  await stores.inbox.put({ scope: "default", runId: run.runId, key: "taken", kind: "signal", payload: { a: 1 } });
  await stores.inbox.put({ scope: "default", runId: run.runId, key: "waiting", kind: "signal", payload: { a: 2 } });
  await run.start(stores);
  await run.commit(stores, [entered("a"), completed("a"), entered("b")], {
    artifacts: [artifact],
    consume: { approvals: ["token"], signals: ["taken"] },
  });
  return { run, runbook, artifactId: artifact.id };
}
