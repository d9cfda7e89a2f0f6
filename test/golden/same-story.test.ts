import { expect, onTestFinished, test } from "vitest";
import type { StepContext } from "runseal";
import type { StoredEvent } from "../../src/model/event.js";
import { ManualEnv } from "../engine/manual-env.js";
import { Rig, rested } from "../engine/rig.js";
import { STORES } from "./each-stores.js";
import { buildRunbook, resultOf } from "../engine/build-runbook.js";
import { credit } from "../kill/credit.js";
import { driveRun } from "../../src/engine/drive-run.js";
import { runStream } from "../../src/model/ids.js";
import { signalMessage } from "../../src/engine/inbox-message.js";

const runbook = buildRunbook({
  steps: [
    { id: "noted", effect: "write", verb: "test.note" },
    { id: "credited", effect: "write", verb: "test.credit", transactional: true, dependsOn: ["noted"] },
    { id: "sent", effect: "write", verb: "test.send", mode: "durable", dependsOn: ["credited"] },
    { id: "added", verb: "test.add", dependsOn: ["sent"], args: { of: resultOf("credited") } },
  ],
  output: resultOf("added"),
});

/** Facts, context, an artifact, an event, a transaction and a wait: once each, with ids that are counted and a clock that stands. */
async function lived(kind: keyof typeof STORES): Promise<readonly StoredEvent[]> {
  const env = new ManualEnv();
  const { stores, remove } = await STORES[kind](env);
  onTestFinished(remove);
  const credits = new Map<string, number>();
  const verbs = {
    "test.note": {
      run: async (_: unknown, ctx: StepContext) => {
        ctx.set("seen", `${await ctx.uuid()} \u2028 \u{1f600}`);
        await ctx.emit("row.added", { row: 1 });
        await ctx.putArtifact("note", "kept");
        return ctx.fact("asked", () => ({ large: "x".repeat(40_000) }));
      },
    },
    "test.credit": { run: async (_: unknown, ctx: StepContext) => credit(ctx.tx, credits, "acc-1") },
    "test.send": { run: async (_: unknown, ctx: StepContext) => ctx.park() },
    "test.add": { run: async (args: unknown) => args },
  };
  const rig = new Rig({ env, stores: { ...stores, owner: "golden" }, verbs });
  const runId = await rig.submit(runbook, { labels: { team: "blue" } });
  const first = rested(await driveRun(rig.parts, await rig.claim(runbook, runId), {}));
  if (first.result.status !== "parked") throw new TypeError(first.result.status);
  await rig.put(signalMessage("default", runId, first.result.key ?? "", "yes"));
  const last = rested(await driveRun(rig.parts, await rig.claim(runbook, runId), {}));
  expect(last.result).toMatchObject({ status: "completed", output: { of: 1 } });
  const events: StoredEvent[] = [];
  for await (const event of stores.reader.read("default", runStream(runId))) events.push(event);
  return events;
}

test("the same story over memory, SQLite and PostgreSQL is the same log, hash by hash and byte by byte, where ids and times are fixed", async () => {
  const [memory, sqlite, postgres] = [await lived("memory"), await lived("SQLite"), await lived("PostgreSQL")];
  expect(memory.length).toBeGreaterThan(15);
  expect(memory.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(["fact.recorded", "artifact.written", "domain", "step.parked", "signal.received", "run.completed"]),
  );
  expect(sqlite).toEqual(memory);
  expect(postgres).toEqual(memory);
});
