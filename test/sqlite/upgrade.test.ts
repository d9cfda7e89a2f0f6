import { expect, test } from "vitest";
import { SampleRun, runCanceledVoid, runCompleted } from "../../src/testing/store-contract/sample-run.js";
import { collect } from "../../src/testing/store-contract/contract-case.js";
import { manualClock } from "../../src/testing/manual-clock.js";
import { bareConnection } from "./bare-connection.js";
import { fill, openForTest } from "./filled-stores.js";
import { tempFile } from "./temp-file.js";

test("a file of schema 1 learns from its log when each run started, as a rebuild would say (decisions 4.4, 4.8)", async () => {
  const path = tempFile();
  const clock = manualClock(1_000);
  const stores = openForTest(path, { clock });
  const { run } = await fill(stores);
  const [ended, canceled, queued] = [new SampleRun(2), new SampleRun(3), new SampleRun(4)];
  for (const other of [ended, canceled, queued]) await other.submit(stores);
  await clock.advance(500);
  await ended.start(stores);
  await ended.commit(stores, [runCompleted]);
  await canceled.commit(stores, [runCanceledVoid]);
  const before = await collect(stores.reader.heads("default"));
  const startOf = (number: SampleRun): number | null | undefined =>
    before.find(({ stream }) => stream === number.stream)?.run?.startedAt;
  expect([run, ended, canceled, queued].map(startOf)).toEqual([1_000, 1_500, null, null]);
  await stores.close();

  const bare = await bareConnection(path);
  bare.exec("DROP INDEX runseal_heads_started; DROP INDEX runseal_heads_busy; ALTER TABLE runseal_heads DROP COLUMN started_at");
  bare.exec("DROP TABLE runseal_workers");
  bare.exec("DELETE FROM runseal_migrations WHERE version > 1");
  const upgraded = openForTest(path);
  expect(await collect(upgraded.reader.heads("default"))).toEqual(before);
  await upgraded.projections.rebuild("default");
  expect(await collect(upgraded.reader.heads("default"))).toEqual(before);
});
