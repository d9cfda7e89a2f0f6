import { expect, test } from "vitest";
import { openForTest } from "../sqlite/filled-stores.js";
import { startChild } from "../sqlite/child.js";
import { tempFile } from "../sqlite/temp-file.js";
import { until } from "../kill/until.js";
import { collect } from "../../src/testing/store-contract/contract-case.js";

const SCRIPT = "../worker/sigterm-process.ts";

test("SIGTERM: a worker takes nothing more, hands over at the next boundary and exits with 0 (reliability row 13)", async () => {
  const path = tempFile();
  const child = startChild(SCRIPT, path, "ends");
  await until(() => child.lines.includes("called a"));
  child.process.kill("SIGTERM");
  expect(await child.ended).toBe(0);
  const [first, second] = child.lines.filter((line) => line.startsWith("run ")).map((line) => line.slice("run ".length));
  const stores = openForTest(path);
  const handed = await stores.reader.head("default", `run/${first ?? ""}`);
  expect([handed?.owner, handed?.run?.status]).toEqual([null, "running"]);
  const events = await collect(stores.reader.read("default", `run/${first ?? ""}`));
  expect(events.map(({ kind }) => kind)).toContain("step.completed");
  // given back, not given up: whoever looks next goes on with it at once, and with the one that was never taken
  const due = await stores.runs.due({ scope: "default", queues: null, limit: 9 });
  expect(due.map(({ run }) => [run?.runId, run?.status])).toEqual([
    [first, "running"],
    [second, "queued"],
  ]);
  expect(await stores.workers.list()).toEqual([]);
});

test("SIGTERM: a handler that does not end is given up after the grace, and the exit is 0 all the same (reliability row 13)", async () => {
  const path = tempFile();
  const child = startChild(SCRIPT, path, "hangs");
  await until(() => child.lines.includes("called a"));
  child.process.kill("SIGTERM");
  expect(await child.ended).toBe(0);
  const stores = openForTest(path);
  const [first] = child.lines.filter((line) => line.startsWith("run ")).map((line) => line.slice("run ".length));
  const head = await stores.reader.head("default", `run/${first ?? ""}`);
  expect(head?.owner).not.toBeNull();
  // its process is gone, so that its lease counts for nothing on this machine
  const due = await stores.runs.due({ scope: "default", queues: null, limit: 9 });
  expect(due.map(({ run }) => run?.runId)).toContain(first);
});
