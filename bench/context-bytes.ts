import type { StepContext } from "../src/model/step-context.js";
import { benchEnv, benchVerb, chainOf } from "./bench-run.js";
import { claimRun } from "../src/engine/claim-run.js";
import { driveRun } from "../src/engine/drive-run.js";
import { memoryStores } from "../src/stores/memory/memory-stores.js";
import { runStream } from "../src/model/ids.js";
import { submitRun } from "../src/engine/submit-run.js";

/**
 * Bytes that a step leaves in the store, where each puts 100 bytes under a new context key: payloads, event envelopes and artifacts of a run of
 * 10,000 steps beside one of 100 (mark: at most 1.2 times per step).
 *
 * Run it with `npx tsx bench/context-bytes.ts`. Nothing in it is a time.
 */
const VALUE = "x".repeat(100);

interface Bytes {
  readonly events: number;
  readonly artifacts: number;
}

async function bytesPerStep(steps: number): Promise<Bytes> {
  const stores = memoryStores();
  const entry = benchVerb("pure", async (args, ctx: StepContext) => {
    const { n } = args as { n: number };
    ctx.set(`key.${n}`, VALUE);
    return { n };
  });
  const parts = { stores, env: benchEnv(), handlers: () => entry };
  const runbook = chainOf(steps, () => "pure");
  const request = { dedupKey: null, queue: "q", priority: 0, labels: {}, concurrency: null, parent: null, by: null };
  const { runId } = await submitRun(parts, { scope: "default", runbook, ...request });
  const claimed = await claimRun(parts, { scope: "default", runId, runbook, reason: "wake", build: {}, approvals: null });
  if (claimed.kind !== "claimed") throw claimed.error;
  const end = await driveRun(parts, claimed.run);
  if (end.kind !== "rested" || end.result.status !== "completed") throw new TypeError(`the run ended ${end.kind}`);
  let events = 0;
  let artifacts = 0;
  for await (const event of stores.reader.read("default", runStream(runId))) {
    events += JSON.stringify(event).length;
    if (event.kind === "artifact.written") artifacts += (JSON.parse(event.payloadText) as { bytes: number }).bytes;
  }
  return { events: events / steps, artifacts: artifacts / steps };
}

const few = await bytesPerStep(100);
const many = await bytesPerStep(10_000);
const sum = ({ events, artifacts }: Bytes): number => events + artifacts;
for (const [name, bytes] of [
  ["100", few],
  ["10,000", many],
] as const) {
  console.log(`${name} steps: ${bytes.events.toFixed(0)} B of events and ${bytes.artifacts.toFixed(0)} B of snapshots per step`);
}
console.log(`10,000 : 100  ${(sum(many) / sum(few)).toFixed(2)} (mark 1.20)`);
